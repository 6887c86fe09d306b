"""Stage sweep@NAME: train a grid of networks, as one pool of work, into one table."""

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from stages import estimate, jobs, journal, running, writing
from stages.journal import Done, Journal
from stages.training import data, workers
from stages.training.grid import Cell, CellScores, Grid, Piece
from stages.training.initialization import InitializationError

SWEEPS = Path("data/sweeps")
TABLES = Path("reports/sweeps")
COLUMNS = ["x", "y", *(field.name for field in fields(CellScores))]
PIECE = 0.1  # seconds of work at least for a worker at a time; less would cost more to hand over


def main() -> None:
    file = jobs.plan_file(SWEEPS, "sweep", sys.argv[1:])
    name, grid = file.stem, Grid.read(file)
    plans = [cell.plan for cell in grid.cells]
    dataset = data.load(Path("data", plans[0].data), plans[0].limit)
    kept = journal.path_of(name)
    try:
        with jobs.unchanged(file, plans, "sweep") as made_from, Journal(kept, made_from) as done:
            run(name, grid, dataset, done)
    except InitializationError as error:
        raise SystemExit(f"sweeps.{name}: {error.tensor}: {error}") from None
    writing.replace({TABLES / f"{name}.csv": as_csv(grid, done.rows)})
    kept.unlink(missing_ok=True)  # another process may have done the same


def run(name: str, sweep: Grid, dataset: data.Dataset, done: Journal) -> None:
    """Train the networks that the journal lacks, the longest first, showing progress."""
    cells, count = sweep.cells, workers.worker_count()
    took = [estimate.seconds_of(cell) for cell in cells]
    pieces = sorted(missing(cells, took, done.rows), key=lambda piece: -took[piece.cell])
    weight = {piece: took[piece.cell] * len(piece.seeds) for piece in pieces}
    networks = sum(cell.plan.seeds for cell in cells)
    left = sum(len(piece.seeds) for piece in pieces)
    kept = f", {networks - left:,} already finished" if left < networks else ""
    print(
        f"{name}: {networks:,} networks in {len(cells):,} cells{kept}; "
        f"about {duration(sum(weight.values()) / count)}",
        flush=True,
    )
    # disable=None: a bar on a terminal, none in a log file.
    with tqdm(
        total=sum(weight.values()), disable=None, leave=False,
        bar_format="{percentage:3.0f}%|{bar}| {elapsed} elapsed, {remaining} left",
    ) as bar:  # fmt: skip
        for piece, rows in workers.sweep(cells, dataset, pieces, count):
            done.add(piece.cell, rows)
            bar.update(weight[piece])


def missing(cells: tuple[Cell, ...], took: list[float], done: Done) -> Iterator[Piece]:
    """The networks that are not finished, in pieces worth handing over."""
    for place, cell in enumerate(cells):
        seeds = [seed for seed in range(cell.plan.seeds) if seed not in done.get(place, {})]
        size = max(1, round(PIECE / took[place]))
        for start in range(0, len(seeds), size):
            yield Piece(place, tuple(seeds[start : start + size]))


def duration(seconds: float) -> str:
    """Like `40 s` and `3 min`."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:,.0f} min"


def as_csv(sweep: Grid, done: Done) -> str:
    """One row per cell and seed, without the columns of training if nothing was trained."""
    rows = [
        (cell.x, cell.y, *astuple(done[place][seed]))
        for place, cell in enumerate(sweep.cells)
        for seed in range(cell.plan.seeds)
    ]
    columns = [i for i in range(len(COLUMNS)) if any(row[i] is not None for row in rows)]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([as_text(line[i]) for i in columns] for line in chain([COLUMNS], rows))
    return file.getvalue()


def as_text(value: object) -> str:
    """A number in as many digits as a history has; nothing for None."""
    return "" if value is None else f"{value:.8g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    running.run(main)
