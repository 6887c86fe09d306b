"""Everything that affects training results; no schema, YAML or user-facing text.

Importing this package pins how floating point is computed, before torch and NumPy are loaded:
they and their matrix libraries choose their kernels once, from these variables. Without the pin
they use the widest vectors of the processor, and the last bits of a result depend on the machine.
stages/training/arithmetic.py lists the operations that are safe then.
"""

import os
import platform
import sys
from pathlib import Path

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "MKL_CBWR": "AVX2,STRICT",  # its products; without STRICT Intel and AMD differ in most
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # its GELU
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's linear algebra
}


# On other makers' processors MKL ignores the pin: measured on Hygon's.
MAKERS = ("GenuineIntel", "AuthenticAMD")


def _promises_bits() -> bool:
    """Whether this is an x86-64 Linux machine of one of MAKERS, with AVX2."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        processor = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return " avx2 " in processor and any(maker in processor for maker in MAKERS)


# True where results are the same bytes as on every other such machine.
BITS_PROMISED = _promises_bits()

ARITHMETIC = ONE_THREAD | AVX2 if BITS_PROMISED else ONE_THREAD

if any(os.environ.get(name) != value for name, value in ARITHMETIC.items()):
    for module in ("torch", "numpy"):
        if module in sys.modules:
            raise ImportError(
                f"import stages.training before {module}, which reads the pin when loaded"
            )
    os.environ.update(ARITHMETIC)
