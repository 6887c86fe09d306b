"""All that decides a bit of a trained network.

Importing this package pins how floating point is computed. That has to happen before torch is
loaded: torch and its matrix library choose their kernels once, from these variables. Without
the pin they take the widest vectors of the processor, and the last bits of a result depend on
the machine.
"""

import os
import platform
import sys
from pathlib import Path

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2"}


def _has_avx2() -> bool:
    """Whether this is an x86-64 Linux machine whose processor has AVX2."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        return " avx2 " in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


# True where results are the same bytes as on every other such machine.
BITS_PROMISED = _has_avx2()

ARITHMETIC = ONE_THREAD | AVX2 if BITS_PROMISED else ONE_THREAD

if "torch" in sys.modules and any(os.environ.get(k) != v for k, v in ARITHMETIC.items()):
    raise ImportError("import stages.training before torch: the pins hold when torch is loaded")
os.environ.update(ARITHMETIC)
