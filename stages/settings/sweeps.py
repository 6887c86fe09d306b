"""Turns the sweeps of params.yaml into cells, each with the plan of a variant."""

import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from typing import Any

from stages.settings import cost, plans, reading
from stages.settings.params import Params, Sweep
from stages.settings.plans import Told
from stages.settings.reading import FILE, ParamsError
from stages.training.data import TRAIN_IMAGES
from stages.training.plan import Plan
from stages.training.sweep import Cell
from stages.training.sweep import Sweep as Cells

VARIANT = "variant"  # the key of an axis whose values are names of variants

Place = tuple[Any, Any]  # of a cell: its values of x and y


def resolve(settings: Params, told: Told = lambda place: None) -> dict[str, Cells]:
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


def _sweep(settings: Params, name: str, told: Told) -> Cells:
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
        made = Cells(
            tuple(
                Cell(*place, steps=_steps(sweep, found[cell]), plan=found[cell])
                for place, cell in names.items()
            )
        )
        if refused := cost.of_sweep(name, made):
            raise ParamsError([refused])
        plans.try_alike(grid, found, of_sweep)
    except ParamsError as error:
        raise ParamsError([_said(error.lines[0], name, sweep, names)]) from None
    return made


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
            key = f"sweeps.{name}.axes"
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
    """A line about a cell as one about its sweep, with the place in the grid."""
    for (x, y), cell in names.items():
        if re.match(rf"{FILE}: variants\.{cell}\b", line):
            _, _, rest = line.partition(f"variants.{cell}")
            where = f"{sweep.axes.x.key} = {x}, {sweep.axes.y.key} = {y}"
            return f"{FILE}: sweeps.{name}: at {where}: {rest.lstrip('.: ')}"
    return line
