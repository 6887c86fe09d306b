"""The finished networks of a sweep: an interrupted sweep continues where it stopped."""

import errno
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from stages.training.grid import CellScores

Done = dict[int, dict[int, CellScores]]  # by the cell's place, and by seed


def path_of(sweep: str) -> Path:
    """The journal of a sweep; DVC and git ignore it."""
    return Path("data", f".partial-sweep-{sweep}")


class Journal:
    """A file with one line per network, each with a checksum that includes what it was `made_with`.

    Damaged lines are ignored, and those of another plan, which an older process may still write.
    """

    def __init__(self, path: Path, made_with: str):
        """Open or create it, to be closed by `with`; raises OSError."""
        self._made_with = made_with
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # to open a named pipe would wait for ever
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        there = path.read_bytes() if path.is_file() else b""
        lines = list(filter(self._is_ours, there.split(b"\n")))
        self.rows: Done = {}
        for cell, values in (json.loads(line)[:2] for line in lines):
            self.rows.setdefault(cell, {})[values["seed"]] = CellScores(**values)
        self._file = path.open("ab")
        if there and not there.endswith(b"\n"):
            self._file.write(b"\n")
        if not lines:
            self._file.truncate(0)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, cell: int, rows: Iterable[CellScores]) -> None:
        """Keep rows of a cell; raises OSError."""
        for row in rows:
            self.rows.setdefault(cell, {})[row.seed] = row
            line = json.dumps([cell, asdict(row), self._sum(cell, asdict(row))])
            self._file.write(f"{line}\n".encode())
            self._file.flush()

    def _sum(self, cell: int, values: dict[str, object]) -> str:
        return sha256(json.dumps([self._made_with, cell, values]).encode()).hexdigest()[:16]

    def _is_ours(self, line: bytes) -> bool:
        try:
            cell, values, known = json.loads(line)
            return bool(self._sum(cell, values) == known)
        except (ValueError, TypeError, RecursionError):
            return False
