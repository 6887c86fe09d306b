"""The stages that train: their tasks, the results kept so far, and their output.

The result of every task is kept on disk at once, under the fingerprint of its stage. So a new run
continues from there, however the last one ended.
"""

import pickle
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from stages import estimate, jobs, journal, writing
from stages import sweep as sweep_stage
from stages.train import PLANS, RUNS
from stages.training import results
from stages.training.grid import CellScores, Grid
from stages.training.plan import Plan
from tools.distribute import task

KEPT = Path("data/unfinished")


@dataclass(frozen=True)
class Task:
    """A call for a worker: a part of some work, its networks, and its estimated seconds."""

    work: "Work"
    part: int
    networks: int
    seconds: float
    call: Callable[[], Any]


class ChangedError(Exception):
    """A plan, the data or the code changed since a result was made."""


class _Stage:
    """A stage `kind@NAME` with its plan file; `plans` are those of all its networks."""

    def __init__(self, kind: str, file: Path, plans: Sequence[Plan]):
        self.name, self.plans = f"{kind}@{file.stem}", plans
        self._kind, self._file = kind, file
        self.fingerprint = jobs.fingerprint(file, plans, kind)

    def check(self) -> None:
        """Raise ChangedError if the stage itself could now give a different result."""
        try:
            now = jobs.fingerprint(self._file, self.plans, self._kind)
        except (OSError, SystemExit) as error:
            raise ChangedError(str(error)) from None
        if now != self.fingerprint:
            raise ChangedError(f"{self._file}, the data or the code changed meanwhile")


class Training(_Stage):
    """A variant, with a task for every seed."""

    def __init__(self, variant: str):
        file = PLANS / f"{variant}.json"
        self.plan = Plan.read(file)
        super().__init__("train", file, [self.plan])
        self._folder = KEPT / sha256(self.fingerprint.encode()).hexdigest()[:16]

    def missing(self) -> Iterator[Task]:
        """The tasks without a result."""
        took = estimate.seconds_of_seed(self.plan)
        for seed in range(self.plan.seeds):
            if self._kept(seed) is None:
                yield Task(self, seed, 1, took, partial(task.train, self.plan, seed))

    def keep(self, part: int, result: bytes) -> None:
        """Store the result of a task; raises OSError."""
        writing.replace({self._folder / str(part): sha256(result).digest() + result})

    def _kept(self, seed: int) -> bytes | None:
        with suppress(OSError):
            content = (self._folder / str(seed)).read_bytes()
            if sha256(content[32:]).digest() == content[:32]:
                return content[32:]
        return None

    def write(self) -> str:
        """Write the stage's output, whole or not at all; a line about it.

        Raises OSError, and ChangedError as `check`.
        """
        self.check()
        whole = results.Trained()
        for seed in range(self.plan.seeds):
            if (kept := self._kept(seed)) is None:
                raise ChangedError(f"{self._folder / str(seed)} is damaged")
            whole.update(pickle.loads(kept))  # noqa: S301  it has our sum
        results.write(RUNS / self._file.stem, self._file, self.plan, whole)
        ends = [row.test_acc for row in whole.rows if row.epoch == self.plan.epochs]
        seeds = f"{len(ends)} {'seed' if len(ends) == 1 else 'seeds'}"
        return f"{self.name}: {seeds}, test accuracy {sum(ends) / len(ends):.3f}"

    def forget(self) -> None:
        """Delete the kept results."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            KEPT.rmdir()  # if it is empty


class Sweep(_Stage):
    """A sweep, with tasks of some seeds of a cell, kept where the stage itself keeps them."""

    def __init__(self, stage: str):
        name = stage.partition("@")[2]
        file = sweep_stage.SWEEPS / f"{name}.json"
        self.grid = Grid.read(file)
        super().__init__("sweep", file, [cell.plan for cell in self.grid.cells])
        self.name = stage  # a question is a sweep as well
        self._journal = journal.Journal(journal.path_of(name), self.fingerprint)

    def missing(self) -> Iterator[Task]:
        took = [estimate.seconds_of(cell) for cell in self.grid.cells]
        for piece in sweep_stage.missing(self.grid.cells, took, self._journal.rows):
            call = partial(task.sweep, self.grid.cells[piece.cell], piece.seeds)
            seconds = took[piece.cell] * len(piece.seeds)
            yield Task(self, piece.cell, len(piece.seeds), seconds, call)

    def keep(self, part: int, result: list[CellScores]) -> None:
        self._journal.add(part, result)

    def write(self) -> str:
        self.check()
        table = sweep_stage.TABLES / f"{self._file.stem}.csv"
        writing.replace({table: sweep_stage.as_csv(self.grid, self._journal.rows)})
        return f"{self.name}: {sum(plan.seeds for plan in self.plans):,} networks"

    def forget(self) -> None:
        journal.path_of(self._file.stem).unlink(missing_ok=True)


Work: TypeAlias = Training | Sweep


def of(stage: str) -> Work:
    """The work of the stage `train@VARIANT`, `sweep@NAME` or `question@NAME`; raises OSError."""
    kind, _, name = stage.partition("@")
    return Training(name) if kind == "train" else Sweep(stage)
