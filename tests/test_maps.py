"""Heat maps: cells, the lines of mean-field theory, claims about them, and their pictures."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
import vl_convert

from stages import check, sweep
from stages.analysis import judging, maps
from stages.analysis.claims.form import Verdict
from stages.analysis.claims.heat_maps import HEAT_MAPS
from stages.analysis.map_lines import Lines
from stages.analysis.mean_field import MeanField
from stages.rendering import claims, map_figures
from stages.settings import sweeps
from stages.settings.params import Params
from stages.training.grid import CellScores, Grid
from stages.training.integrity import DamagedError
from tests import made_up
from tests.conftest import LECTURE
from tests.made_up import HE, LEARNED_ABOVE
from tests.test_plots import filled, marks

HOLDS, _, IN_PART, FAILS, UNDECIDED, UNTESTED, _ = Verdict

# The sweeps that the claims are about.
WIDE = {"hidden": {"width": 64}}
DEEP = {"seeds": 3, "steps": 235, "shows": "train_acc"}
SGD = {"optimizer": "sgd", "lr": 0.01, "batch_size": 256}
DRAWN = {"seeds": 1000, "steps": 0, "shows": "constant"}
THIRDS = [float(f"{i / 3:.6g}") for i in range(1, 13)]


def axes(x: dict, y: dict) -> dict:
    return {"axes": {"x": x, "y": y}}


GRIDS = {
    "tanh": DEEP | {
        "base": {
            "network": WIDE | {"activation": "tanh"}, "training": SGD,
            "all": {"bias": {"normal": {"std": 0.2236068}}},
        },
    } | axes(
        {"key": maps.VARIANCE, "from": 1, "to": 4, "count": 13},
        {"key": maps.DEPTH, "values": [10, 20, 40, 60]},
    ),
    "relu": DEEP | {
        "base": {"network": WIDE, "training": SGD, "all": {"bias": "zeros"}},
    } | axes(
        {"key": maps.VARIANCE, "values": THIRDS}, {"key": maps.DEPTH, "values": [5, 10, 20, 40]}
    ),
    "rates": {"seeds": 3, "epochs": 1, "shows": "test_acc"} | axes(
        {"key": maps.RATE, "from": 1e-5, "to": 1, "count": 6, "scale": "log"},
        {"key": "variant",
         "values": ["baseline", "zero_fc1", "all_zero", "all_ones", "tiny_normal", "huge_normal"]},
    ),
    "dead": DRAWN | {"base": HE | {"network": {"crop": 1}}} | axes(
        {"key": maps.WIDTH, "values": [2, 3, 4, 5, 10]},
        {"key": maps.DEPTH, "values": [2, 5, 10, 20]},
    ),
}  # fmt: skip
SWEPT = GRIDS["rates"]["axes"]["y"]["values"]
DEAD = {(3, 10): 0.6, (5, 10): 0.15, (10, 10): 0.002}


def agreeing(name: str, x, y, seed: int) -> float:
    """A value with which all claims hold: an accuracy, or the share of networks that are dead."""
    if name == "dead":
        return DEAD.get((x, y), 0.0)
    if name in ("rates", "few"):
        return 0.97 if y in ("baseline", "tiny_normal", "huge_normal") and x == 0.001 else 0.1135
    return 0.9 - abs(x - 2) / 10 - seed / 1000 if y < 6 * depth_scale(name, x) else 0.1135


@cache
def depth_scale(activation: str, variance: float) -> float:
    return MeanField(activation, variance, 0.05 if activation == "tanh" else 0.0).depth_scale()


@cache
def resolved(name: str, entry: str) -> tuple[Grid, dict, list[dict]]:
    """A sweep from its entry as JSON: its grid, its description, and its cells."""
    variants = {name: made_up.EVERY[name][2] for name in SWEPT}
    values = LECTURE | {"variants": variants, "sweeps": {name: json.loads(entry)}}
    settings = Params.model_validate(values)
    grid = sweeps.resolve(settings)[name]
    return grid, check.described_sweep(settings, name), json.loads(grid.as_json())["cells"]


def made(*names: str, change=None, other: dict | None = None) -> list[maps.Map]:
    """Maps with which all claims hold, except for the values that `change` returns."""
    found = []
    for name in names:
        _, described, cells = resolved(name, json.dumps((GRIDS | (other or {}))[name]))
        rows = []
        for x, y in ((cell["x"], cell["y"]) for cell in cells):
            for seed in range(described["seeds"]):
                value = change(name, x, y, seed) if change else None
                value = agreeing(name, x, y, seed) if value is None else value
                rows.append((x, y, seed, 0.5, 0, value, value))
        columns = ["x", "y", "seed", "largest_guess", "constant", "train_acc", "test_acc"]
        table = pd.DataFrame(rows, columns=columns)
        if name == "dead":
            table["constant"] = (table["seed"] < table.pop("train_acc") * 1000).astype(int)
            del table["test_acc"]
        found.append(maps.Map.of(name, described, cells, table))
    return found


def verdicts(drawn: list[maps.Map]) -> dict[str, Verdict]:
    judgements = judging.audit(HEAT_MAPS, Lines.of(drawn, LEARNED_ABOVE))
    return {one.claim.id: one.verdict for one in judgements}


def sets(name: str, value: float, where=lambda x, y, seed: True):
    """A change: this value in a map's cells."""
    return lambda one, x, y, seed: value if one == name and where(x, y, seed) else None


MAPS = {
    "trainable_to_depth": "tanh", "relu_learns_best_at_two": "relu", "born_dead": "dead",
    "stuck_at_any_rate": "rates", "scale_at_best_rate": "rates",
}  # fmt: skip
CASES = [
    ("trainable_to_depth", HOLDS, None),
    ("trainable_to_depth", IN_PART, sets("tanh", 0.9)),
    ("trainable_to_depth", IN_PART, sets("tanh", 0.1)),
    ("trainable_to_depth", FAILS, lambda name, *at: 1.0 - agreeing(name, *at)),
    ("trainable_to_depth", UNDECIDED, sets("tanh", 0.1, lambda x, y, seed: seed == 0)),
    ("relu_learns_best_at_two", HOLDS, None),
    ("relu_learns_best_at_two", FAILS, sets("relu", 0.95, lambda x, y, seed: x == 4)),
    ("relu_learns_best_at_two", IN_PART, sets("relu", 0.5, lambda x, y, seed: x == 1)),
    ("relu_learns_best_at_two", UNDECIDED, sets("relu", 0.1)),
    ("born_dead", HOLDS, None),
    ("born_dead", IN_PART, sets("dead", 0.0)),
    ("born_dead", FAILS, sets("dead", 0.05)),
    ("born_dead", UNDECIDED, sets("dead", 0.01, lambda x, y, seed: x == 10)),
    ("stuck_at_any_rate", HOLDS, None),
    ("stuck_at_any_rate", IN_PART,
     sets("rates", 0.5, lambda x, y, seed: (x, y, seed) == (0.1, "all_ones", 2))),
    ("stuck_at_any_rate", FAILS,
     sets("rates", 0.5, lambda x, y, seed: y in ("all_ones", "all_zero", "zero_fc1"))),
    ("scale_at_best_rate", HOLDS, None),
    ("scale_at_best_rate", IN_PART, sets("rates", 0.5, lambda x, y, seed: y == "huge_normal")),
    ("scale_at_best_rate", FAILS,
     sets("rates", 0.5, lambda x, y, seed: y in ("huge_normal", "tiny_normal"))),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "expected", "change"), CASES)
def test_a_verdict_follows_from_the_map_and_wider_intervals_only_undecide_it(
    claim, expected, change, monkeypatch
):
    drawn = made(MAPS[claim], change=change)
    assert verdicts(drawn)[claim] is expected
    made_up.widen_intervals(monkeypatch)
    # Of a claim that holds in part, the part that holds can become undecided; it stays refuted.
    refuted = [FAILS] if expected is IN_PART else []
    assert verdicts(drawn)[claim] in (expected, UNDECIDED, *refuted)


@pytest.mark.parametrize("change", [{}, {"steps": 100}, {"seeds": 2}, {"shows": "test_acc"}])
def test_a_claim_is_tested_only_on_its_map(change):
    other = {"relu": GRIDS["relu"] | change, "few": GRIDS["rates"] | {"seeds": 1, "epochs": 2}}
    found = verdicts(made("relu", "few", other=other))
    tested = [claim for claim, verdict in found.items() if verdict is not UNTESTED]
    assert tested == ([] if {"steps", "seeds"} & {*change} else ["relu_learns_best_at_two"])


def test_a_share_of_draws_has_wilsons_interval():
    lines = Lines.of(made("dead", change=sets("dead", 0.0)), LEARNED_ABOVE)
    [claim] = [claim for claim in HEAT_MAPS if claim.id == "born_dead"]
    estimate = judging.judge(claim, lines).parts[0].estimate
    assert estimate.mean == estimate.low == 0 < estimate.high < 0.01  # Student's would be a point


@pytest.mark.slow
def test_the_report_names_the_map_of_a_claim_and_finds_how_deep_networks_learn():
    report = made_up.report({"baseline": 0.977}, maps=made(*GRIDS))
    ids = {claim.id for claim in HEAT_MAPS}
    figures = {row["figure"] for row in claims.rows(report) if row["id"] in ids}
    assert figures == {f"map_{name}" for name in GRIDS}
    assert report.findings["trainable"] == {"shares": [1.0, 0.0]}
    assert "trainable" not in made_up.report({"baseline": 0.977}).findings


# ------------------------------------------------------------------------- cells and theory


def test_lines_are_at_multiples_of_the_depth_scale():
    *deep, rates, dead = made(*GRIDS)
    for one, biases in zip(deep, (0.05, 0), strict=True):
        assert {(point["multiple"], point["side"]) for point in one.depth_lines} >= {(6, 0), (6, 1)}
        for point in one.depth_lines[::7]:
            variance = np.interp(point["i"], range(len(one.x.values)), one.x.values)
            depth = np.interp(point["j"], range(len(one.y.values)), one.y.values)
            field = MeanField(one.plans[0]["activation"], variance, biases)
            assert depth == pytest.approx(point["multiple"] * field.depth_scale(), rel=1e-6)
    assert rates.depth_lines == dead.depth_lines == []


def test_known_initializations_are_marked_on_relu_without_biases():
    tanh, relu = made("tanh", "relu")
    marked = [name for name in relu.marked_names() if "\n" in name]
    assert marked == ["0.333\ndefault", "1\nXavier", "2\nHe"]
    assert tanh.marked_names() == tanh.x.names


@pytest.mark.parametrize(
    "damage",
    [lambda lines: lines[:-1], lambda lines: lines[::-1], lambda lines: ["a,b\n", *lines[1:]]],
    ids=["cut", "order", "other"],
)
def test_rows_of_another_sweep_are_refused(damage, tmp_path):
    grid, described, _ = resolved("rates", json.dumps(GRIDS["rates"]))
    scores = {seed: CellScores(seed, 0.5, 0, 1.0, 0.5, 1.0, 0.5) for seed in range(3)}
    (tmp_path / "rates.json").write_text(grid.as_json())
    table = tmp_path / "rates.csv"
    head, *lines = sweep.as_csv(grid, dict.fromkeys(range(36), scores)).splitlines(keepends=True)
    table.write_text(head + "".join(lines))
    assert len(maps.Map.read("rates", described, tmp_path / "rates.json", table).rows) == 108
    table.write_text(head + "".join(damage(lines)))
    with pytest.raises(DamagedError, match=r"rates\.csv"):
        maps.Map.read("rates", described, tmp_path / "rates.json", table)


# --------------------------------------------------------------------------------- pictures


@pytest.mark.slow
def test_every_cell_of_a_figure_has_its_number():
    for one in made(*GRIDS):
        figure = map_figures.heat_map(one, LEARNED_ABOVE)
        drawn = figure.axes[0]
        numbers = [text.get_text() for text in drawn.texts]
        assert len(numbers) == len(one.plans) and all(map(str.isdecimal, numbers))
        assert bool(len(drawn.lines)) == bool(one.depth_lines)
        map_figures.plt.close(figure)


@pytest.mark.slow
def test_every_cell_of_the_pages_chart_has_its_number_and_tooltip():
    [one] = made("tanh")
    spec = map_figures.chart(one).to_dict()
    cells = one.cells(LEARNED_ABOVE)
    spec["data"] = {"name": "table", "values": json.loads(cells.to_json(orient="records"))}
    found = marks(vl_convert.vegalite_to_scenegraph(spec | {"width": 400})["scenegraph"])
    squares = [mark for mark in found if mark["marktype"] == "rect" and "x2" in mark]
    words = [mark["text"] for mark in found if mark["marktype"] == "text"]
    numbers = [f"{100 * mean:.0f}" for mean in cells["mean"]]
    assert any(words[i : i + 52] == numbers for i in range(len(words)))
    assert len(squares) == 52
    assert "networks that learn: 3 of 3; depth scale ξ: 3.63" in squares[0]["description"]


@pytest.mark.parametrize("revisions", [["HEAD"], ["HEAD", "other"]])
def test_dvcs_map_has_every_cell_of_every_revision(revisions):
    rows = [
        {"rev": rev, "x": x, "y": y, "seed": str(seed), "train_acc": str(0.5 + 0.1 * seed)}
        for rev in revisions for y in ("5", "20") for x in ("1", "2", "10") for seed in range(3)
    ]  # fmt: skip
    text = json.dumps(filled("heat_map", rows)).replace("<DVC_METRIC_Y>", "train_acc")
    for anchor in ("X_LABEL", "Y_LABEL", "TITLE"):
        text = text.replace(f"<DVC_METRIC_{anchor}>", anchor)
    found = marks(vl_convert.vegalite_to_scenegraph(json.loads(text))["scenegraph"])
    words = [mark["text"] for mark in found if mark["marktype"] == "text"]
    assert words.count("60") == 6 * len(revisions)
    assert words.index("1") < words.index("2") < words.index("10")  # in the sweep's order
