"""Stage train@VARIANT: train every seed of a variant according to its plan."""

import sys
from collections import defaultdict
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from stages import jobs, running
from stages.training import data, results, workers
from stages.training.epoch import Scores
from stages.training.initialization import InitializationError
from stages.training.plan import Plan

PLANS = Path("data/plans")
RUNS = Path("data/runs")


def main() -> None:
    file = jobs.plan_file(PLANS, "train", sys.argv[1:])
    variant, plan = file.stem, Plan.read(file)
    dataset = data.load(Path("data", plan.data), plan.limit).cropped(plan.crop)
    try:
        with jobs.unchanged(file, [plan], "train"):
            trained = run(variant, plan, dataset)
    except InitializationError as error:
        name = plan.tensors[error.tensor].initializer
        raise SystemExit(
            f"params.yaml: variants.{variant}: {name} cannot fill {error.tensor}: {error}"
        ) from None
    results.write(RUNS / variant, file, plan, trained)


def run(title: str, plan: Plan, dataset: data.Dataset) -> results.Trained:
    """Train all seeds, showing progress."""
    by_epoch: dict[int, list[Scores]] = defaultdict(list)
    trained = results.Trained()
    print(
        f"{title}: {plan.seeds} {'seed' if plan.seeds == 1 else 'seeds'}, each "
        f"{_named(plan)} on {len(dataset.train.labels):,} images"
    )
    # disable=None: a bar on a terminal, none in a log file.
    with tqdm(total=plan.seeds * plan.epochs, disable=None, unit="epoch", leave=False) as bar:
        for state, row in workers.train(plan, dataset, workers.worker_count()):
            trained.add(plan, state, row)
            by_epoch[row.epoch].append(row)
            if row.epoch == 0:
                continue
            bar.update()
            if len(by_epoch[row.epoch]) == plan.seeds:
                bar.write(_epoch_line(by_epoch[row.epoch], plan.epochs))
                print(end="", flush=True)
    return trained


def _named(plan: Plan) -> str:
    """Like 784-128-64-10, 784-64×30-10 for thirty layers of 64, or the name of another network."""
    if not plan.hidden:
        return plan.network
    runs = [(width, len(list(run))) for width, run in groupby(plan.sizes)]
    return "-".join(f"{width}×{n}" if n > 1 else str(width) for width, n in runs)


def _epoch_line(rows: list[Scores], epochs: int) -> str:
    train_acc = sum(row.train_acc for row in rows) / len(rows)
    test_acc = sum(row.test_acc for row in rows) / len(rows)
    return (
        f"Epoch {rows[0].epoch:{len(str(epochs))}}/{epochs}"
        f" | Train Acc: {train_acc:.3f} | Test Acc: {test_acc:.3f}"
    )


if __name__ == "__main__":
    running.run(main)
