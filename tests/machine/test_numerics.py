"""The numerics that stages fix: what each library then says of itself, and that they are fixed early enough."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  (its own OpenBLAS)
import torch
from threadpoolctl import threadpool_info

from ser.machine import numerics

ROOT = Path(__file__).resolve().parents[2]

needs_avx2 = pytest.mark.skipif(not numerics.capable(), reason="kernels are fixed on x86-64 Linux with AVX2 only")


@needs_avx2
def test_the_libraries_use_the_kernels_that_they_are_told():
    from numpy._core._multiarray_umath import __cpu_features__

    assert torch.backends.cpu.get_cpu_capability() == "AVX2"
    assert not any(__cpu_features__[feature] for feature in ("X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR"))
    blas = [library for library in threadpool_info() if library["internal_api"] == "openblas"]
    assert len(blas) >= 2  # NumPy's and SciPy's
    assert {library["architecture"] for library in blas} == {"Haswell"}


def test_every_library_computes_in_one_thread():
    np.linalg.svd(np.eye(3))
    assert torch.get_num_threads() == 1
    assert {library["num_threads"] for library in threadpool_info()} == {1}


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    free = {key: value for key, value in os.environ.items() if key not in numerics.THREADS | numerics.KERNELS}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=free | environment, capture_output=True, text=True)


@pytest.mark.parametrize("package", ["stages", "benchmarks"])
def test_a_package_of_stages_fixes_them_before_anything_numerical_loads(package):
    code = f"import sys, {package}; from ser.machine import numerics; print(numerics.name(), 'numpy' in sys.modules)"
    assert python(code).stdout.split()[-1] == "False"
    if numerics.capable():
        assert python(code).stdout.startswith("portable ")


@needs_avx2
def test_what_the_user_has_set_is_overruled():
    said = python("import stages, os; print(os.environ['OPENBLAS_CORETYPE'])", OPENBLAS_CORETYPE="Zen")
    assert said.stdout == "Haswell\n"


def test_they_are_not_fixed_too_late():
    failed = python("import numpy; from ser.machine import numerics; numerics.fix()")
    assert "AssertionError: numerics are fixed before numpy loads" in failed.stderr


@needs_avx2
def test_a_stage_may_be_told_to_be_fast():
    said = python("import stages; from ser.machine import numerics; print(numerics.name())" + "  # --numerics=fast")
    assert said.stdout == "portable\n"  # a comment is no argument
    code = "import sys; sys.argv.append('--numerics=fast'); import stages, ser.machine.numerics as n; print(n.name())"
    assert python(code).stdout == "those of Linux on x86_64\n"
