"""Stage train@VARIANT: train every seed of one variant of params.yaml."""

import csv
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, fields
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from tqdm import tqdm

from stages import ROOT, mnist, network, params, probes, snapshots
from stages.initializers import InitializerError
from stages.training import Row, State, Study, train

SCORES = [field.name for field in fields(Row) if field.name != "layers"]
HISTORY_COLUMNS = ["variant", *SCORES]
PROBE_COLUMNS = ["variant", "seed", "epoch", *(field.name for field in fields(probes.Layer))]


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m stages.train VARIANT")
    variant = sys.argv[1]
    settings = params.load_or_exit()
    if variant not in settings.variants:
        allowed = list(settings.variants)
        raise SystemExit(params.unknown_key(f"variants.{variant}", variant, allowed))
    images = ROOT / "data" / settings.data.name
    study = Study(
        variant=settings.variants[variant],
        network=settings.network_of(variant),
        training=settings.training_of(variant),
        train=mnist.load(images, "train").first(settings.data.limit),
        test=mnist.load(images, "test"),
    )
    try:
        rows, final, pictures = run(study, settings.seeds, variant)
    except InitializerError as error:
        raise SystemExit(
            params.complaint(
                f"variants.{variant}.{error.key}", error.initializer.as_written(), str(error)
            )
        ) from None
    except KeyboardInterrupt:
        raise SystemExit("interrupted: nothing was written") from None
    folder = ROOT / "data" / "runs" / variant
    try:
        write(folder, study.sizes, rows, final, pictures)
    except OSError as error:
        raise SystemExit(f"{folder}: nothing was written: {error.strerror or error}") from None


def run(
    study: Study, seeds: int, title: str
) -> tuple[list[Row], list[State], dict[int, torch.Tensor]]:
    """Train all seeds, showing progress: every row, each seed's last state, and pictures."""
    epochs = study.training.epochs
    by_epoch: dict[int, list[Row]] = defaultdict(list)
    final: dict[int, State] = {}
    pictures: dict[int, torch.Tensor] = {}
    pictured = snapshots.epochs(epochs)
    print(f"{title}: {seeds} {'seed' if seeds == 1 else 'seeds'}, each {_describe(study)}")
    total = seeds * epochs
    # disable=None: a bar on a terminal, none in a log file.
    with tqdm(total=total, disable=None, unit="epoch", leave=False) as bar:
        for state, row in train(study, seeds, worker_count()):
            by_epoch[row.epoch].append(row)
            if row.seed == snapshots.SEED and row.epoch in pictured:
                pictures[row.epoch] = snapshots.take(study.sizes, state.weights)
            if row.epoch == 0:
                continue
            bar.update()
            if row.epoch == epochs:
                final[row.seed] = state
            if len(by_epoch[row.epoch]) == seeds:
                bar.write(_epoch_line(by_epoch[row.epoch], epochs))
                sys.stdout.flush()
    rows = [row for epoch in sorted(by_epoch) for row in by_epoch[epoch]]
    rows.sort(key=lambda row: (row.seed, row.epoch))
    return rows, [final[seed] for seed in range(seeds)], pictures


def worker_count() -> int:
    """INITLAB_WORKERS, or as many as this process may use cores."""
    wish = os.environ.get("INITLAB_WORKERS")
    if wish is None:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:  # not on macOS or Windows
            return os.cpu_count() or 1
    if not wish.isdecimal() or int(wish) == 0:
        raise SystemExit(f"INITLAB_WORKERS = {wish!r}: must be a whole number above 0")
    return int(wish)


def _describe(study: Study) -> str:
    """Like 784-128-64-10, and 784-64×30-10 for thirty layers of 64."""
    runs = [(width, len(list(run))) for width, run in groupby(study.sizes)]
    sizes = "-".join(f"{width}×{n}" if n > 1 else str(width) for width, n in runs)
    return f"{sizes} on {len(study.train.labels):,} images"


def _epoch_line(rows: list[Row], epochs: int) -> str:
    train_acc = sum(row.train_acc for row in rows) / len(rows)
    test_acc = sum(row.test_acc for row in rows) / len(rows)
    return (
        f"Epoch {rows[0].epoch:{len(str(epochs))}}/{epochs}"
        f" | Train Acc: {train_acc:.3f} | Test Acc: {test_acc:.3f}"
    )


def write(
    folder: Path,
    sizes: list[int],
    rows: list[Row],
    final: list[State],
    pictures: dict[int, torch.Tensor],
) -> None:
    """Write a variant's results; the folder, named after it, appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside data/runs and not in it: DVC reads data/runs as a whole. The name is fixed, so
    # that what a killed run left is replaced by the next.
    partial = folder.parent.parent / f".partial-{folder.name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
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
            "initial": _stacked(sizes, [state.initial for state in final]),
            "weights": _stacked(sizes, [state.weights for state in final]),
            "snapshots": snapshots.quantized(pictures),
        }
        for name, values in tensors.items():
            (partial / f"{name}.safetensors").write_bytes(save(values))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_csv(path: Path, columns: list[str], rows: Iterable[list], digits: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([f"{v:.{digits}g}" if isinstance(v, float) else v for v in row])


def _stacked(sizes: list[int], flats: list[np.ndarray]) -> dict[str, torch.Tensor]:
    """Every tensor by its name, all seeds stacked: a weight is `[seeds, fan_out, fan_in]`."""
    nets = [network.Tensors(sizes, torch.from_numpy(flat)).named() for flat in flats]
    return {name: torch.stack([net[name] for net in nets]) for name in nets[0]}


if __name__ == "__main__":
    main()
