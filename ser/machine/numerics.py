"""The same sums on every x86-64 processor with AVX2: which instructions the numerical libraries may use.

NumPy, OpenBLAS, MKL, oneDNN, ATen and Numba choose their kernels by the processor: with wider registers they add up in
another order, and the last bits of a sum differ. Each reads from the environment, when it is loaded, what to choose.
``docs/reproducibility.md`` says what is promised, and how it was tested.

This module is imported before any of them, so it imports none; and it alone in ``ser`` looks at the machine.
"""

import os
import platform
import sys
from pathlib import Path

THREADS = dict.fromkeys(
    # A sum is another one if threads share it out; so stages share out their work among processes.
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"),
    "1",
)
KERNELS = {
    # PyTorch: its own kernels, convolutions (oneDNN), matrix products and Fourier transforms (MKL).
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",  # the one setting of MKL that gives Intel's and AMD's processors the same results
    # NumPy and SciPy: matrix products, whose blocks depend on the cache too, and functions such as exp.
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_L2_SIZE": "512",  # kB
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",  # what every x86-64 processor has is enough
    # Numba, in which UMAP is written.
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+64bit,+avx,+avx2,+bmi,+bmi2,+cmov,+cx16,+f16c,+fma,+fxsr,+lzcnt,+mmx,+movbe,+popcnt,"
    "+sahf,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave,+xsaveopt",
}
READERS = ("numpy", "torch", "scipy", "numba")  # too late once one of these is loaded
PORTABLE = "portable"


def capable() -> bool:
    """Tell whether this is Linux on an x86-64 processor with AVX2, for which ``KERNELS`` are."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    flags = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")]
    return all({"avx2", "fma"} <= set(line.split()) for line in flags)


def fix() -> None:
    """Let the libraries that are loaded from now on, here and in child processes, compute alike on every processor.

    On a machine that is not ``capable``, only the number of threads is fixed: the last digits are that machine's own.
    """
    wanted = THREADS | KERNELS if capable() else THREADS
    if any(os.environ.get(key) != value for key, value in wanted.items()):
        loaded = [reader for reader in READERS if reader in sys.modules]
        assert not loaded, f"numerics are fixed before {', '.join(loaded)} loads"
        os.environ.update(wanted)


def name() -> str:
    """Name the numerics that decide the last digits: ``portable`` after ``fix``, otherwise those of this machine."""
    fixed = all(os.environ.get(key) == value for key, value in (THREADS | KERNELS).items())
    return PORTABLE if fixed else f"those of {platform.system()} on {platform.machine()}"
