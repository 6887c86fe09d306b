"""The tables of one variant, from the results of its training."""

import math
from collections import defaultdict
from itertools import groupby
from statistics import fmean

import numpy as np
import torch

from stages.training import data, engines, laws
from stages.training.plan import Plan
from stages.training.results import Run

# A seed learns if its accuracy ends more than this above the share of the commonest class: the
# score of a network that gives every image the same answer.
MARGIN = 0.02

ROUNDING = 1e-3  # how far a score of the same weights may differ between processors, with torch
SCORES = ("test_acc", "test_loss")

TEXT = ("variant", "layer")  # columns without numbers

Rows = list[dict]


def of_variant(variant: str, plan: Plan, run: Run, images: data.Images) -> dict[str, Rows]:
    """The tables of one variant by name; `images` are those of the test set.

    `history` and `probes` as trained; `seeds`: accuracy and loss on the test set, as in history;
    the others: see the functions of their names. The column `end` has the outcome of a seed. Ends
    the stage if a score of the saved weights differs from the one in history.
    """
    last = {int(row["seed"]): row for row in run.history}
    ends = endings(run.history, run.probes, test_set(images)["learned_above"])

    seeds, distance = [], 0.0
    classes = plan.classes
    counts = {end: torch.zeros(classes, classes, dtype=torch.int64) for end in ends.values()}
    seen = images.cropped(plan.crop, plan.shape)
    for seed in range(plan.seeds):
        weights = {name: values[seed] for name, values in run.weights.items()}
        loss, accuracy, logits = engines.of(plan).loaded(plan, weights).score(seen)
        row = {"seed": seed, "test_acc": rounded(accuracy), "test_loss": rounded(loss)}
        distance = max(distance, expect_same(variant, row, last[seed], engines.of(plan).EXACT))
        seeds.append({"seed": seed} | {score: float(last[seed][score]) for score in SCORES})
        pairs = images.labels * classes + logits.argmax(1)
        counts[ends[seed]] += torch.bincount(pairs, minlength=classes**2).view(classes, classes)
    if distance:
        print(
            f"{variant}: scores of the saved weights differ by up to {distance:.1g} from those of "
            f"its training, on another processor (allowed: {ROUNDING:g})"
        )

    def with_end(rows: Rows) -> Rows:
        return [row | {"end": ends[int(row["seed"])]} for row in rows]

    return {
        "history": with_end(run.history),
        "probes": with_end(run.probes),
        "seeds": with_end(seeds),
        "confusion": confusion(counts),
        "symmetry": with_end(symmetry(run.probes, plan)),
        "dead_units": with_end(dead_units(run.probes, plan)),
        "depth": depth(run.probes, plan),
        "tensors": with_end(tensors(run, plan)),
    }


def test_set(images: data.Images) -> dict[str, float]:
    """Its number of images, its commonest class's share, and the accuracy that `learns` exceeds."""
    commonest = images.labels.bincount().max().item() / len(images.labels)
    return {
        "images": len(images.labels),
        "commonest": rounded(commonest),
        "learned_above": rounded(commonest + MARGIN),
    }


def endings(history: Rows, probes: Rows, learned_above: float) -> dict[int, str]:
    """The outcome of every seed: it `learns`, is `stuck`, or `diverges`.

    It diverges if a loss or a probe ever was not a finite number.
    """
    found = {}
    for row in history:  # the last of a seed counts
        learns = float(row["test_acc"]) > learned_above
        found[int(row["seed"])] = "learns" if learns else "stuck"
    for row in history + probes:
        numbers = (value for column, value in row.items() if column not in TEXT)
        if not all(math.isfinite(float(number)) for number in numbers if number):
            found[int(row["seed"])] = "diverges"
    return found


def confusion(counts: dict[str, torch.Tensor]) -> Rows:
    """How many examples of a class were taken for which, over the seeds with the same outcome."""
    return [
        {"end": end, "actual": i, "predicted": j, "count": table[i, j].item()}
        for end, table in counts.items()
        for i in range(len(table))
        for j in range(len(table))
    ]


def symmetry(probes: Rows, plan: Plan) -> Rows:
    """The gap between the first layer's units, as probed, for every seed and epoch."""
    first = next((name for name, units in plan.layers.items() if units), None)
    columns = ("seed", "epoch", "symmetry_gap")
    return [{c: row[c] for c in columns} for row in probes if row["layer"] == first]


def dead_units(probes: Rows, plan: Plan) -> Rows:
    """The share of ReLU units that are 0 for every probed image, among all hidden layers."""
    rows = []
    for (seed, epoch), layers in groupby(probes, key=lambda row: (row["seed"], row["epoch"])):
        known = [row for row in layers if row["dead_fraction"]]
        dead = np.repeat(
            [float(row["dead_fraction"]) for row in known],
            [plan.layers[row["layer"]] for row in known],
        )
        share = rounded(fmean(dead)) if len(dead) else ""
        rows.append({"seed": seed, "epoch": epoch, "dead_fraction": share})
    return rows


def tensors(run: Run, plan: Plan) -> Rows:
    """How many distinct values a tensor ends with, and the largest distance any value moved."""
    return [
        {
            "seed": seed,
            "tensor": name,
            "values": values[seed].numel(),
            "distinct": values[seed].unique().numel(),
            "largest_move": rounded((values[seed] - run.initial[name][seed]).abs().max().item()),
        }
        for seed in range(plan.seeds)
        for name, values in run.weights.items()
        if name in plan.tensors  # others are buffers
    ]


def depth(probes: Rows, plan: Plan) -> Rows:
    """Signal and gradient in every hidden layer before training.

    `std` is the mean over seeds; `theory` starts from that of the first layer (signal) or the
    last one (gradient), and multiplies the variance by n · Var[w] / 2 a ReLU layer, n its fan-in
    (signal) or fan-out (gradient). He et al. 2015, equations 10 and 14; for the difference
    between nearly equal inputs: Schoenholz et al. 2017, χ at equal inputs.
    """
    *_, out = plan.layers
    start = [row for row in probes if row["epoch"] == "0" and row["layer"] != out]
    rows = []
    for quantity in ("signal", "gradient"):
        by_layer: dict[str, list[float]] = defaultdict(list)
        for row in start:
            if row[f"{quantity}_std"]:  # layers whose outputs PyTorch does not show have none
                by_layer[row["layer"]].append(float(row[f"{quantity}_std"]))
        stds = [fmean(values) for values in by_layer.values()]
        gain = gains(plan, len(stds))[quantity][1:]
        for i, std in enumerate(stds):
            first, passed = (0, gain[:i]) if quantity == "signal" else (-1, gain[i:])
            theory = stds[first] * math.prod(passed) ** 0.5
            known = bool(plan.hidden) and not any(map(math.isnan, gain)) and 0 < theory < math.inf
            row = {"quantity": quantity, "depth": i + 1, "std": float(f"{std:.6g}")}
            rows.append(row | {"theory": float(f"{theory:.6g}") if known else ""})
    return rows


def gains(plan: Plan, layers: int) -> dict[str, list[float]]:
    """The factor on the variance of every hidden ReLU layer, by direction; or not a number."""
    if plan.activation != "relu":
        return dict.fromkeys(("signal", "gradient"), [math.nan] * layers)
    found: dict[str, list[float]] = {"signal": [], "gradient": []}
    for i, (fan_in, fan_out) in enumerate(zip(plan.sizes, plan.hidden, strict=False)):
        fill = plan.tensors[f"fc{i + 1}.weight"]
        variance = laws.variance(laws.law(fill.initializer, fill.arguments), fan_in, fan_out)
        found["signal"].append(fan_in * variance / 2)
        found["gradient"].append(fan_out * variance / 2)
    return found


def expect_same(variant: str, row: dict, recorded: dict, exact: bool) -> float:
    """How far a seed's scores are from those recorded in its history: 0 if `exact`.

    Otherwise up to ROUNDING, as between processors. Ends the stage if they are further away.
    """
    distances = [0.0]
    for score in SCORES:
        now, then = row[score], float(recorded[score])
        if now == then or (now != now and then != then):  # a diverged loss is not a number
            continue
        if exact or not math.isclose(now, then, rel_tol=ROUNDING, abs_tol=ROUNDING):
            raise SystemExit(
                f"data/runs/{variant}: seed {row['seed']} has {score} {now} from its saved "
                f"weights, but {then} in its history; train it again: "
                f"dvc repro --force --single-item train@{variant}"
            )
        distances.append(abs(now - then))
    return max(distances)


def rounded(value: float) -> float:
    """The value in as many digits as a history has."""
    return float(f"{value:.8g}")
