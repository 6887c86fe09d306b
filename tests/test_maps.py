"""Maps of sweeps: their cells, mean-field theory's line, claims about them, and how they look."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import vl_convert

from stages import check, report, sweep
from stages.analysis import judging, map_claims, maps
from stages.analysis.judging import Verdict
from stages.analysis.mean_field import MeanField
from stages.analysis.results import Results
from stages.analysis.sources import SOURCES
from stages.rendering import claims, map_figures
from stages.settings import sweeps
from stages.settings.params import Params
from stages.training.grid import CellScores, Grid
from stages.training.integrity import DamagedError
from tests import made_up
from tests.conftest import LECTURE
from tests.test_plots import filled, marks

HOLDS, IN_PART, FAILS, UNDECIDED, UNTESTED = Verdict

VARIANCE = "all.weight.scaled_normal.variance"
THIRDS = [float(f"{i / 3:.6g}") for i in range(1, 13)]
# As the claims have them.
SGD = {"optimizer": "sgd", "lr": 0.01, "batch_size": 256}
DEEP = {"seeds": 3, "steps": 200, "shows": "train_acc"}
GRIDS = {
    "tanh": {
        "base": {
            "network": {"activation": "tanh", "hidden": {"width": 64}},
            "training": SGD, "all": {"bias": {"normal": {"std": 0.2236068}}},
        },
        "axes": {
            "x": {"key": VARIANCE, "from": 1, "to": 4, "count": 13},
            "y": {"key": "network.hidden.depth", "values": [10, 20, 40, 60]},
        },
    } | DEEP,
    "relu": {
        "base": {"network": {"hidden": {"width": 64}}, "training": SGD, "all": {"bias": "zeros"}},
        "axes": {
            "x": {"key": VARIANCE, "values": THIRDS},
            "y": {"key": "network.hidden.depth", "values": [5, 10, 20, 40]},
        },
    } | DEEP,
    "rates": {
        "axes": {
            "x": {"key": "training.lr", "from": 1e-5, "to": 1, "count": 6, "scale": "log"},
            "y": {
                "key": "variant",
                "values": ["baseline", "zero_fc1", "all_zero", "all_ones", "tiny", "huge"],
            },
        },
        "seeds": 3, "epochs": 1, "shows": "test_acc",
    },
    "dead": {
        "base": {"all": {"weight": {"kaiming_normal": {"nonlinearity": "relu"}}, "bias": "zeros"}},
        "axes": {
            "x": {"key": "network.hidden.width", "values": [2, 3, 4, 5, 10]},
            "y": {"key": "network.hidden.depth", "values": [2, 5, 10, 20]},
        },
        "seeds": 1000, "steps": 0, "shows": "constant",
    },
}  # fmt: skip
ZERO = {"weight": "zeros", "bias": "zeros"}
PARAMS = LECTURE | {
    "variants": {
        "baseline": {},
        "zero_fc1": {"fc1": ZERO},
        "all_zero": {"all": ZERO},
        "all_ones": {"all": {"weight": "ones", "bias": "ones"}},
        "tiny": {"all": {"weight": {"normal": {"std": 0.0001}}, "bias": "zeros"}},
        "huge": {"all": {"weight": {"normal": {"std": 1.0}}, "bias": "zeros"}},
    },
    "sweeps": GRIDS,
}
DEAD = {(3, 10): 0.6, (5, 10): 0.15, (10, 10): 0.002}


def learned(name: str, x, y, seed: int) -> float:
    """The accuracy that a network has, if all is as the claims say."""
    if name in ("rates", "few"):
        return 0.97 if y in ("baseline", "tiny", "huge") and x == 0.001 else 0.1135
    field = MeanField(name, x, 0.05 if name == "tanh" else 0.0)
    return 0.9 - abs(x - 2) / 10 - seed / 1000 if y < 6 * field.depth_scale() else 0.1135


@cache
def grids(other: str = "{}") -> dict[str, tuple[Grid, dict, list[dict]]]:
    """The sweeps of PARAMS, with what check tells of them, and their cells as JSON has them.

    `other` are sweeps, as JSON, instead of those of the same name or beside them.
    """
    settings = Params.model_validate(PARAMS | {"sweeps": GRIDS | json.loads(other)})
    return {
        name: (one, check.described_sweep(settings, name), json.loads(one.as_json())["cells"])
        for name, one in sweeps.resolve(settings).items()
    }


def made(change=None, other=None) -> list[maps.Map]:
    """Maps of GRIDS in which everything is as the claims say, but for what `change` returns.

    It gets the sweep's name, x, y and seed, and gives the accuracy, or the share that is dead.
    """
    found = []
    for name, (_, described, cells) in grids(json.dumps(other or {})).items():
        rows = []
        for x, y in ((cell["x"], cell["y"]) for cell in cells):
            for seed in range(described["seeds"]):
                value = change and change(name, x, y, seed)
                if value is None:
                    value = DEAD.get((x, y), 0) if name == "dead" else learned(name, x, y, seed)
                rows.append((x, y, seed, 0.5, 0, value, value))
        columns = ["x", "y", "seed", "largest_guess", "constant", "train_acc", "test_acc"]
        table = pd.DataFrame(rows, columns=columns)
        if name == "dead":
            table["constant"] = (table["seed"] < table.pop("train_acc") * 1000).astype(int)
            del table["test_acc"]
        found.append(maps.Map.of(name, described, cells, table))
    return found


RESULTS = Results(pd.DataFrame(), pd.DataFrame(), 0.1135, 10_000, 0.1335)


def verdicts(change=None, only=None, other=None) -> dict[str, Verdict]:
    drawn = [one for one in made(change, other) if only is None or one.name in only]
    study, results = maps.as_study(made_up.study(), drawn), maps.MapResults.of(drawn, RESULTS)
    audit = judging.audit(map_claims.MAPS, study, results)
    rows = claims.rows(study, results, audit)
    assert all(row["evidence"] and "{" not in row["evidence"] for row in rows)
    return {one.claim.id: one.verdict for one in audit}


def everywhere(sweep: str, value: float, where=lambda x, y, seed: True):
    """A change: this value in a sweep's cells."""
    return lambda name, x, y, seed: value if name == sweep and where(x, y, seed) else None


CASES = [
    (None, {
        "trainable_to_depth": HOLDS, "relu_learns_best_at_two": HOLDS, "born_dead": HOLDS,
        "stuck_at_any_rate": HOLDS, "scale_at_best_rate": HOLDS,
    }),
    (everywhere("tanh", 0.9), {"trainable_to_depth": IN_PART}),
    (everywhere("tanh", 0.1), {"trainable_to_depth": IN_PART}),
    (lambda name, x, y, seed: 1.0 - learned(name, x, y, seed) if name == "tanh" else None,
     {"trainable_to_depth": FAILS}),
    (everywhere("tanh", 0.1, lambda x, y, seed: seed == 0), {"trainable_to_depth": UNDECIDED}),
    (everywhere("relu", 0.95, lambda x, y, seed: x == 4), {"relu_learns_best_at_two": FAILS}),
    (everywhere("relu", 0.5, lambda x, y, seed: x == 1), {"relu_learns_best_at_two": IN_PART}),
    (everywhere("relu", 0.1), {"relu_learns_best_at_two": UNDECIDED}),
    (everywhere("relu", 0.95, lambda x, y, seed: x == 4 and seed),
     {"relu_learns_best_at_two": UNDECIDED}),
    (everywhere("dead", 0.0), {"born_dead": IN_PART}),
    (everywhere("dead", 0.05), {"born_dead": FAILS}),
    (everywhere("dead", 0.01, lambda x, y, seed: x == 10), {"born_dead": UNDECIDED}),
    (everywhere("rates", 0.5, lambda x, y, seed: y == "all_ones" and x == 0.1 and seed == 2),
     {"stuck_at_any_rate": IN_PART}),
    (everywhere("rates", 0.5, lambda x, y, seed: y in ("all_ones", "all_zero", "zero_fc1")),
     {"stuck_at_any_rate": FAILS}),
    (everywhere("rates", 0.5, lambda x, y, seed: y == "huge"), {"scale_at_best_rate": IN_PART}),
    (everywhere("rates", 0.5, lambda x, y, seed: y in ("huge", "tiny")),
     {"scale_at_best_rate": FAILS}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("change", "expected"), CASES)
def test_every_verdict_can_be_had(change, expected):
    found = verdicts(change)
    assert {claim: found[claim] for claim in expected} == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("without", "claim"),
    [
        ("tanh", "trainable_to_depth"), ("relu", "relu_learns_best_at_two"),
        ("dead", "born_dead"), ("rates", "stuck_at_any_rate"), ("rates", "scale_at_best_rate"),
    ],
)  # fmt: skip
def test_without_its_map_a_claim_is_not_tested(without, claim):
    found = verdicts(only=GRIDS.keys() - {without})
    assert found.pop(claim) is UNTESTED
    assert set(verdicts(only=()).values()) == {UNTESTED}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "change", "claim"),
    [
        ("tanh", {"steps": 100}, "trainable_to_depth"),
        ("tanh", {"seeds": 2}, "trainable_to_depth"),
        ("relu", {"seeds": 2}, "relu_learns_best_at_two"),
        ("rates", {"epochs": 2}, "stuck_at_any_rate"),
        ("dead", {"seeds": 2}, "born_dead"),
    ],
)  # fmt: skip
def test_a_map_with_other_settings_is_not_the_one(which, change, claim):
    assert verdicts(other={which: GRIDS[which] | change})[claim] is UNTESTED


@pytest.mark.slow
def test_another_sweep_of_few_seeds_does_not_matter():
    few = {"few": GRIDS["rates"] | {"seeds": 1, "epochs": 2}}
    assert verdicts(other=few)["trainable_to_depth"] is HOLDS


def test_figures_that_are_named_are_those_of_maps():
    drawn = made()
    study, results = maps.as_study(made_up.study(), drawn), maps.MapResults.of(drawn, RESULTS)
    rows = claims.rows(study, results, judging.audit(map_claims.MAPS, study, results))
    assert {row["figure"] for row in rows} == {f"map_{one.name}" for one in drawn}
    lecture, found = made_up.study(), made_up.results(made_up.ACCURACIES, made_up.PROBED)
    rows = claims.rows(lecture, found, judging.audit(SOURCES, lecture, found))
    assert not [row["figure"] for row in rows if "map_" in str(row["figure"])]


def test_a_share_of_draws_has_wilsons_interval():
    """None of a thousand is no proof of none at all: Student's interval would be a point."""
    drawn = made(everywhere("dead", 0.0))
    study, results = maps.as_study(made_up.study(), drawn), maps.MapResults.of(drawn, RESULTS)
    claim = next(claim for claim in map_claims.MAPS if claim.id == "born_dead")
    part = judging.judge(claim, study, results).parts[0]
    assert part.estimate is not None
    assert part.estimate.mean == part.estimate.low == 0 < part.estimate.high < 0.01


# ----------------------------------------------------------------------------------- the cells


def test_cells_count_and_measure_their_seeds():
    one = made()[2]
    cells = one.cells(RESULTS.learned_above)
    assert len(cells) == 6 * 6
    first = cells.iloc[0]
    assert (first["x"], first["y"], first["learn"], first["seeds"]) == ("1e-05", "baseline", 0, 3)
    assert cells.iloc[2]["mean"] == pytest.approx(0.97)
    assert cells["depth_scale"].isna().all()  # theory is silent where weights are uniform
    assert cells[cells["y"] == "all_zero"]["learn"].eq(0).all()


def test_theory_speaks_of_gaussian_weights_alone():
    tanh, relu, rates, dead = made()
    assert maps.theory(tanh.plans[4]) == MeanField("tanh", pytest.approx(2), pytest.approx(0.05))
    assert maps.theory(relu.plans[1]) == MeanField("relu", pytest.approx(0.666667), 0)
    assert maps.theory(dead.plans[0]) == MeanField("relu", pytest.approx(2), 0)
    assert maps.theory(rates.plans[0]) is None


@pytest.mark.parametrize("which", [0, 1])
def test_the_lines_are_where_a_network_is_so_many_depth_scales_deep(which):
    one = made()[which]
    line = one.depth_lines
    assert {(point["multiple"], point["side"]) for point in line} >= {(6, 0), (6, 1)}
    for point in line[:: len(line) // 7]:
        variance = np.interp(point["i"], range(len(one.x.values)), one.x.values)
        depth = np.interp(point["j"], range(len(one.y.values)), one.y.values)
        field = MeanField(one.plans[0]["activation"], variance, 0.05 if which == 0 else 0)
        assert depth == pytest.approx(point["multiple"] * field.depth_scale(), rel=1e-6)


def test_other_maps_have_no_line():
    assert [bool(one.depth_lines) for one in made()] == [True, True, False, False]


def test_known_starts_are_marked_where_theory_is_about_them():
    tanh, relu, *_ = made()
    marked = [name for name in relu.marked_names() if "\n" in name]
    assert marked == ["0.333\ndefault", "1\nXavier", "2\nHe"]
    assert tanh.marked_names() == tanh.x.names


@pytest.mark.parametrize("spoil", ["cut", "other", "order"])
def test_rows_that_are_not_of_the_sweep_are_refused(spoil, tmp_path):
    grid, described, _ = grids()["rates"]
    rows = {
        place: {seed: CellScores(seed, 0.5, 0, 1.0, 0.5, 1.0, 0.5) for seed in range(3)}
        for place in range(len(grid.cells))
    }
    (tmp_path / "rates.json").write_text(grid.as_json())
    table = tmp_path / "rates.csv"
    head, *lines = sweep.as_csv(grid, rows).splitlines(keepends=True)
    table.write_text(head + "".join(lines))
    assert len(maps.Map.read("rates", described, tmp_path / "rates.json", table).rows) == 108
    spoiled = {
        "cut": lines[:-1], "order": lines[::-1],
        "other": [line.replace("baseline", "base") for line in lines],
    }  # fmt: skip
    table.write_text(head + "".join(spoiled[spoil]))
    with pytest.raises(DamagedError, match="not of this sweep"):
        maps.Map.read("rates", described, tmp_path / "rates.json", table)


# --------------------------------------------------------------------------------- how they look


def test_every_map_has_a_figure_of_its_own(monkeypatch):
    monkeypatch.setattr(report, "accuracy_figures", None)
    for one in made():
        figure = map_figures.heat_map(one, one.cells(RESULTS.learned_above))
        axes = figure.axes[0]
        numbers = [text.get_text() for text in axes.texts]
        assert len(numbers) == len(one.plans)
        assert all(number.isdecimal() for number in numbers)
        assert bool(len(axes.lines)) == bool(one.depth_lines)
        map_figures.plt.close(figure)


def test_the_pages_chart_tells_every_cell():
    one = made()[0]
    spec = map_figures.chart(one).to_dict()
    cells = one.cells(RESULTS.learned_above)
    spec["data"] = {"name": "table", "values": json.loads(cells.to_json(orient="records"))}
    found = marks(vl_convert.vegalite_to_scenegraph(spec | {"width": 400})["scenegraph"])
    squares = [mark for mark in found if mark["marktype"] == "rect" and "x2" in mark]
    assert len(squares) == 52
    words = [mark["text"] for mark in found if mark["marktype"] == "text"]
    numbers = [f"{100 * mean:.0f}" for mean in cells["mean"]]
    assert any(words[i : i + 52] == numbers for i in range(len(words)))
    assert "networks that learn: 3 of 3; depth scale ξ: 3.63" in squares[0]["description"]


@pytest.mark.parametrize("revisions", [["HEAD"], ["HEAD", "other"]])
def test_dvcs_map_has_every_cell_of_every_revision(revisions):
    rows = [
        {"rev": rev, "x": x, "y": y, "seed": str(seed), "train_acc": str(0.5 + 0.1 * seed)}
        for rev in revisions
        for y in ("5", "20")
        for x in ("1", "2", "10")
        for seed in range(3)
    ]
    text = json.dumps(filled("heat_map", rows))
    for anchor, value in (
        ("Y", "train_acc"),
        ("X_LABEL", "rate"),
        ("Y_LABEL", "depth"),
        ("TITLE", "t"),
    ):
        text = text.replace(f"<DVC_METRIC_{anchor}>", value)
    found = marks(vl_convert.vegalite_to_scenegraph(json.loads(text))["scenegraph"])
    cells = [mark for mark in found if "mean: 60%" in mark.get("description", "")]
    assert len(cells) == 6 * len(revisions)
    words = [mark["text"] for mark in found if mark["marktype"] == "text"]
    assert words.count("60") == 6 * len(revisions)
    assert words.index("1") < words.index("2") < words.index("10")  # in the sweep's order
    assert Path(".dvc/plots/heat_map.json").exists()
