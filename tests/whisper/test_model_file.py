import numpy as np
import pytest

from ser.files.failures import InputError
from ser.whisper import model_file


def test_the_tensors_with_the_prefix_are_read_and_no_other(write, tensors):
    read = model_file.read(write(tensors), "WhisperSpec", "encoder/")
    assert {f"encoder/{name}" for name in read} == tensors.keys() - {"decoder/scale"}
    for name, array in read.items():
        np.testing.assert_array_equal(array, tensors[f"encoder/{name}"])
    assert read["num_heads"].shape == ()


@pytest.mark.parametrize("kept", [0, 3, 20, 500, -1000])
def test_a_file_that_is_cut_short_is_refused(write, tensors, kept):
    path = write(tensors)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"model\.bin: .*(cut short|zero bytes|version)"):
        model_file.read(path, "WhisperSpec", "encoder/")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.bin"):
        model_file.read(tmp_path / "none.bin", "WhisperSpec", "encoder/")


def test_another_version_and_another_model_are_refused(write, tensors):
    path = write(tensors, version=5)
    with pytest.raises(InputError, match=r"CTranslate2, version 6, found another file or version \(5\)"):
        model_file.read(path, "WhisperSpec", "encoder/")
    path = write(tensors, model="TransformerSpec")
    with pytest.raises(InputError, match="expected a model of the kind WhisperSpec, found TransformerSpec"):
        model_file.read(path, "WhisperSpec", "encoder/")
