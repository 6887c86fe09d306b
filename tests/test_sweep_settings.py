"""Sweeps in params.yaml: their cells, and the one line that each mistake gets."""

from dataclasses import replace

import pytest

from stages.settings import reading, sweeps
from stages.settings.axes import Axis
from stages.settings.mistakes import ParamsError
from stages.training.grid import Cell
from stages.training.plan import Fill
from tests.conftest import SMALL, plan_of
from tests.test_sweeps import DEPTHS, RATES, of

LR = RATES["axes"]["x"]


def line(written: dict) -> str:
    """The line for a sweep with a mistake."""
    with pytest.raises(ParamsError) as caught:
        of(written)
    [found] = caught.value.lines
    assert found.startswith("params.yaml: sweeps.grid") and found.isprintable()
    return found


@pytest.mark.parametrize(
    ("written", "points"),
    [
        ({"values": [1, 2.5, 10.0]}, [1, 2.5, 10]),
        ({"from": 4, "to": 1, "count": 3}, [4, 2.5, 1]),
        ({"from": 1e-5, "to": 1, "count": 6, "scale": "log"}, [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]),
    ],
)
def test_axis_has_listed_values_or_a_range(written, points):
    found = Axis.model_validate({"key": "training.lr", **written}).points()
    assert found == points
    assert [type(value) for value in found] == [type(value) for value in points]


def test_cells_are_variants_that_differ_along_the_axes():
    found = of(RATES).cells
    assert [(cell.x, cell.y) for cell in found] == [
        (rate, name) for name in ("baseline", "all_ones") for rate in (0.001, 0.01, 0.1)
    ]
    ones = {"all": {"weight": "ones", "bias": "ones"}}
    for cell in found:
        variant = {"training": {"lr": cell.x}} | (ones if cell.y == "all_ones" else {})
        sections = {key: SMALL[key] for key in ("data", "network", "training")}
        plan = replace(plan_of(variant, **sections, seeds=2), epochs=0)
        assert cell == Cell(cell.x, cell.y, 4, plan)


def test_axes_override_the_base_and_the_base_overrides_the_variant():
    shared = {"training": {"optimizer": "sgd"}, "all": {"weight": {"normal": {"std": 0.5}}}}
    cell = of(RATES | {"base": shared}).cells[-1]
    assert (cell.plan.optimizer, cell.plan.lr) == ("sgd", 0.1)
    assert cell.plan.tensors["fc1.weight"] == Fill("normal", {"mean": 0.0, "std": 0.5})
    assert cell.plan.tensors["fc1.bias"] == Fill("constant", {"val": 1.0})


def test_depth_and_arguments_of_initializers_can_be_axes():
    found = of(DEPTHS).cells
    assert [cell.plan.hidden for cell in found] == [(8, 8), (8, 8), (8, 8, 8), (8, 8, 8)]
    fills = [cell.plan.tensors["fc2.weight"] for cell in found]
    assert [fill.arguments["variance"] for fill in fills] == [1.0, 2.5, 1.0, 2.5]
    assert all(cell.plan.activation == "tanh" and cell.steps == 0 for cell in found)


@pytest.mark.parametrize(("limit", "steps"), [(640, 20), (641, 22)])
def test_epochs_become_steps(limit, steps):
    written = {key: value for key, value in RATES.items() if key != "steps"} | {"epochs": 2}
    found = of(written, data={"name": "mnist", "limit": limit}).cells
    assert {cell.steps for cell in found} == {steps}


FIRST = "sweeps.grid: at training.lr = 0.001, variant = baseline: "
SAME = {layer: {"weight": "ones"} for layer in ("fc1", "fc2", "out")}
STDS = {"key": "all.weight.normal.std", "values": [1, 2]}
WIDE = {"network": {"hidden": {"width": 10**6, "depth": 3}}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": None}, "sweeps.grid: needs steps or epochs, and not both"),
        ({"steps": 0}, "sweeps.grid: cannot show train_acc"),
        ({"colour": 1}, "sweeps.grid.colour: unknown key; Allowed here: label, base, axes, seeds"),
        ({"axes": {"x": LR}}, "sweeps.grid.axes.y: is missing"),
        ({"axes": {"x": LR, "y": LR}}, "axes with different keys"),
        ({"base": {"training": {"epochs": 3}}}, f"{FIRST}training.epochs = 3: is not allowed in"),
        ({"base": {"all": {"weight": "zeross"}}}, f"{FIRST}all.weight = 'zeross': no such"),
        ({"base": WIDE}, f"{FIRST[:-2]}: would take about"),
        # axes along which nothing changes
        (
            {"steps": 0, "shows": "constant"},
            "sweeps.grid.axes.x.key = 'training.lr': has no effect",
        ),
        ({"base": SAME, "axes": {"x": LR, "y": STDS}}, "axes.y.key = 'all.weight.normal.std'"),
    ],
)
def test_mistake_in_a_sweep_gets_one_line(change, words):
    written = {key: value for key, value in (RATES | change).items() if value is not None}
    assert words in line(written)


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ({"key": "training.lr"}, "axes.x: needs values, or from, to and count"),
        ({"key": "training.lr", "values": [1], "count": 2}, "either values, or from"),
        ({"key": "training.lr", "values": [0.5] * 51}, "must have at most 50 items"),
        ({"key": "training.lr", "values": [0.1, 0.1]}, "has the value 0.1 twice"),
        ({"key": "training.lr", "values": [0.1], "labels": ["a", "b"]}, "as many labels"),
        ({"key": "training.lr", "values": [0.1, 1], "labels": ["a", "a"]}, "the label 'a' twice"),
        ({"key": "training.lr", "values": [0.1, True]}, "values.1 = True: must be a finite number"),
        ({"key": "training.lr", "from": 0, "to": 1, "count": 3, "scale": "log"}, "above 0"),
        ({"key": "data.limit", "values": [10]}, "axes.x.key = 'data.limit': must be variant, or"),
        ({"key": "training.lr", "values": [0.1, -1]}, "training.lr = -1: must be greater than 0"),
        ({"key": "training.epochs", "values": [1, 2]}, "training.epochs = 1: is not allowed"),
        ({"key": "variant", "values": ["base_line"]}, "no such variant; there are baseline"),
        ({"key": "network.hidden.depth", "values": [3]}, "a width and a depth"),
        ({"key": "all.weight", "values": ["zeros", "constant"]}, "constant.val: is missing"),
    ],
)
def test_mistake_in_an_axis_gets_one_line(axis, words):
    other = {"key": "training.batch_size", "values": [16]}
    assert words in line(RATES | {"axes": {"x": axis, "y": other}})


def test_all_wrong_sweeps_are_reported_at_once():
    wrong = RATES | {"base": {"all": {"weight": "zeross"}}}
    with pytest.raises(ParamsError) as caught:
        sweeps.resolve(reading.checked(SMALL | {"sweeps": {"a": wrong, "b": RATES, "c": wrong}}))
    assert [found.split(": ")[1] for found in caught.value.lines] == ["sweeps.a", "sweeps.c"]


@pytest.mark.parametrize(
    ("grid", "shared"),
    [
        (RATES, {"seeds": 9}),
        (RATES, {"training": SMALL["training"] | {"epochs": 7}}),
        (
            DEPTHS,
            {"training": SMALL["training"] | {"epochs": 7, "batch_size": 32, "optimizer": "sgd"}},
        ),
        (DEPTHS, {"data": {"name": "mnist", "limit": 5000}}),
    ],
)
def test_settings_that_decide_nothing_in_a_cell_change_no_plan(grid, shared):
    assert of(grid, **shared) == of(grid)
