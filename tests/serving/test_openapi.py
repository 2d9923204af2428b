"""The description of the service: whole, with examples, and kept; schemathesis finds no error of the service."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serving.answers import Prediction
from serving.problems import Details

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@pytest.fixture(scope="module")
def described(server):
    return httpx.get(f"{server.url}/openapi.json").json()


def test_every_address_is_described_with_its_problems(described):
    assert set(described["paths"]) == {"/v1/predict", "/v1/model", "/health", "/ready", "/metrics", "/problems/{kind}"}
    found = described["paths"]["/v1/predict"]["post"]["responses"]
    assert set(found) == {"200", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503"}
    for status in set(found) - {"200"}:
        content = found[status]["content"]
        assert list(content) == ["application/problem+json"]
        assert content["application/problem+json"]["examples"]
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Details"}
    assert set(found["200"]["content"]["application/json"]["examples"]) == {"emotion", "timeline", "silence"}


def test_every_example_fits_its_schema(described):
    found = described["paths"]["/v1/predict"]["post"]["responses"]
    for example in found["200"]["content"]["application/json"]["examples"].values():
        assert Prediction.model_validate(example["value"]).model_dump() == example["value"]
    for status in set(found) - {"200"}:
        for example in found[status]["content"]["application/problem+json"]["examples"].values():
            Details.model_validate(example["value"])


def test_every_answer_that_is_described_has_a_body(described):
    for path in described["paths"].values():
        for operation in path.values():
            assert all(answer["content"] for answer in operation["responses"].values())
    assert "422" not in described["paths"]["/problems/{kind}"]["get"]["responses"], "any text may be asked for"


def test_recordings_are_sent_as_they_are_or_in_a_form(described):
    content = described["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    assert set(content) == {"audio/*", "video/*", "application/octet-stream", "application/ogg", "multipart/form-data"}


def test_window_and_hop_may_be_left_out(described):
    found = {each["name"]: each for each in described["paths"]["/v1/predict"]["post"]["parameters"]}
    for name, least in (("window", 0.5), ("hop", 0.1)):
        assert not found[name]["required"]
        assert found[name]["schema"]["anyOf"] == [{"type": "number", "minimum": least, "maximum": 30}, {"type": "null"}]
        assert "default" not in found[name]["schema"], "what it is depends on the other"


@pytest.mark.slow
def test_schemathesis_finds_no_error_of_the_service(server, tmp_path):
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "20"),
        *("--seed", "1", "--generation-deterministic", "--no-color"),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=500, cwd=tmp_path)

    assert ended.returncode == 0, ended.stdout[-5000:]
