"""What there is to do for a variant or a sweep, what is done of it, and its result.

What a worker has finished is kept on disk at once, with what it was made with. So whatever ends a
run, the next one goes on from there.
"""

import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
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
    """A call for a worker, for a part of some work: so many networks, about so many seconds."""

    work: "Work"
    part: int
    networks: int
    seconds: float
    call: Callable[..., Any]
    arguments: tuple[Any, ...]


class ChangedError(Exception):
    """A plan, the data or the code is no more what a result was made with."""


def of(name: str) -> "Work":
    """The work of the stage `train@VARIANT` or `sweep@NAME`; raises OSError."""
    kind, _, named = name.partition("@")
    return Training(named) if kind == "train" else Sweep(named)


class Training:
    """A variant: a task a seed. `name` is its stage's, `plans` are those of all its networks."""

    def __init__(self, variant: str):
        self.name = f"train@{variant}"
        self.told = PLANS / f"{variant}.json"
        self.plan = Plan.read(self.told)
        self.plans = [self.plan]
        self.decided = jobs.fingerprint(self.told, self.plans, "train")
        self.kept = KEPT / sha256(self.decided.encode()).hexdigest()[:16]

    def missing(self) -> Iterator[Task]:
        """What is still to be done."""
        took = estimate.seconds_of_seed(self.plan)
        for seed in range(self.plan.seeds):
            if self._kept(seed) is None:
                yield Task(self, seed, 1, took, task.train, (self.plan, seed))

    def keep(self, part: int, result: bytes) -> None:
        """Take in what a task gave; raises OSError."""
        writing.replace({self.kept / str(part): sha256(result).digest() + result})

    def _kept(self, seed: int) -> bytes | None:
        with suppress(OSError):
            content = (self.kept / str(seed)).read_bytes()
            if sha256(content[32:]).digest() == content[:32]:
                return content[32:]
        return None

    def write(self) -> str:
        """Write the stage's output, whole or not at all; what came out, in a line.

        Raises OSError, and ChangedError as `check`.
        """
        self.check()
        whole = results.Trained()
        for seed in range(self.plan.seeds):
            if (kept := self._kept(seed)) is None:
                raise ChangedError(f"{self.kept / str(seed)} is damaged")
            whole.update(pickle.loads(kept))  # noqa: S301  it has our sum
        results.write(RUNS / self.told.stem, self.told, self.plan.sizes, whole)
        ends = [row.test_acc for row in whole.rows if row.epoch == self.plan.epochs]
        seeds = f"{len(ends)} {'seed' if len(ends) == 1 else 'seeds'}"
        return f"{self.name}: {seeds}, test accuracy {sum(ends) / len(ends):.3f}"

    def check(self) -> None:
        """Raise ChangedError where the stage itself, run now, could give another result."""
        _check(self.told, self.plans, "train", self.decided)

    def forget(self) -> None:
        """Delete what was kept."""
        shutil.rmtree(self.kept, ignore_errors=True)
        with suppress(OSError):
            KEPT.rmdir()  # if it was the last


class Sweep:
    """A sweep: a task some seeds of a cell, kept where the stage itself would."""

    def __init__(self, name: str):
        self.name = f"sweep@{name}"
        self.told = sweep_stage.SWEEPS / f"{name}.json"
        self.sweep = Grid.read(self.told)
        self.plans = [cell.plan for cell in self.sweep.cells]
        self.decided = jobs.fingerprint(self.told, self.plans, "sweep")
        self.journal = journal.Journal(journal.path_of(name), self.decided)

    def missing(self) -> Iterator[Task]:
        took = [estimate.seconds_of(cell) for cell in self.sweep.cells]
        for piece in sweep_stage.missing(self.sweep.cells, took, self.journal.rows):
            seconds = took[piece.cell] * len(piece.seeds)
            call = (self.sweep.cells[piece.cell], piece.seeds)
            yield Task(self, piece.cell, len(piece.seeds), seconds, task.sweep, call)

    def keep(self, part: int, result: list[CellScores]) -> None:
        self.journal.add(part, result)

    def write(self) -> str:
        self.check()
        table = sweep_stage.TABLES / f"{self.told.stem}.csv"
        writing.replace({table: sweep_stage.as_csv(self.sweep, self.journal.rows)})
        return f"{self.name}: {sum(plan.seeds for plan in self.plans):,} networks"

    def check(self) -> None:
        _check(self.told, self.plans, "sweep", self.decided)

    def forget(self) -> None:
        journal.path_of(self.told.stem).unlink(missing_ok=True)


Work: TypeAlias = Training | Sweep


def _check(told: Path, plans: list[Plan], stage: str, decided: str) -> None:
    try:
        now = jobs.fingerprint(told, plans, stage)
    except (OSError, SystemExit) as error:
        raise ChangedError(str(error)) from None
    if now != decided:
        raise ChangedError(f"{told}, the data or the code changed meanwhile")
