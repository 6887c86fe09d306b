"""Stage evaluate: every table that reports are made from, from what training left."""

import csv
import hashlib
import io
import math
import sys
from itertools import groupby
from pathlib import Path
from statistics import fmean

import torch
from safetensors.torch import load_file, save

from stages import running, writing
from stages.training import BITS_PROMISED, data, laws, network, results, sums
from stages.training.plan import CLASSES, Plan

DATA = Path("data")
REPORTS = Path("reports")
TABLES = DATA / "tables"

PLOTTED = (
    "history", "seeds", "confusion", "digits", "symmetry", "dead_units", "depth", "tensors",
)  # fmt: skip

# A seed learns if it ends more than this above the commonest class's share: what a network
# scores that says the same to every image.
MARGIN = 0.02

# How far a score may be from the one that training saw, where the bits are not promised.
TOLERANCE = 1e-3

WORDS = ("variant", "layer")  # columns that are no numbers

SAMPLED = {"train": 2000, "test": 500}  # images that the page carries

Rows = list[dict]


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m stages.evaluate DATA_SET")
    folder = DATA / sys.argv[1]
    sums.check(folder, data.FILES.values())
    variants = (DATA / "variants.txt").read_text(encoding="utf-8", errors="replace").split()
    for run in sorted((DATA / "runs").iterdir()):
        if run.name not in variants:
            raise SystemExit(
                f"{run}: params.yaml has no such variant; `dvc repro --force --single-item check` "
                "moves it away"
            )
    images = data.load_split(folder, "test")
    tables: dict[str, Rows] = {name: [] for name in (*PLOTTED, "probes")}
    snapshots = {}
    for variant in variants:
        plan = Plan.read(DATA / "plans" / f"{variant}.json")
        run = DATA / "runs" / variant
        sums.check(run, {*results.FILES - {sums.FILE}, f"../../plans/{variant}.json"})
        for name, rows in evaluate(run, plan, images).items():
            tables[name] += [{"variant": variant} | row for row in rows]
        for name, values in load_file(run / "snapshots.safetensors").items():
            snapshots[f"{variant}/{name}"] = values
    written = {REPORTS / f"{name}.csv": as_csv(tables[name]) for name in PLOTTED}
    written |= {
        TABLES / "probes.csv": as_csv(tables["probes"]),
        TABLES / "files.csv": as_csv(files(folder)),
        TABLES / "test_set.csv": as_csv([test_set(images)]),
        TABLES / "snapshots.safetensors": save(snapshots),
        TABLES / "sample.safetensors": save(sample(folder, plan.limit, images)),
    }
    made_with = [DATA / "variants.txt", *sorted((DATA / "plans").glob("*.json"))]
    lines = sums.of(TABLES, made_with) + sums.text(TABLES, written.items())
    writing.replace(written | {TABLES / sums.FILE: lines})


def sample(folder: Path, limit: int | None, test: data.Images) -> dict[str, torch.Tensor]:
    """The first images of both splits, for the page; `limit` is how many are trained on."""
    splits = {"train": data.load_split(folder, "train").first(limit), "test": test}
    return {
        f"{split}/{what}": getattr(images.first(SAMPLED[split]), what)
        for split, images in splits.items()
        for what in ("pixels", "labels")
    }


def files(folder: Path) -> Rows:
    """The data set's files with their SHA-256."""
    return [
        {"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
        for name in data.FILES.values()
    ]


def test_set(images: data.Images) -> dict[str, float]:
    """How many images it has, the share of their commonest class, and what `learns` is above."""
    commonest = images.labels.bincount().max().item() / len(images.labels)
    return {
        "images": len(images.labels),
        "commonest": rounded(commonest),
        "learned_above": rounded(commonest + MARGIN),
    }


def evaluate(run: Path, plan: Plan, images: data.Images) -> dict[str, Rows]:
    """The tables of one variant, from the folder that its training wrote.

    `history` and `probes` as trained; `seeds`: accuracy and loss on the test set; `confusion`:
    counts over the seeds that end alike; `digits`: their accuracy by true digit; `symmetry`,
    `dead_units`, `depth`, `tensors`: see the functions of these names. The column `end` tells
    how a seed ends. Ends the stage if a score is not the one that training saw.
    """
    initial = load_file(run / "initial.safetensors")
    final = load_file(run / "weights.safetensors")
    history, probes = (read_csv(run / f"{name}.csv") for name in ("history", "probes"))
    last = {int(row["seed"]): row for row in history}
    ends = endings(history, probes, test_set(images)["learned_above"])

    seeds = []
    counts = {end: torch.zeros(CLASSES, CLASSES, dtype=torch.int64) for end in ends.values()}
    for seed in range(plan.seeds):
        net = network.allocate(plan.sizes)
        for name, values in net.named().items():
            values.copy_(final[name][seed])
        logits = network.predict(net, plan.activation, images)
        loss, accuracy = network.loss_and_accuracy(logits, images.labels)
        row = {"seed": seed, "test_acc": rounded(accuracy), "test_loss": rounded(loss)}
        _expect_same(run.name, row, last[seed])
        seeds.append(row)
        pairs = images.labels * CLASSES + logits.argmax(1)
        counts[ends[seed]] += torch.bincount(pairs, minlength=CLASSES**2).view(CLASSES, CLASSES)

    def ended(rows: Rows) -> Rows:
        return [row | {"end": ends[int(row["seed"])]} for row in rows]

    return {
        "history": ended(history),
        "probes": ended(probes),
        "seeds": ended(seeds),
        "confusion": confusion(counts),
        "digits": digits(counts),
        "symmetry": ended(symmetry(probes)),
        "dead_units": ended(dead_units(probes, plan)),
        "depth": depth(probes, plan),
        "tensors": ended(tensors(initial, final, plan.seeds)),
    }


def endings(history: Rows, probes: Rows, learned_above: float) -> dict[int, str]:
    """How every seed ends: it `learns`, is `stuck`, or `diverges`.

    It diverges if a loss or a probe ever was not a finite number.
    """
    found = {}
    for row in history:  # the last of a seed counts
        learns = float(row["test_acc"]) > learned_above
        found[int(row["seed"])] = "learns" if learns else "stuck"
    for row in history + probes:
        numbers = (value for column, value in row.items() if column not in WORDS)
        if not all(math.isfinite(float(number)) for number in numbers if number):
            found[int(row["seed"])] = "diverges"
    return found


def confusion(counts: dict[str, torch.Tensor]) -> Rows:
    """How many images of a digit were taken for which, over the seeds that end alike."""
    return [
        {"end": end, "actual": i, "predicted": j, "count": table[i, j].item()}
        for end, table in counts.items()
        for i in range(CLASSES)
        for j in range(CLASSES)
    ]


def digits(counts: dict[str, torch.Tensor]) -> Rows:
    """Accuracy by true digit, over the seeds that end alike."""
    return [
        {"end": end, "digit": i, "test_acc": rounded((table[i, i] / table[i].sum()).item())}
        for end, table in counts.items()
        for i in range(CLASSES)
    ]


def symmetry(probes: Rows) -> Rows:
    """The gap between fc1's units, as probed, for every seed and epoch."""
    columns = ("seed", "epoch", "symmetry_gap")
    return [{c: row[c] for c in columns} for row in probes if row["layer"] == "fc1"]


def dead_units(probes: Rows, plan: Plan) -> Rows:
    """The share of ReLU units that answer to no probed image, among all hidden layers."""
    rows = []
    for (seed, epoch), layers in groupby(probes, key=lambda row: (row["seed"], row["epoch"])):
        dead = [float(r["dead_fraction"]) for r in layers if r["dead_fraction"]]  # ReLU alone
        share = (
            rounded(fmean(d for d, n in zip(dead, plan.hidden, strict=True) for _ in range(n)))
            if dead
            else ""
        )
        rows.append({"seed": seed, "epoch": epoch, "dead_fraction": share})
    return rows


def tensors(initial: dict, final: dict, seeds: int) -> Rows:
    """How many distinct values a tensor ends with, and the largest distance from its start."""
    return [
        {
            "seed": seed,
            "tensor": name,
            "values": values[seed].numel(),
            "distinct": values[seed].unique().numel(),
            "largest_move": rounded((values[seed] - initial[name][seed]).abs().max().item()),
        }
        for seed in range(seeds)
        for name, values in final.items()
    ]


def depth(probes: Rows, plan: Plan) -> Rows:
    """What is left of signal and gradient in every hidden layer before training.

    `std` is the mean over seeds; `theory` starts from that of the first layer (signal) or the
    last one (gradient), and takes the variance of a ReLU layer times n · Var[w] / 2, n its
    fan-in (signal) or fan-out (gradient). He et al. 2015, equations 10 and 14; for the
    difference between nearly equal inputs: Schoenholz et al. 2017, χ at equal inputs.
    """
    start = [row for row in probes if row["epoch"] == "0" and row["layer"] != "out"]
    layers = list(dict.fromkeys(row["layer"] for row in start))
    forward, backward = (gain[1:] for gain in gains(plan))
    rows = []
    for quantity, gain in (("signal", forward), ("gradient", backward)):
        stds = [
            fmean(float(row[f"{quantity}_std"]) for row in start if row["layer"] == layer)
            for layer in layers
        ]
        for i, std in enumerate(stds):
            first, passed = (0, gain[:i]) if quantity == "signal" else (-1, gain[i:])
            theory = stds[first] * math.prod(passed) ** 0.5
            known = not any(map(math.isnan, gain)) and 0 < theory < math.inf
            rows.append(
                {
                    "quantity": quantity,
                    "depth": i + 1,
                    "std": float(f"{std:.6g}"),
                    "theory": float(f"{theory:.6g}") if known else "",
                }
            )
    return rows


def gains(plan: Plan) -> tuple[list[float], list[float]]:
    """What a hidden ReLU layer multiplies the variance with, forward and backward; or nan."""
    forward, backward = [], []
    for i, (fan_in, fan_out) in enumerate(zip(plan.sizes, plan.hidden, strict=False)):
        fill = plan.tensors[f"fc{i + 1}.weight"]
        law = laws.law(fill.initializer, fill.arguments)
        variance = laws.variance(law, fan_in, fan_out)
        if plan.activation != "relu":
            variance = math.nan
        forward.append(fan_in * variance / 2)
        backward.append(fan_out * variance / 2)
    return forward, backward


def _expect_same(variant: str, row: dict, seen: dict) -> None:
    for score in ("test_acc", "test_loss"):
        now, then = row[score], float(seen[score])
        same = now == then or (now != now and then != then)  # a diverged loss is not a number
        if not same and (BITS_PROMISED or abs(now - then) > TOLERANCE * max(1, abs(then))):
            raise SystemExit(
                f"data/runs/{variant}: seed {row['seed']} has {score} {now} from its saved "
                f"weights, but {then} in its history; train it again: "
                f"dvc repro --force --single-item train@{variant}"
            )


def rounded(value: float) -> float:
    """As many digits as a history has."""
    return float(f"{value:.8g}")


def read_csv(path: Path) -> Rows:
    """A CSV's rows by column name, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_csv(rows: Rows) -> bytes:
    """Rows that share their keys, with a header, in UTF-8."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


if __name__ == "__main__":
    running.run(main)
