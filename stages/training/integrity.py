"""Checks files when they are read: DVC does not notice damage in its cache.

A disk, a sync, or an editor that writes through a link can damage the cache. Stages therefore
write a file SHA256SUMS into each folder, with the sums of its files and of the files that they
were made from. `sha256sum --check` reads it, too.
"""

import errno
import json
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

FILE = "SHA256SUMS"


class DamagedError(OSError):
    """A file is missing, or its content is not what was written."""

    def __init__(self, path: Path, reason: str):
        super().__init__(errno.EINVAL, reason, path.as_posix())


def sums(folder: Path, files: Iterable[tuple[Path, bytes]]) -> str:
    """The text of a folder's SHA256SUMS, for files and their contents."""
    lines = (
        f"{sha256(content).hexdigest()}  {Path(os.path.relpath(path, folder)).as_posix()}\n"
        for path, content in files
    )
    return "".join(lines)


def sums_of(folder: Path, paths: Iterable[Path]) -> str:
    """The same for files on disk; raises OSError."""
    return sums(folder, ((path, path.read_bytes()) for path in paths))


def read(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The content of every file in a folder's SHA256SUMS, by its name there.

    Raises DamagedError if one of `names` is not among them, or if a file is not what was written.
    """
    file = folder / FILE
    if not file.is_file():
        raise DamagedError(file, "is missing; `dvc repro` makes it")
    lines = file.read_bytes().decode(errors="replace").split("\n")
    known = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines if line)}
    return {
        name: _checked(folder, name, known.get(name))
        for name in dict.fromkeys((*sorted(names), *known))
    }


def _checked(folder: Path, name: str, sum_: str | None) -> bytes:
    path = Path(os.path.normpath(folder / name))
    try:
        if path.is_file():  # reading a pipe would wait
            content = path.read_bytes()
            if sha256(content).hexdigest() == sum_:
                return content
    except (OSError, ValueError):  # a damaged name can be no path at all
        pass
    if Path(name).name != name:
        rule = f"{folder} was made from an older version of this file"
        raise DamagedError(path, f"{rule}; {_remake(folder)}")
    raise DamagedError(
        path,
        f"does not match {FILE} in its folder; {_remake(folder)}; if the damage comes back, run "
        "`make repair`",
    )


def _remake(folder: Path) -> str:
    return f"delete {folder} and run `dvc repro`"


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; raises OSError, and DamagedError for anything else."""
    if path.exists() and not path.is_file():
        raise DamagedError(path, "is not a file; move it away")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(values, dict):
            return values
    except (ValueError, RecursionError):
        pass
    raise DamagedError(
        path,
        "is damaged; `python -m stages.check` writes it again, `make repair` repairs DVC's cache",
    )


def as_json(values: dict[str, Any]) -> str:
    """A JSON object as text; equal values give equal text."""
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"
