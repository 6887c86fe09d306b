"""Sums of what stages write: DVC takes what its cache holds for whole, and these tell.

A cache can be damaged: by a disk, a sync, an editor that writes through a link. So a folder
has a file SHA256SUMS with what was written into it and from which files it was made, which
`sha256sum --check` reads, too; and a file of JSON has a sum of its own.
"""

import errno
import json
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

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
    """Raise DamagedError unless SHA256SUMS names these, and all that it names is as it says."""
    if not (folder / FILE).is_file():
        raise DamagedError(folder / FILE, "is missing; `dvc repro` makes it")
    lines = (folder / FILE).read_bytes().decode(errors="replace").split("\n")
    sums = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines if line)}
    for name in dict.fromkeys((*sorted(names), *sums)):
        path = Path(os.path.normpath(folder / name))
        try:  # no pipe, which would wait, and no device; and a damaged name can be none at all
            same = path.is_file() and sums.get(name) == sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError):
            same = False
        if not same and Path(name).name == name:
            raise DamagedError(
                path,
                f"is damaged or missing, as {FILE} beside it tells; delete {folder} and run "
                "`dvc repro`, or `make repair` where that restores the damage",
            )
        if not same:
            raise DamagedError(
                path,
                f"is not what {folder} was made with; delete {folder} and run `dvc repro`",
            )


def sealed(values: Mapping[str, Any]) -> str:
    """Values as JSON that has its own SHA-256 among them."""
    return json.dumps({**values, "sha256": _seal(values)}, indent=1, ensure_ascii=False) + "\n"


def opened(path: Path) -> dict[str, Any]:
    """The values of a file that `sealed` gave; raises OSError, and DamagedError for others."""
    if path.exists() and not path.is_file():
        raise DamagedError(path, "is no file; move it away")
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("sha256") == _seal(values):
            return values
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise DamagedError(
        path, "is damaged; `python -m stages.check` writes it anew, `make repair` mends DVC's cache"
    )


def _seal(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode(errors="replace")).hexdigest()


def _name(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
