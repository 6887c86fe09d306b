"""Stage evaluate: all tables that reports are made from."""

import csv
import io
import sys
from collections import defaultdict
from pathlib import Path

import torch
from safetensors.torch import save

from stages import running, tables, writing
from stages.tables import Rows
from stages.training import data, integrity, results
from stages.training.plan import Plan

DATA = Path("data")
REPORTS = Path("reports")
TABLES = DATA / "tables"

SAMPLED = {"train": 2000, "test": 500}  # images that the page carries


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m stages.evaluate DATA_SET")
    variants = (DATA / "variants.txt").read_text(encoding="utf-8", errors="replace").split()
    folder = DATA / sys.argv[1]
    dataset = data.load(folder)
    rows: dict[str, Rows] = defaultdict(list)
    snapshots = {}
    for variant in variants:
        file = DATA / "plans" / f"{variant}.json"
        plan, run = Plan.read(file), results.read(DATA / "runs" / variant, file)
        for name, found in tables.of_variant(variant, plan, run, dataset.test).items():
            rows[name] += [{"variant": variant} | row for row in found]
        for name, values in run.snapshots.items():
            snapshots[f"{variant}/{name}"] = values
    probes = as_csv(rows.pop("probes"))
    written = {REPORTS / f"{name}.csv": as_csv(found) for name, found in rows.items()}
    written |= {
        TABLES / "probes.csv": probes,
        TABLES / "files.csv": as_csv(files(folder)),
        TABLES / "test_set.csv": as_csv([tables.test_set(dataset.test)]),
        TABLES / "snapshots.safetensors": save(snapshots),
        TABLES / "sample.safetensors": save(sample(dataset, plan.limit)),
    }
    made_from = [DATA / "variants.txt", *sorted((DATA / "plans").glob("*.json"))]
    sums = integrity.sums_of(TABLES, made_from) + integrity.sums(TABLES, written.items())
    writing.replace(written | {TABLES / integrity.FILE: sums})


def sample(dataset: data.Dataset, limit: int | None) -> dict[str, torch.Tensor]:
    """The first images of both splits, for the page; `limit` is how many are trained on.

    None where inputs are no bytes, since the page cannot show or train on them.
    """
    splits = {"train": dataset.train.first(limit), "test": dataset.test}
    if dataset.train.pixels.dtype != torch.uint8:
        splits = {split: images.first(0) for split, images in splits.items()}
    return {
        f"{split}/{kind}": getattr(images.first(SAMPLED[split]), kind)
        for split, images in splits.items()
        for kind in ("pixels", "labels")
    }


def files(folder: Path) -> Rows:
    """The data set's files with their SHA-256, which were checked when it was loaded."""
    lines = (folder / integrity.FILE).read_text(encoding="utf-8").splitlines()
    return [{"file": name, "sha256": sum_} for sum_, name in map(str.split, lines)]


def as_csv(rows: Rows) -> bytes:
    """Rows that share their keys, with a header, in UTF-8."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


if __name__ == "__main__":
    running.run(main)
