"""Compiles kernel.c with the pinned compiler, once for every kind of processor, and loads it."""

import ctypes
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from numpy._core._multiarray_umath import (  # type: ignore[import-not-found]
    __cpu_features__ as features,
)

SOURCE = Path(__file__).with_name("kernel.c")
FOLDER = Path(__file__).resolve().parents[3] / "data" / ".kernel"  # ignored by git and DVC
ARITHMETIC = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-sanitize=all")
LIBRARY = ("-shared", "-fPIC", "-nostdlib")

# By level: the compiler's name for its instructions, and the rows and columns of a product's tile,
# as measured to be fastest. Bits are the same on all of them.
LEVELS = {
    "AVX-512": ("x86_64_v4", 8, 2),
    "AVX2": ("x86_64_v3", 6, 1),
    "NEON": ("baseline", 4, 1),
}


class ProcessorError(OSError):
    """A processor without fused multiply-add."""


def levels() -> list[str]:
    """Those of LEVELS that this processor has, the best first; raises ProcessorError if none."""
    if platform.machine() in ("aarch64", "arm64"):
        return ["NEON"]
    if not (features["AVX2"] and features["FMA3"]):
        raise ProcessorError(
            "initlab needs a processor with fused multiply-add: x86-64 with AVX2, or arm64"
        )
    return ["AVX-512", "AVX2"] if features["AVX512_SKX"] else ["AVX2"]


@cache
def library(real: str, level: str | None = None) -> ctypes.CDLL:
    """The kernel for `float` or `double`, compiled if it is not there yet.

    Raises OSError if its folder cannot be written, and RuntimeError if the compiler fails.
    """
    cpu, rows, columns = LEVELS[level or levels()[0]]
    shape = (f"-DREAL={real}", f"-DROWS={rows}", f"-DCOLUMNS={columns}")
    flags = (*ARITHMETIC, *LIBRARY, f"-mcpu={cpu}", *shape)
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
    """Compile a source to a file; raises RuntimeError with the compiler's words."""
    command = [sys.executable, "-m", "ziglang", "cc", *flags, str(source), "-o", str(file)]
    caches = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(file.parent))
    result = subprocess.run(
        command, env=os.environ | caches, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{source.name} cannot be compiled: {result.stderr.strip()[:300]}")
