import zipfile

import pytest
import soundfile

from ser import audio
from ser.files.failures import InputError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
SHORTEN = b"NIST_1A\n   1024\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n".ljust(1024) + bytes(50)
PAGE = b"\n<!DOCTYPE html>\n<html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (POINTER, "a pointer of git-lfs in place of the recording; fetch that: git lfs pull"),
        (b"/annex/objects/MD5E-s32044--d41d8cd98f.wav\n", "a pointer of git-annex in place of the recording"),
        (SHORTEN, "SPHERE compressed by shorten, as LDC's older corpora are; unpack it: sph2pipe"),
        (PAGE, "a web page in place of the recording; download it again"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page in place of the recording"),
        (b"\x1f\x8b\x08" + bytes(50), "a gzip archive; unpack it"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"#EXTM3U\nhttp://example.org/one.mp3\n", "a playlist"),
        (b"MThd\0\0\0\x06", "MIDI"),
        (bytes(9000), "nothing but zeros"),
        (b"", "a file of zero bytes"),
    ],
)
def test_what_is_no_sound_is_called_by_its_name(tmp_path, content, found):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.wav: expected audio, found {found}"):
        audio.decode(tmp_path / "a.wav")


def test_a_zip_archive_is_called_by_its_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.mp3", "w") as archive:
        archive.writestr("one.wav", b"RIFF")
    with pytest.raises(InputError, match="found a zip archive; unpack it"):
        audio.decode(tmp_path / "a.mp3")


@pytest.mark.parametrize("name", ["a.mp3", "a.txt", "a", "a.m4a", "a.raw", "a.RAW"])
def test_the_content_decides_and_not_the_name(tmp_path, name):
    soundfile.write(tmp_path / "b.wav", [0.0, 0.5, -0.5], 16000)
    samples, _ = audio.decode((tmp_path / "b.wav").rename(tmp_path / name))
    assert samples.tolist() == [[0.0, 0.5, -0.5]]


def test_a_tag_before_a_flac_file_is_passed_over(tmp_path):
    soundfile.write(tmp_path / "a.flac", [0.0, 0.5, -0.5], 16000)
    (tmp_path / "a.flac").write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + (tmp_path / "a.flac").read_bytes())
    assert audio.decode(tmp_path / "a.flac")[0].tolist() == [[0.0, 0.5, -0.5]]
