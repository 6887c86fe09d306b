"""A sweep: networks on a grid of plans, each initialized, trained for some steps, and scored.

`check` writes a sweep as data/sweeps/NAME.json; `sweep` reads it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

from stages.training import engines, epoch, integrity, probes
from stages.training.data import Dataset
from stages.training.plan import Plan
from stages.training.probes import View
from stages.training.seeds import Draws

Value: TypeAlias = float | str  # of an axis: a number, or a name


@dataclass(frozen=True)
class Cell:
    """One place of the grid, and how many steps its networks are trained for; 0: not at all."""

    x: Value
    y: Value
    steps: int
    plan: Plan


@dataclass(frozen=True)
class Grid:
    """All cells, by y and then by x."""

    cells: tuple[Cell, ...]

    @classmethod
    def read(cls, path: Path) -> "Grid":
        """Read what `as_json` wrote; raises OSError, and DamagedError for anything else."""
        cells = integrity.read_json(path)["cells"]
        return cls(tuple(Cell(**cell | {"plan": Plan.of(cell["plan"])}) for cell in cells))

    def as_json(self) -> str:
        """The sweep as text; equal sweeps are equal texts."""
        return integrity.as_json(asdict(self))


@dataclass(frozen=True)
class CellScores:
    """One network of a cell.

    Before training, for the probed images: `largest_guess` is the share of its most frequent
    answer, `constant` is 1 if the logits are the same for all of them, else 0, and `start_loss`
    the mean cross-entropy in nats.
    After training: mean cross-entropies and accuracies, on the training images that are scored
    and on the test images; the share of tensors, of those that are trained, that are `still` what
    they were, bit for bit; and the share of units that are `distinct`: unlike all that come before
    them in their layer. Where nothing was trained, only the first two are there.
    """

    seed: int
    largest_guess: float
    constant: int
    start_loss: float | None = None
    train_loss: float | None = None
    train_acc: float | None = None
    test_loss: float | None = None
    test_acc: float | None = None
    still: float | None = None
    distinct: float | None = None


@dataclass(frozen=True)
class Piece:
    """A unit of work: some seeds of a cell, which is given by its place in the grid."""

    cell: int
    seeds: tuple[int, ...]


def do(cells: Sequence[Cell], dataset: Dataset, piece: Piece) -> list[CellScores]:
    """The rows of a piece; raises InitializationError."""
    cell = cells[piece.cell]
    seen = dataset.cropped(cell.plan.crop)
    return [run(cell, seen, seed) for seed in piece.seeds]


def run(cell: Cell, dataset: Dataset, seed: int) -> CellScores:
    """One seed of a cell, initialized, trained and scored; `dataset` is cropped.

    Its weights and the order of its images are those of a variant with this plan: after as many
    steps as an epoch has, both are equal bit for bit. Raises InitializationError.
    """
    plan, train = cell.plan, dataset.train
    learner = engines.of(plan).begin(plan, train, seed)
    probed = train.first(probes.PROBED)
    start_loss, _, logits = learner.score(probed)
    guesses = logits.argmax(1).bincount().max().item() / len(logits)
    row = CellScores(seed, guesses, int((logits == logits[0]).all().item()))
    if not cell.steps:
        return row
    for done in range(0, cell.steps, plan.steps_per_epoch):
        draws = Draws(seed, f"order/{1 + done // plan.steps_per_epoch}")
        learner.train(train, draws, (cell.steps - done) * plan.batch_size)
    train_loss, train_acc, _ = learner.score(train.first(epoch.SCORED_BEFORE))
    test_loss, test_acc, _ = learner.score(dataset.test)
    still, distinct = shares(learner.values())
    return replace(
        row, start_loss=start_loss, train_loss=train_loss, train_acc=train_acc,
        test_loss=test_loss, test_acc=test_acc, still=still, distinct=distinct,
    )  # fmt: skip


def shares(views: Sequence[View]) -> tuple[float, float]:
    """The shares of trained tensors that never moved, and of units that are distinct."""
    trained = [
        step
        for view in views
        for gradient, step in zip(view.gradients, view.moved_at, strict=True)
        if gradient is not None
    ]
    units = [view.units for view in views if view.units]
    distinct = sum(probes.units(*one)[0] for one in units)
    return trained.count(0) / len(trained), distinct / sum(len(weights) for weights, _ in units)
