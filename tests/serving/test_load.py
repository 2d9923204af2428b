"""The load that is put on a service."""

import json
import socket

import pytest

from serving import load


def test_recordings_and_streams_are_counted(server, capsys):
    load.main([server.url + "/", "--requests", "2", "--clients", "1", "--seconds", "0.5"])
    assert json.loads(capsys.readouterr().out)["statuses"] == {"200": 2}
    load.main([server.url + "/", "--streams", "1", "--minutes", "0.01"])
    assert json.loads(capsys.readouterr().out)["statuses"] == {"101": 1}


def test_where_no_service_answers_it_ends_with_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url, found in (
        (f"http://127.0.0.1:{port}", r"none \(.*refused\)"),
        ("127.0.0.1:8000", r"none \(.*http://.*\)"),
        ("http://[::1", r"none \(.*\)"),
        ("", r"none \(.*\)"),
    ):
        with pytest.raises(SystemExit, match=f"^load: .*: expected a service, as at .*, found {found}; begin it"):
            load.main([url])
    assert capsys.readouterr().out == ""


def test_another_server_is_told_from_the_service(server):
    with pytest.raises(SystemExit, match="found status 404 of /health; begin it"):
        load.main([f"{server.url}/elsewhere"])
