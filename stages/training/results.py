"""The folder with the results of a variant's training."""

import csv
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

import torch
from safetensors.torch import load, save

from stages.training import engines, integrity, probes, snapshots
from stages.training.engines import State, Tensors
from stages.training.epoch import Scores
from stages.training.plan import Plan

SCORES = [field.name for field in fields(Scores) if field.name != "layers"]
HISTORY_COLUMNS = ["variant", *SCORES]
PROBE_COLUMNS = ["variant", "seed", "epoch", *(field.name for field in fields(probes.Layer))]
FILES = {
    "history.csv",
    "probes.csv",
    "initial.safetensors",
    "weights.safetensors",
    "snapshots.safetensors",
    integrity.FILE,
}


@dataclass
class Trained:
    """The results of training so far: all rows, each seed's last state, pictures by epoch."""

    rows: list[Scores] = field(default_factory=list)
    final: dict[int, State] = field(default_factory=dict)
    pictures: dict[int, torch.Tensor] = field(default_factory=dict)

    def add(self, plan: Plan, state: State, row: Scores) -> None:
        """Add the results of an epoch."""
        self.rows.append(row)
        if row.seed == snapshots.SEED and row.epoch in snapshots.epochs(plan.epochs):
            _, tensors = engines.of(plan).tensors_of(plan, state)
            if (picture := snapshots.take(tensors, plan.shape)) is not None:
                self.pictures[row.epoch] = picture
        if row.epoch == plan.epochs:
            self.final[row.seed] = state

    def update(self, other: "Trained") -> None:
        """Add the results of other seeds."""
        self.rows += other.rows
        self.final |= other.final
        self.pictures |= other.pictures


def write(folder: Path, file: Path, plan: Plan, trained: Trained) -> None:
    """Write FILES; the folder, named after the variant, appears whole or not at all.

    `file` is that with the plan. Raises OSError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Outside data/runs, which DVC reads as a whole. The name is fixed, so the next run replaces
    # the leftovers of a killed one.
    partial = folder.parent.parent / f".partial-{folder.name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    rows = sorted(trained.rows, key=lambda row: (row.seed, row.epoch))
    ends = (trained.final[seed] for seed in sorted(trained.final))
    initial, final = zip(*(engines.of(plan).tensors_of(plan, end) for end in ends), strict=True)
    try:
        history = ([folder.name, *(getattr(row, score) for score in SCORES)] for row in rows)
        _write_csv(partial / "history.csv", HISTORY_COLUMNS, history, digits=8)
        layers = (
            [folder.name, row.seed, row.epoch, *astuple(layer)]
            for row in rows
            for layer in row.layers
        )
        _write_csv(partial / "probes.csv", PROBE_COLUMNS, layers, digits=6)
        tensors = {
            "initial": _stacked(initial),
            "weights": _stacked(final),
            "snapshots": snapshots.quantized(trained.pictures),
        }
        for name, values in tensors.items():
            (partial / f"{name}.safetensors").write_bytes(save(values))
        # With paths relative to the final folder, which is one level further down.
        made = [(folder / path.name, path.read_bytes()) for path in sorted(partial.iterdir())]
        made.append((file, file.read_bytes()))
        (partial / integrity.FILE).write_text(integrity.sums(folder, made), encoding="utf-8")
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        shutil.move(partial, folder)  # which copies where data/runs is on another disk
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@dataclass(frozen=True)
class Run:
    """The content of a run's folder: rows of text by column, and tensors by name."""

    history: list[dict[str, str]]
    probes: list[dict[str, str]]
    initial: dict[str, torch.Tensor]
    weights: dict[str, torch.Tensor]
    snapshots: dict[str, torch.Tensor]


def read(folder: Path, plan: Path) -> Run:
    """Read what `write` wrote for this plan; raises DamagedError."""
    made_from = Path(os.path.relpath(plan, folder)).as_posix()
    contents = integrity.read(folder, {*FILES, made_from} - {integrity.FILE})
    history, probes = (
        list(csv.DictReader(contents[f"{name}.csv"].decode().splitlines()))
        for name in ("history", "probes")
    )
    initial, weights, pictures = (
        dict(sorted(load(contents[f"{name}.safetensors"]).items()))  # load has no fixed order
        for name in ("initial", "weights", "snapshots")
    )
    return Run(history, probes, initial, weights, pictures)


def _write_csv(path: Path, columns: list[str], rows: Iterable[list[object]], digits: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([f"{v:.{digits}g}" if isinstance(v, float) else v for v in row])


def _stacked(nets: Sequence[Tensors]) -> dict[str, torch.Tensor]:
    """Every tensor by its name, all seeds stacked: a weight is `[seeds, fan_out, fan_in]`."""
    return {name: torch.stack([net[name] for net in nets]) for name in nets[0]}
