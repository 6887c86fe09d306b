"""Stage evaluate: what every variant has learned, from its saved weights and the test set."""

import csv
import shutil
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from statistics import fmean

import torch
from safetensors.torch import load_file

from stages import BITS_PROMISED, ROOT, mnist, network, params

RUNS = ROOT / "data" / "runs"
REPORTS = ROOT / "reports"
TABLES = (
    "history", "seeds", "confusion", "digits", "symmetry", "dead_units", "depth", "tensors",
)  # fmt: skip
RUN_FILES = {
    "history.csv", "initial.safetensors", "probes.csv", "snapshots.safetensors",
    "weights.safetensors",
}  # fmt: skip

# How far a score may be from the one that training saw, where the bits are not promised.
TOLERANCE = 1e-3


def main() -> None:
    settings = params.load_or_exit()
    prune(set(settings.variants))
    images = mnist.load(ROOT / "data" / settings.data.name, "test")
    tables: dict[str, list[dict]] = {name: [] for name in TABLES}
    for variant in settings.variants:
        activation = settings.network_of(variant).activation
        rows = evaluate(RUNS / variant, activation, images)
        for name, table in rows.items():
            tables[name] += [{"variant": variant, **row} for row in table]
    REPORTS.mkdir(exist_ok=True)
    for name, table in tables.items():
        write_csv(REPORTS / f"{name}.csv", table)


def prune(variants: set[str]) -> None:
    """Remove the results of variants that params.yaml no longer has.

    DVC takes data/runs as a whole, so what is left over there would make the same study
    look like another one. DVC's cache keeps what is removed. Anything else than results
    is not ours to remove: that ends the stage.
    """
    for path in sorted(RUNS.iterdir()):
        if path.name in variants:
            continue
        name = path.relative_to(ROOT).as_posix()
        if not path.is_dir() or {file.name for file in path.iterdir()} != RUN_FILES:
            raise SystemExit(f"{name}: is not the result of a variant; move it away")
        shutil.rmtree(path)
        print(f"{name}: removed, {params.FILE} has no such variant any more (DVC's cache keeps it)")


def evaluate(run: Path, activation: str, images: mnist.Images) -> dict[str, list[dict]]:
    """The tables of one variant, from the folder that its training wrote.

    `history` as trained; `seeds`: accuracy and loss on the test set; `confusion`: counts
    over all seeds; `digits`: accuracy by true digit over all seeds; `symmetry`: the gap
    between the units of fc1, as probed; `dead_units`: the share of ReLU units that answer to
    no probed image, among those of all hidden layers; `depth`: how much of signal and
    gradient is left in which hidden layer before training, mean over seeds; `tensors`: for
    every seed and tensor the number of distinct final values and the largest distance of a
    value from its start. Ends the stage if a score is not the one that training saw.
    """
    initial = load_file(run / "initial.safetensors")
    final = load_file(run / "weights.safetensors")
    history = read_csv(run / "history.csv")
    probes = read_csv(run / "probes.csv")
    last = {int(row["seed"]): row for row in history}

    seeds, tensors = [], []
    counts = torch.zeros(mnist.CLASSES, mnist.CLASSES, dtype=torch.int64)
    for seed in range(len(final["out.bias"])):
        logits = network.predict(_network(final, seed), activation, images)
        loss, accuracy = network.loss_and_accuracy(logits, images.labels)
        row = {"seed": seed, "test_acc": _rounded(accuracy), "test_loss": _rounded(loss)}
        _expect_same(run.name, row, last[seed])
        seeds.append(row)
        pairs = images.labels * mnist.CLASSES + logits.argmax(1)
        counts += torch.bincount(pairs, minlength=mnist.CLASSES**2).view(counts.shape)
        for name, values in final.items():
            move = (values[seed] - initial[name][seed]).abs().max()
            tensors.append(
                {
                    "seed": seed,
                    "tensor": name,
                    "values": values[seed].numel(),
                    "distinct": values[seed].unique().numel(),
                    "largest_move": _rounded(move.item()),
                }
            )
    confusion = [
        {"actual": actual, "predicted": predicted, "count": counts[actual, predicted].item()}
        for actual in range(mnist.CLASSES)
        for predicted in range(mnist.CLASSES)
    ]
    digits = [
        {"digit": digit, "test_acc": _rounded((counts[digit, digit] / counts[digit].sum()).item())}
        for digit in range(mnist.CLASSES)
    ]
    return {
        "history": [{k: v for k, v in row.items() if k != "variant"} for row in history],
        "seeds": seeds,
        "confusion": confusion,
        "digits": digits,
        "symmetry": [
            {column: row[column] for column in ("seed", "epoch", "symmetry_gap")}
            for row in probes
            if row["layer"] == "fc1"
        ],
        "dead_units": _dead_units(probes, {name: len(b[0]) for name, b in final.items()}),
        "depth": _depth(probes),
        "tensors": tensors,
    }


def _dead_units(probes: list[dict], sizes: dict[str, int]) -> list[dict]:
    """`sizes`: the units of a layer by its weight's and its bias's name."""
    rows = []
    hidden = [row for row in probes if row["layer"] != "out"]
    for (seed, epoch), layers in groupby(hidden, key=lambda row: (row["seed"], row["epoch"])):
        relu = [row for row in layers if row["dead_fraction"]]  # only ReLU's units die
        dead = [float(row["dead_fraction"]) for row in relu]
        units = [sizes[f"{row['layer']}.bias"] for row in relu]
        share = _rounded(fmean(dead, units)) if dead else ""
        rows.append({"seed": seed, "epoch": epoch, "dead_fraction": share})
    return rows


def _depth(probes: list[dict]) -> list[dict]:
    start = [row for row in probes if row["epoch"] == "0" and row["layer"] != "out"]
    rows = []
    for quantity in ("signal", "gradient"):
        for layer in dict.fromkeys(row["layer"] for row in start):
            values = [float(r[f"{quantity}_std"]) for r in start if r["layer"] == layer]
            depth = int(layer.removeprefix("fc"))
            value = float(f"{fmean(values):.6g}")
            rows.append({"quantity": quantity, "depth": depth, "std": value})
    return rows


def _network(tensors: dict[str, torch.Tensor], seed: int) -> network.Tensors:
    layers = [name.removesuffix(".weight") for name in tensors if name.endswith(".weight")]
    layers.sort(key=lambda layer: (layer == "out", len(layer), layer))
    sizes = [tensors[f"{layers[0]}.weight"].shape[-1]]
    sizes += [tensors[f"{layer}.weight"].shape[-2] for layer in layers]
    net = network.allocate(sizes)
    for name, values in net.named().items():
        values.copy_(tensors[name][seed])
    return net


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


def _rounded(value: float) -> float:
    """As many digits as a history has."""
    return float(f"{value:.8g}")


def read_csv(path: Path) -> list[dict[str, str]]:
    """A CSV's rows by column name, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, rows: Iterable[dict]) -> None:
    """Write rows that share their keys, with a header."""
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
