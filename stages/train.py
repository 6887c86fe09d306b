"""Stage train@VARIANT: train every seed of a variant, as its plan says."""

import os
import sys
from collections import defaultdict
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from stages.training import data, results, snapshots, sums, workers
from stages.training.epoch import Row, State
from stages.training.initialization import InitializationError
from stages.training.plan import Plan

PLANS = Path("data/plans")
RUNS = Path("data/runs")


def main() -> None:
    variant, plan = read_plan(sys.argv[1:])
    images = Path("data", plan.data)
    sums.check(images, data.FILES.values())
    told = what_decides(variant, plan)
    try:
        rows, final, pictures = run(variant, plan, data.load(images, plan.limit))
        if what_decides(variant, plan) != told:  # and DVC would take them for what was trained
            raise SystemExit(
                f"{variant}: nothing was written, since its plan or the code changed while it "
                "trained; run `dvc repro` again"
            )
        results.write(RUNS / variant, plan_file(variant), plan.sizes, rows, final, pictures)
    except InitializationError as error:
        name = plan.tensors[error.tensor].initializer
        raise SystemExit(
            f"params.yaml: variants.{variant}: {name} cannot fill {error.tensor}: {error}"
        ) from None
    except (MemoryError, BrokenProcessPool):
        raise SystemExit(
            f"{variant}: nothing was written: a process that trains was ended, or got no memory"
        ) from None
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr, flush=True)
        os._exit(130)  # at once: SystemExit would wait for the pool's threads (workers.train)
    except OSError as error:
        reason = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
        raise SystemExit(f"{RUNS / variant}: nothing was written: {reason}") from None


def what_decides(variant: str, plan: Plan) -> str:
    """The sums of a variant's plan, and of all code that trains it."""
    here = Path(__file__)
    code = [here, *sorted((here.parent / "training").glob("*.py")), *map(Path, plan.files)]
    return sums.of(RUNS / variant, [plan_file(variant), *code])


def plan_file(variant: str) -> Path:
    """Where check writes what a variant's training is told."""
    return PLANS / f"{variant}.json"


def read_plan(arguments: list[str]) -> tuple[str, Plan]:
    """The variant's name and its plan, if the files that the plan names are as it says."""
    if len(arguments) != 1:
        raise SystemExit("usage: python -m stages.train VARIANT")
    variant = arguments[0]
    there = sorted(path.stem for path in PLANS.glob("*.json"))
    if variant not in there:
        names = ", ".join(there) or "none"
        raise SystemExit(f"{variant}: has no plan in {PLANS}; there are: {names}")
    plan = Plan.read(plan_file(variant))
    for file, checked in plan.files.items():
        if sha256(Path(file).read_bytes()).hexdigest() != checked:
            raise SystemExit(f"{file}: changed since it was checked; run `dvc repro` again")
    return variant, plan


def run(
    title: str, plan: Plan, dataset: data.Dataset
) -> tuple[list[Row], list[State], dict[int, Tensor]]:
    """Train all seeds, showing progress: every row, each seed's last state, and pictures."""
    by_epoch: dict[int, list[Row]] = defaultdict(list)
    final: dict[int, State] = {}
    pictures: dict[int, Tensor] = {}
    pictured = snapshots.epochs(plan.epochs)
    print(
        f"{title}: {plan.seeds} {'seed' if plan.seeds == 1 else 'seeds'}, each "
        f"{_layers(plan.sizes)} on {len(dataset.train.labels):,} images"
    )
    # disable=None: a bar on a terminal, none in a log file.
    with tqdm(total=plan.seeds * plan.epochs, disable=None, unit="epoch", leave=False) as bar:
        for state, row in workers.train(plan, dataset, worker_count()):
            by_epoch[row.epoch].append(row)
            if row.seed == snapshots.SEED and row.epoch in pictured:
                pictures[row.epoch] = snapshots.take(plan.sizes, state.weights)
            if row.epoch == 0:
                continue
            bar.update()
            if row.epoch == plan.epochs:
                final[row.seed] = state
            if len(by_epoch[row.epoch]) == plan.seeds:
                bar.write(_epoch_line(by_epoch[row.epoch], plan.epochs))
                print(end="", flush=True)
    rows = [row for epoch in by_epoch.values() for row in epoch]
    rows.sort(key=lambda row: (row.seed, row.epoch))
    return rows, [final[seed] for seed in range(plan.seeds)], pictures


def worker_count() -> int:
    """INITLAB_WORKERS, or as many as this process may use cores."""
    wish = os.environ.get("INITLAB_WORKERS")
    if not wish:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:  # not on macOS or Windows
            return os.cpu_count() or 1
    if not wish.isdecimal() or int(wish) == 0:
        raise SystemExit(f"INITLAB_WORKERS = {wish!r}: must be a whole number above 0")
    return int(wish)


def _layers(sizes: list[int]) -> str:
    """Like 784-128-64-10, and 784-64×30-10 for thirty layers of 64."""
    runs = [(width, len(list(run))) for width, run in groupby(sizes)]
    return "-".join(f"{width}×{n}" if n > 1 else str(width) for width, n in runs)


def _epoch_line(rows: list[Row], epochs: int) -> str:
    train_acc = sum(row.train_acc for row in rows) / len(rows)
    test_acc = sum(row.test_acc for row in rows) / len(rows)
    return (
        f"Epoch {rows[0].epoch:{len(str(epochs))}}/{epochs}"
        f" | Train Acc: {train_acc:.3f} | Test Acc: {test_acc:.3f}"
    )


if __name__ == "__main__":
    main()
