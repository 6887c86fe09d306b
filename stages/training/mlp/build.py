"""Compiles kernel.c with the pinned compiler, once for every kind of processor, and loads it."""

import ctypes
import errno
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

# Private, and the only list of a processor's instructions that comes with our packages.
from numpy._core._multiarray_umath import (  # type: ignore[import-not-found]
    __cpu_features__ as features,
)

from stages.training.activations import ACTIVATIONS, LEAKY_SLOPE
from stages.training.plan import MEAN, MOST_LAYERS, STD

SOURCE = Path(__file__).with_name("kernel.c")
FOLDER = Path(__file__).resolve().parents[3] / "data" / ".kernel"  # ignored by git and DVC
ARITHMETIC = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-sanitize=all")
LIBRARY = ("-shared", "-fPIC", "-nostdlib")
# What kernel.c shares with Python.
FACTS = (
    f"-DMOST_LAYERS={MOST_LAYERS}", f"-DLEAKY_SLOPE={LEAKY_SLOPE}", f"-DMEAN={MEAN}",
    f"-DSTD={STD}",
    *(f"-D{name.upper()}={i}" for i, name in enumerate(ACTIVATIONS)),
)  # fmt: skip

# By level: the compiler's name for its instructions, and the rows and columns of a product's tile,
# as measured to be fastest. Bits are the same on all of them.
LEVELS = {
    "AVX-512": ("x86_64_v4", 8, 2),
    "AVX2": ("x86_64_v3", 6, 1),
    "NEON": ("baseline", 4, 1),
}


class KernelError(OSError):
    """This machine cannot run or compile the kernel."""


def levels() -> list[str]:
    """Those of LEVELS that this processor has, the best first; raises KernelError if none."""
    if platform.machine() in ("aarch64", "arm64"):
        return ["NEON"]
    if not (features["AVX2"] and features["FMA3"]):
        reason = "this processor lacks fused multiply-add: x86-64 with AVX2, or arm64, is needed"
        raise KernelError(errno.ENOEXEC, reason, SOURCE.name)
    return ["AVX-512", "AVX2"] if features["AVX512_SKX"] else ["AVX2"]


@cache
def library(real: str, level: str | None = None) -> ctypes.CDLL:
    """The kernel for `float` or `double`, compiled if it is not there yet.

    Raises KernelError, and OSError if its folder cannot be written.
    """
    cpu, rows, columns = LEVELS[level or levels()[0]]
    shape = (f"-DREAL={real}", f"-DROWS={rows}", f"-DCOLUMNS={columns}")
    flags = (*ARITHMETIC, *LIBRARY, *FACTS, f"-mcpu={cpu}", *shape)
    parts = (*flags, version("ziglang"), platform.machine(), sys.platform)
    decides = "\n".join(parts).encode() + SOURCE.read_bytes()
    file = FOLDER / f"{hashlib.sha256(decides).hexdigest()[:16]}.so"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            made = Path(folder, file.name)
            compiled(flags, SOURCE, made)
            made.replace(file)  # whole, even if several processes compile it at once
    return ctypes.CDLL(str(file))


def compiled(flags: tuple[str, ...], source: Path, file: Path) -> None:
    """Compile a source to a file; raises KernelError with the compiler's message."""
    command = [sys.executable, "-m", "ziglang", "cc", *flags, str(source), "-o", str(file)]
    caches = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(file.parent))
    result = subprocess.run(
        command, env=os.environ | caches, capture_output=True, text=True, check=False
    )
    if result.returncode:
        reason = f"cannot be compiled: {' '.join(result.stderr.split())[:300]}"
        raise KernelError(errno.ENOEXEC, reason, source.name)
