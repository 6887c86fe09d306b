"""Sweeps: how the cells of a grid are trained, kept and written."""

import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from stages import estimate, running, sweep
from stages.journal import Journal
from stages.settings import reading, sweeps
from stages.training import epoch, workers
from stages.training import grid as training
from stages.training.data import Dataset
from stages.training.grid import Cell, CellScores, Grid, Piece
from stages.training.mlp import engine
from tests.conftest import LECTURE, SMALL, accept_interrupts, plan_of

RATES = {
    "axes": {
        "x": {"key": "training.lr", "from": 0.001, "to": 0.1, "count": 3, "scale": "log"},
        "y": {"key": "variant", "values": ["baseline", "all_ones"]},
    },
    "seeds": 2,
    "steps": 4,
    "shows": "train_acc",
}
DEPTHS = {
    "base": {
        "network": {"hidden": {"width": 8}, "activation": "tanh"},
        "all": {"bias": {"normal": {"std": 0.1}}},
    },
    "axes": {
        "x": {"key": "all.weight.scaled_normal.variance", "values": [1, 2.5]},
        "y": {"key": "network.hidden.depth", "values": [2, 3]},
    },
    "seeds": 1,
    "steps": 0,
    "shows": "constant",
}


def of(written: dict, **study) -> Grid:
    """The grid of a sweep in the small study; raises ParamsError."""
    return sweeps.resolve(reading.checked(SMALL | study | {"sweeps": {"grid": written}}))["grid"]


def test_a_sweep_is_read_as_it_was_written(tmp_path):
    found = of(DEPTHS)
    (tmp_path / "grid.json").write_text(found.as_json())
    assert Grid.read(tmp_path / "grid.json") == found


# -------------------------------------------------------------------------------------- training


FEW = {"name": "mnist", "limit": 650}


@pytest.fixture(scope="module")
def few(train_images, test_images) -> Dataset:
    return Dataset(train_images.first(650), test_images.first(500))


def test_a_cell_equals_a_variant_after_its_epochs(few):
    plan = plan_of(seeds=1, training={"epochs": 2}, data=FEW)
    state = engine.start(plan, few.train, 0)
    for _ in range(3):
        state, row = epoch.run_epoch(plan, few, state)
    found = training.run(Cell(0, 0, 2 * 11, plan), few, 0)
    assert (found.test_loss, found.test_acc) == (row.test_loss, row.test_acc)


def test_a_cell_is_trained_for_so_many_steps(few, monkeypatch):
    made, of = [], engine.learner

    def watched(plan, state):
        made.append(of(plan, state))
        return made[0]

    monkeypatch.setattr(engine, "learner", watched)
    training.run(Cell(0, 0, 25, plan_of(data=FEW)), few, 0)
    assert [learner.optimizer.step for learner in made] == [25]  # 11 steps an epoch


def test_a_cell_without_steps_is_not_trained(few):
    row = training.run(Cell(0, 0, 0, plan_of()), few, 3)
    assert asdict(row) | {"largest_guess": 0} == asdict(CellScores(3, 0, 0))
    assert 0.1 <= row.largest_guess < 1


ONE = {"hidden": [16, 8]}  # 34 units with the 10 of out


@pytest.mark.parametrize(
    ("variant", "still", "distinct"),
    [
        # All zeros: out.bias moves alone, which makes the units of out differ.
        ({"network": ONE, "all": {"weight": "zeros", "bias": "zeros"}}, 5 / 6, (1 + 1 + 10) / 34),
        ({"network": ONE}, 0, 1),
        # Both factors of both low-rank products zero: nothing moves, and every layer has one unit.
        ({"network": {"adapted": {"width": 16, "depth": 1}}, "*.a": {"weight": "zeros"},
          "*.b": {"weight": "zeros"}}, 1, 4 / (4 + 16 + 4 + 10)),
        ({"network": {"adapted": {"width": 16, "depth": 1}}}, 0, 1),
    ],
)  # fmt: skip
def test_a_cell_tells_what_never_changed_and_what_is_equal(few, variant, still, distinct):
    row = training.run(Cell(0, 0, 11, plan_of(variant)), few, 0)
    assert (row.still, row.distinct) == (still, distinct)
    assert row.start_loss == pytest.approx(2.3, abs=0.2)


def test_a_cropped_network_sees_the_middle_of_an_image(few):
    middle = few.cropped(2).train.pixels
    rows = few.train.pixels.reshape(-1, 28, 28)[:, 13:15, 13:15]
    assert middle.is_contiguous() and torch.equal(middle, rows.reshape(-1, 4))
    plan = plan_of({"network": {"crop": 1}})
    assert plan.sizes == [1, 128, 64, 10]
    [row] = training.do([Cell(0, 0, 0, plan)], few, Piece(0, (0,)))
    assert row.constant == 0


def test_a_network_with_one_answer_to_all_images_is_constant(few):
    dead = plan_of({"all": {"weight": "zeros"}})
    assert training.run(Cell(0, 0, 0, dead), few, 0) == CellScores(0, 1.0, 1)
    alive = plan_of({"out": {"bias": "zeros"}})
    assert training.run(Cell(0, 0, 0, alive), few, 0).constant == 0


def test_bits_of_a_sweep_do_not_depend_on_the_number_of_workers(few):
    cells = of(RATES, network=LECTURE["network"]).cells
    pieces = [Piece(i, (0, 1)) for i in range(len(cells))]
    alone, shared = (dict(workers.sweep(cells, few, pieces, count)) for count in (1, 2))
    assert alone == shared and alone.keys() == set(pieces)


def test_quick_cells_are_trained_several_seeds_at_a_time():
    plan = plan_of(seeds=100)
    cells = (Cell(0, 0, 0, plan), Cell(1, 0, 100, plan))
    took = [estimate.seconds_of(cell) for cell in cells]
    found = list(sweep.missing(cells, took, {0: {7: CellScores(7, 1.0, 1)}}))
    assert len([piece for piece in found if piece.cell == 1]) > 5
    quick = [piece for piece in found if piece.cell == 0]
    assert len(quick) < 10
    assert sorted(seed for piece in quick for seed in piece.seeds) == [
        seed for seed in range(100) if seed != 7
    ]


# ------------------------------------------------------------------------------------ the journal


ROWS = [CellScores(0, 0.5, 0, 2.3, 0.1, float("nan"), 0.1), CellScores(1, 0.25, 1)]


def reopened(path: Path, made_with: str = "a") -> dict:
    with Journal(path, made_with) as journal:
        return journal.rows


def keep(path: Path, cell: int = 3) -> None:
    with Journal(path, "a") as journal:
        journal.add(cell, ROWS)


def test_a_journal_keeps_rows(tmp_path):
    path = tmp_path / "journal"
    keep(path)
    assert repr(reopened(path)) == repr({3: {0: ROWS[0], 1: ROWS[1]}})
    keep(path, 4)
    assert list(reopened(path)) == [3, 4]


def test_a_journal_ignores_rows_of_another_plan(tmp_path):
    """Even those that an older process still writes."""
    path = tmp_path / "journal"
    with Journal(path, "a") as first, Journal(path, "b") as second:
        first.add(3, ROWS)
        second.add(3, ROWS[:1])
        first.add(4, ROWS)
    assert {cell: list(rows) for cell, rows in reopened(path, "b").items()} == {3: [0]}
    assert reopened(path, "c") == {}


@pytest.mark.parametrize("left", [0, 1, 30, 150, 200])
def test_a_cut_line_is_done_again(tmp_path, left):
    path = tmp_path / "journal"
    keep(path)
    path.write_bytes(path.read_bytes()[:left])
    assert set(reopened(path).get(3, {})) <= {0, 1}
    keep(path)
    assert repr(reopened(path)) == repr({3: {0: ROWS[0], 1: ROWS[1]}})


def test_a_damaged_line_is_done_again(tmp_path):
    path = tmp_path / "journal"
    keep(path)
    first, second, _ = path.read_text().split("\n")
    damaged = [first.replace("2.3", "2.4"), "[3, {}, 1]", "[[0], {}, 1]", "[]", "\x00\xff"]
    path.write_text("\n".join([*damaged, second, ""]))
    assert list(reopened(path)[3]) == [1]


# -------------------------------------------------------------------------------------- the stage


def run(clone, **options) -> subprocess.CompletedProcess:
    return clone.run(sys.executable, "-m", "stages.sweep", "grid", **options)


@pytest.mark.slow
def test_an_interrupted_sweep_continues_where_it_stopped(study):
    study.params = study.params | {"sweeps": {"grid": RATES | {"seeds": 4, "steps": 600}}}
    study.run(sys.executable, "-m", "stages.check")
    table = study.folder / "reports" / "sweeps" / "grid.csv"
    run(study)
    whole = table.read_bytes()
    table.unlink()
    kept = study.folder / "data" / ".partial-sweep-grid"
    assert not kept.exists()
    ends = {
        signal.SIGINT: (running.INTERRUPTED, f"{running.CONTINUES}\n"),
        signal.SIGKILL: (-signal.SIGKILL, ""),
    }
    for number, end in ends.items():
        before = kept.read_text().count("\n") if kept.exists() else 0
        process = subprocess.Popen(
            [sys.executable, "-m", "stages.sweep", "grid"], cwd=study.folder,
            env=study.environment | {"INITLAB_WORKERS": "2"},  # more could be done with all at once
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=accept_interrupts,
        )  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if kept.exists() and kept.read_text().count("\n") > max(before, 1) + 1:
                break
            time.sleep(0.02)
        process.send_signal(number)
        _, printed = process.communicate(timeout=60)
        assert (process.returncode, printed) == end
        assert not table.exists()
    there = kept.read_text().count("\n")
    assert there >= 2
    assert f"{there} already finished" in run(study).stdout
    assert table.read_bytes() == whole
    assert not kept.exists()


@pytest.mark.slow
def test_only_a_changed_sweep_runs_and_a_removed_one_is_moved_away(study):
    grids = {"grid": RATES, "depths": DEPTHS}
    study.params = study.params | {"sweeps": grids}
    assert study.repro("sweep") == ["check", "sweep@grid", "sweep@depths"]
    tables = study.folder / "reports" / "sweeps"
    assert (tables / "grid.csv").read_text().count("\n") == 1 + 6 * 2
    assert (tables / "depths.csv").read_text().splitlines()[0] == "x,y,seed,largest_guess,constant"

    # A label trains nothing, and of the two the one with other seeds runs alone.
    grids = {"grid": RATES | {"label": "rates"}, "depths": DEPTHS | {"seeds": 2}}
    study.params = study.params | {"sweeps": grids}
    assert study.repro() == ["check", "sweep@depths", "report"]
    figures = study.folder / "reports" / "figures"
    assert (figures / "map_grid.png").exists()
    page = (study.folder / "reports" / "index.html").read_text()
    assert 'id="figure-map_grid"' in page and 'id="figure-map_depths"' in page

    study.params = study.params | {"sweeps": {"depths": grids["depths"]}}
    assert study.repro() == ["check", "report"]
    assert not (tables / "grid.csv").exists() and (tables / "depths.csv").exists()
    assert (study.folder / "data" / "removed" / "grid.csv").exists()
    assert not list(figures.glob("map_grid*")) and list(figures.glob("map_depths*"))
