"""The same sums on every x86-64 processor with AVX2: which instructions the numerical libraries may use.

NumPy, OpenBLAS, MKL, oneDNN, ATen and Numba choose their kernels by the processor: with wider registers they add up in
another order, and the last bits of a sum differ. Each reads from the environment, when it is loaded, what to choose.
``docs/reproducibility.md`` says what is promised, and how it was tested.

This module is imported before any of them, so it imports none.
"""

import os
import sys

PORTABLE = {
    # PyTorch: its own kernels, convolutions (oneDNN), matrix products and Fourier transforms (MKL).
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",  # the one setting of MKL that gives Intel's and AMD's processors the same results
    # NumPy and SciPy: matrix products, whose blocks depend on the cache too, and functions such as exp.
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_L2_SIZE": "512",  # kB
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    # One thread each, for a sum is another one if it is shared out; stages share out their work among processes.
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    # Numba, in which UMAP is written.
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+64bit,+avx,+avx2,+bmi,+bmi2,+cmov,+cx16,+f16c,+fma,+fxsr,+lzcnt,+mmx,+movbe,+popcnt,"
    "+sahf,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave,+xsaveopt",
}
READERS = ("numpy", "torch", "scipy", "numba")  # too late once one of these is loaded


def name() -> str:
    """Name the numerics by which vectors are computed: ``portable``, or ``fast`` where ``fix`` was not called."""
    return "portable" if all(os.environ.get(key) == value for key, value in PORTABLE.items()) else "fast"


def fix() -> None:
    """Let the libraries that are loaded from now on, here and in child processes, compute alike on every processor."""
    if name() != "portable":
        loaded = [reader for reader in READERS if reader in sys.modules]
        assert not loaded, f"numerics are fixed before {', '.join(loaded)} loads"
        os.environ.update(PORTABLE)
