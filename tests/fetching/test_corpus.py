"""Fetching from a server of the same machine that can do everything wrong that servers do."""

import hashlib
import http.server
import io
import stat
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from fetching import corpus
from ser.corpora.emodb import FILES, SENTENCES, SPEAKERS
from ser.files import params
from ser.files.failures import InputError
from ser.files.whole import whole_folder

ROOT = Path(__file__).resolve().parents[2]
NAMES = [f"{speaker}{sentence}{emotion}a" for speaker in SPEAKERS for sentence in SENTENCES for emotion in "WLEAFTN"]
JUDGEMENTS = "Nr.\tSatz\terkannt\tnatuerlich\n" + "".join(f"1\t{name}.wav\t90,00\t75,00\n" for name in NAMES)


def archive(members=None, extra=(), method=zipfile.ZIP_DEFLATED):
    """A ZIP file like EMO-DB's: every file a name's bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as target:
        for name in NAMES[:FILES] if members is None else members:
            target.writestr(f"wav/{name}.wav", name)
        target.writestr("erkennung.txt", JUDGEMENTS.encode("latin-1"))
        target.writestr("lablaut/03a01Fa.lablaut", "not wanted")
        for name, content in extra:
            target.writestr(name, content)
    return stream.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what the server holds, and a length that may be a lie."""

    def do_GET(self):
        status, content, length = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def answer(content, status=200, length=None):
        server.answer = (status, content, length)
        return f"http://127.0.0.1:{server.server_port}/download.zip"

    yield answer
    server.shutdown()
    server.server_close()
    thread.join()


def source(content=None, **changes):
    row = {
        "title": "EMO-DB",
        "address": "http://127.0.0.1:1/none.zip",
        "licence": "CC0",
        "citation": "F. Burkhardt",
        "unpacked_bytes": 10_000_000,
        "keep": ["wav/*.wav", "erkennung.txt"],
        "checksum": f"sha256:{hashlib.sha256(content or b'').hexdigest()}",
    }
    return corpus.Source(**(row | changes))


def test_a_corpus_is_fetched_checked_and_laid_out(tmp_path, serve):
    content = archive()
    assert corpus.fetch("emodb", source(content, bytes=len(content)), tmp_path, serve(content)) == FILES
    assert {path.name for path in tmp_path.iterdir()} == {"emodb"}
    assert {path.name for path in (tmp_path / "emodb").iterdir()} == {"wav", "erkennung.txt"}
    assert (tmp_path / "emodb" / "wav" / f"{NAMES[0]}.wav").read_text() == NAMES[0]


def test_a_download_outlives_a_stage_that_tidies_up_beside_it(tmp_path, serve, monkeypatch):
    download = corpus._download

    def meanwhile(address, source, folder):
        with whole_folder(tmp_path / "synthetic"):  # sweeps what killed processes have left
            return download(address, source, folder)

    monkeypatch.setattr(corpus, "_download", meanwhile)
    corpus.fetch("emodb", source(archive()), tmp_path, serve(archive()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["emodb", "synthetic"]


def test_files_below_a_folder_of_the_archive_are_laid_out_without_it(tmp_path, serve):
    content = archive(
        [], [(f"top/wav/{name}.wav", name) for name in NAMES[:FILES]] + [("top/erkennung.txt", JUDGEMENTS)]
    )
    corpus.fetch("emodb", source(content, inside="top"), tmp_path, serve(content))
    assert {path.name for path in (tmp_path / "emodb").iterdir()} == {"wav", "erkennung.txt"}


def link():
    member = zipfile.ZipInfo("wav/link.wav")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def damaged(method, byte):
    """The archive with another byte in the compressed bytes of one file."""
    content = archive(method=method)
    place = content.index(b"erkennung.txt") + len("erkennung.txt") + byte
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


NO_CHECKSUM = {"checksum": None, "unchecked": "in a test"}
GOOD = archive()


@pytest.mark.parametrize(
    ("content", "answer", "changes", "message"),
    [
        (GOOD[:1000], {"length": len(GOOD)}, {}, "could not be fetched"),  # breaks off
        (GOOD, {"length": 1000}, {}, "not the archive that its publisher describes"),  # tells less than it has
        (GOOD, {"length": 1000}, NO_CHECKSUM, "expected a whole ZIP file"),
        (b"not found", {"status": 404}, {}, "could not be fetched: 404"),
        (GOOD, {}, {"checksum": "md5:" + "0" * 32}, "not the archive that its publisher describes"),
        (GOOD, {}, {"bytes": 7}, rf"expected 7 bytes, found {len(GOOD)}"),
        (b"<!DOCTYPE html><p>Sign in", {}, NO_CHECKSUM, "expected a ZIP file, found a web page"),
        (GOOD.replace(b"PK\x01\x02", b"PK\x09\x09", 1), {}, NO_CHECKSUM, "damaged"),
        (damaged(zipfile.ZIP_DEFLATED, 0), {}, NO_CHECKSUM, "while decompressing data: invalid .*; fetch it again"),
        (damaged(zipfile.ZIP_BZIP2, 0), {}, NO_CHECKSUM, "damaged one: Invalid data stream; fetch it again"),
        (damaged(zipfile.ZIP_LZMA, 30), {}, NO_CHECKSUM, "damaged one: Corrupt input data; fetch it again"),
        (
            archive(extra=[("\xe9.txt", "x")]).replace(b"\xc3\xa9", b"\xc3("),
            {},
            NO_CHECKSUM,
            "invalid continuation byte",
        ),
        (archive(NAMES[:-200]), {}, NO_CHECKSUM, "not the corpus that is expected: .*expected 535 audio files"),
        (archive(extra=[("../climbs.txt", "x")]), {}, NO_CHECKSUM, r"'\.\./climbs\.txt' leads out of the folder"),
        (archive(extra=[("/etc/climbs", "x")]), {}, NO_CHECKSUM, "'/etc/climbs' leads out of the folder"),
        (archive(extra=[("wav\\..\\..\\c.wav", "x")]), {}, NO_CHECKSUM, "leads out of the folder"),
        (archive(extra=[(link(), "/etc/passwd")]), {}, NO_CHECKSUM, r"'wav/link\.wav' is a link"),
        (archive(extra=[("zeros", bytes(11_000_000))]), {}, NO_CHECKSUM, "more than the 10000000"),
    ],
)
def test_whatever_a_server_does_wrong_nothing_is_left(tmp_path, serve, content, answer, changes, message):
    raw = tmp_path / "raw"
    with pytest.raises(InputError, match=message):
        corpus.fetch("emodb", source(GOOD, **changes), raw, serve(content, **answer))
    assert list(raw.iterdir()) == []
    assert list(tmp_path.iterdir()) == [raw]


def test_what_is_there_is_never_overwritten(tmp_path, serve):
    (tmp_path / "emodb").mkdir()
    with pytest.raises(InputError, match="emodb: is there already; move it away first"):
        corpus.fetch("emodb", source(archive()), tmp_path, serve(archive()))


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/a.zip", "a.zip"])
def test_other_addresses_than_of_the_web_are_refused(tmp_path, address):
    with pytest.raises(InputError, match="expected an address that begins with https:// or http://"):
        corpus.fetch("emodb", source(GOOD), tmp_path, address)


def run(monkeypatch, *arguments):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["corpus", *arguments])
    corpus.main()


def test_the_licence_is_shown_and_must_be_accepted(tmp_path, monkeypatch, capsys):
    run(monkeypatch, "ravdess", "--raw", str(tmp_path))
    said = capsys.readouterr().out
    assert "Licence: CC BY-NC-SA 4.0, not for commercial use" in said
    assert said.endswith(
        "Nothing was fetched. Where you keep to the licence, add --accept-licence (make: ACCEPT=yes)\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_can_be_named(tmp_path, monkeypatch, capsys, serve):
    run(monkeypatch, "emodb", "--raw", str(tmp_path), "--accept-licence", "--address", serve(GOOD))
    assert "No checksum: the publisher states no checksum" in (out := capsys.readouterr().out)
    assert out.endswith(f"corpus: 535 utterances in {tmp_path / 'emodb'}\n")


def test_a_corpus_that_cannot_be_fetched_is_refused_with_those_that_can(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="expected a block 'iemocap', found emodb, ravdess, cafe"):
        run(monkeypatch, "iemocap", "--raw", str(tmp_path))


@pytest.mark.parametrize("name", ["emodb", "ravdess", "cafe"])
def test_every_row_is_whole_and_its_corpus_has_a_parser(name):
    row = params.read(ROOT / "fetching" / "sources.yaml", name, corpus.Source)
    assert name in corpus.PARSERS
    assert row.address.startswith("http")


def test_a_row_says_why_it_has_no_checksum():
    with pytest.raises(ValueError, match="expected either a checksum or, under unchecked, why there is none"):
        source(checksum=None)
