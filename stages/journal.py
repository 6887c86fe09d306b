"""What a sweep has so far: an interrupted one goes on where it stopped."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from stages.training.sweep import Row

Done = dict[int, dict[int, Row]]  # by the cell's place, and by seed


class Journal:
    """A file of rows, which are of use only where `made_with` is what it was begun with."""

    def __init__(self, path: Path, made_with: str):
        """Open or begin it, to be closed by `with`; raises OSError."""
        self.rows: Done = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._head = json.dumps(made_with)
        lines = path.read_bytes().split(b"\n") if path.is_file() else []
        kept = lines[:-1] if lines and lines[0].decode(errors="replace") == self._head else []
        # Only whole lines: the last one may have been cut.
        self._file = path.open("ab")
        self._file.truncate(sum(len(line) + 1 for line in kept))
        if not kept:
            self._write(self._head)
        for line in kept[1:]:
            try:
                cell, values = json.loads(line)
                row = Row(**values)
            except (ValueError, TypeError):  # damaged: this network is trained again
                continue
            self.rows.setdefault(cell, {})[row.seed] = row

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, cell: int, rows: Iterable[Row]) -> None:
        """Keep rows of a cell; raises OSError."""
        for row in rows:
            self.rows.setdefault(cell, {})[row.seed] = row
            self._write(json.dumps([cell, asdict(row)]))

    def _write(self, line: str) -> None:
        self._file.write(f"{line}\n".encode())
        self._file.flush()
