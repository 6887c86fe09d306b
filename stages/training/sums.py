"""SHA256SUMS in a folder of results: DVC takes what its cache holds for whole, and these tell.

A cache can be damaged: by a disk, a sync, an editor that writes through a link. So a folder says
what was written into it, and from which files it was made. `sha256sum --check` reads it, too.
"""

import errno
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

FILE = "SHA256SUMS"


class DamagedError(OSError):
    """A file is missing, or not the one that was summed."""

    def __init__(self, path: Path, reason: str):
        super().__init__(errno.EINVAL, reason, path.as_posix())


def text(folder: Path, files: Iterable[tuple[Path, bytes]]) -> str:
    """What stands in a folder's SHA256SUMS: a line for each of these files and their contents."""
    lines = ((sha256(content).hexdigest(), _name(path, folder)) for path, content in files)
    return "".join(f"{sum_}  {name}\n" for sum_, name in lines)


def of(folder: Path, paths: Iterable[Path]) -> str:
    """The same for files that are there; raises OSError."""
    return text(folder, ((path, path.read_bytes()) for path in paths))


def check(folder: Path, names: Iterable[str]) -> None:
    """Raise DamagedError unless all that SHA256SUMS names is as it says, and it names these."""
    try:
        lines = (folder / FILE).read_bytes().decode(errors="replace").split("\n")
    except FileNotFoundError:
        raise DamagedError(folder / FILE, "is missing; `dvc repro` makes it") from None
    sums = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines if line)}
    for name in (*sorted(names), *sums):
        inside = Path(name).name == name
        path = Path(os.path.normpath(folder / name))
        try:
            same = sums.get(name) == sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError):  # a damaged name can be none
            same = False
        if not same and inside:
            raise DamagedError(
                path,
                f"is damaged or missing, as {FILE} beside it tells; delete {folder} and run "
                "`dvc repro`, or `make repair` where that restores the damage",
            )
        if not same:
            raise DamagedError(path, f"is not what {folder} was made with; run `dvc repro`")


def _name(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
