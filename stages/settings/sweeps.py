"""Turns the sweeps of params.yaml into cells, each with the plan of a variant."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import product
from typing import Any

from stages.settings import cost, plans, reading
from stages.settings.params import VARIANT, Params, Sweep
from stages.settings.plans import Told
from stages.settings.reading import FILE, ParamsError
from stages.training.data import TRAIN_IMAGES
from stages.training.grid import Cell, Grid
from stages.training.plan import Plan

Place = tuple[Any, Any]  # of a cell: its values of x and y


def resolve(settings: Params, told: Told = lambda place: None) -> dict[str, Grid]:
    """Every sweep with the plans of its cells, tried by filling their tensors.

    `told` is called with what is looked at. Raises ParamsError with a line for every sweep that
    cannot be run.
    """
    found, lines = {}, []
    for name in settings.sweeps:
        try:
            found[name] = _sweep(settings, name, told)
        except ParamsError as error:
            lines += error.lines
    if lines:
        raise ParamsError(lines)
    return found


def _sweep(settings: Params, name: str, told: Told) -> Grid:
    sweep = settings.sweeps[name]
    cells = {place: _written(settings, sweep, name, place) for place in _places(sweep)}
    names = {place: f"cell{i}" for i, place in enumerate(cells)}
    # As the variants of a study of their own: whatever is checked there is checked here.
    values = settings.model_dump(include={"data", "network", "training"}) | {
        "seeds": sweep.seeds,
        "variants": {names[place]: written for place, written in cells.items()},
    }

    def of_sweep(place: str) -> None:
        told(_said(place, name, sweep, names))

    try:
        grid = reading.checked(values)
        found = plans.untried(grid, of_sweep)
        made = Grid(
            tuple(
                Cell(*place, steps=_steps(sweep, found[cell]), plan=found[cell])
                for place, cell in names.items()
            )
        )
        if refused := cost.of_sweep(name, made):
            raise ParamsError([refused])
        plans.try_alike(grid, found, of_sweep)
        _expect_two_axes(name, sweep, made)
    except ParamsError as error:
        raise ParamsError([_said(error.lines[0], name, sweep, names)]) from None
    return made


def _expect_two_axes(name: str, sweep: Sweep, made: Grid) -> None:
    """Raise ParamsError for an axis along which nothing changes that a network could notice."""

    def seen(cell: Cell) -> str:
        if cell.steps:
            return repr((cell.plan, cell.steps))
        none = {"epochs": 0, "batch_size": 0, "lr": 0.0, "momentum": 0.0}
        return repr(replace(cell.plan, optimizer="", **none))  # type: ignore[arg-type]

    columns = len(sweep.axes.x.points())
    rows = [
        [seen(cell) for cell in made.cells[i : i + columns]]
        for i in range(0, len(made.cells), columns)
    ]
    for side, lines in (("x", rows), ("y", list(zip(*rows, strict=True)))):
        axis = getattr(sweep.axes, side)
        if len(axis.points()) > 1 and all(len(set(line)) == 1 for line in lines):
            rule = "changes nothing: every cell along it has the same networks"
            raise ParamsError([reading.complaint(f"sweeps.{name}.axes.{side}.key", axis.key, rule)])


def _places(sweep: Sweep) -> Iterator[Place]:
    """Every cell, by y and then by x."""
    axes = sweep.axes
    return ((x, y) for y, x in product(axes.y.points(), axes.x.points()))


def _written(settings: Params, sweep: Sweep, name: str, place: Place) -> dict[str, Any]:
    """A cell as a variant in params.yaml would have it; raises ParamsError."""
    axes = list(zip((sweep.axes.x, sweep.axes.y), place, strict=True))
    written: dict[str, Any] = {}
    for axis, value in axes:
        if axis.key != VARIANT:
            continue
        if value not in settings.variants:
            side = "x" if axis is sweep.axes.x else "y"
            key = f"sweeps.{name}.axes.{side}.values"
            allowed = ", ".join(settings.variants)
            raise ParamsError(
                [reading.complaint(key, value, f"no such variant; there are {allowed}")]
            )
        variant = settings.variants[value]
        written = variant.model_dump(exclude_none=True, exclude_defaults=True)
        written.get("training", {}).pop("epochs", None)  # a sweep has its own
    for section, entries in deepcopy(sweep.base).items():
        own = written.get(section, {})
        written[section] = {**own, **entries} if isinstance(entries, dict) else entries
    for axis, value in axes:
        if axis.key != VARIANT:
            _set(written, axis.key.split("."), value)
    training = written.get("training")
    if isinstance(training, dict) and "epochs" in training:
        key = f"sweeps.{name}: training.epochs"
        rule = "has no place in a cell; steps or epochs of the sweep say how long"
        raise ParamsError([reading.complaint(key, training["epochs"], rule)])
    return written


def _set(values: dict[str, Any], keys: list[str], value: Any) -> None:
    """Put a value where a dotted key says; an initializer without arguments may get some."""
    *sections, last = keys
    for key in sections:
        inner = values.get(key)
        if not isinstance(inner, dict):
            inner = {} if inner is None or isinstance(inner, list) else {inner: {}}
        values[key] = values = inner
    values[last] = value


def _steps(sweep: Sweep, plan: Plan) -> int:
    """For how many steps a cell is trained."""
    if sweep.steps is not None:
        return sweep.steps
    images = plan.limit or TRAIN_IMAGES
    return (sweep.epochs or 0) * -(-images // plan.batch_size)


def _said(line: str, name: str, sweep: Sweep, names: dict[Place, str]) -> str:
    """A line about a cell as one about its sweep: about its base, or with the place in the grid."""
    found = re.match(rf"{FILE}: variants\.cell(\d+)[.: ]*(([\w.]*).*)", line)
    if not found:
        return line
    number, rest, key = found.groups()
    section = key.partition(".")[0]
    axes = (sweep.axes.x, sweep.axes.y)
    if section in sweep.base and not any(axis.key.startswith(f"{section}.") for axis in axes):
        return f"{FILE}: sweeps.{name}.base.{rest}"
    place = list(names)[int(number)]
    where = ", ".join(f"{axis.key} = {at}" for axis, at in zip(axes, place, strict=True))
    return f"{FILE}: sweeps.{name}: at {where}: {rest}"
