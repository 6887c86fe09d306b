"""Everything that affects training results; no schema, YAML or user-facing text.

Importing this package gives every process one thread, and NumPy's linear algebra (effective ranks)
the same kernels on every x86-64 processor. Both are read once, when NumPy is loaded. All other
arithmetic is that of mlp/kernel.c, whose bits do not depend on the processor.
"""

import os
import sys

ARITHMETIC = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",  # no such kernels on arm64, where OpenBLAS ignores it
}

if any(os.environ.get(name) != value for name, value in ARITHMETIC.items()):
    for package in ("torch", "numpy"):
        if package in sys.modules:
            raise ImportError(
                f"import stages.training before {package}, which reads the pin when loaded"
            )
    os.environ.update(ARITHMETIC)
