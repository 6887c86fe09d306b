"""Turns sweeps into grids of cells, each with a plan."""

import re
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from stages.settings import memory, plans, reading
from stages.settings.axes import VARIANT, SweepSettings
from stages.settings.mistakes import ParamsError, collect, mistake
from stages.settings.params import NetworkOverrides, Params, VariantSettings
from stages.training import probes
from stages.training.grid import Cell, Grid
from stages.training.plan import Plan

BUILT_IN = set(NetworkOverrides.model_fields)  # the settings of the built-in network


def resolve(settings: Params, place: str = "") -> dict[str, Grid]:
    """Every sweep's grid, tested by filling tensors; `place` is a prefix for keys.

    Raises ParamsError.
    """
    return collect(settings.sweeps, partial(_grid, settings, f"{place}sweeps."))


def _grid(settings: Params, sweeps: str, name: str) -> Grid:
    sweep, sweeps = settings.sweeps[name], f"{sweeps}{name}"
    shared = settings.model_copy(update={"seeds": sweep.seeds})
    cells, filled = [], set()  # cells with equal fills are tested once: filling takes long
    for y, x in product(sweep.axes.y.points(), sweep.axes.x.points()):
        keys = [side if axis.settings else axis.key for side, axis in sweep.axes]
        place = f"{sweeps}: at {keys[0]} = {x}, {keys[1]} = {y}: "
        variant = _variant(settings, sweep, (x, y), place)
        if lines := reading.contradictions(shared, variant, place):
            raise ParamsError(lines[0])
        plan, structure = plans.plan_of(shared, variant, place)
        memory.expect(place, plan, structure, kept=0)
        fills = plan.network, repr(plan.arguments), frozenset(map(repr, plan.tensors.values()))
        if fills not in filled:
            filled.add(fills)
            plans.expect_fills(plan, structure, variant, place)
        steps = sweep.epochs * plan.steps_per_epoch if sweep.epochs else sweep.steps or 0
        cells.append(Cell(x, y, steps, _deciding(plan, steps)))
    _expect_two_axes(sweeps, sweep, cells)
    return Grid(tuple(cells))


def _deciding(plan: Plan, steps: int) -> Plan:
    """A cell's plan without the settings that decide nothing there, so their edits cost nothing.

    A cell has its own number of steps; where nothing is trained, only the probed images count.
    """
    if steps:
        return replace(plan, epochs=0)
    limit = plan.limit if (plan.limit or probes.PROBED) < probes.PROBED else None
    return replace(
        plan, limit=limit, epochs=0, batch_size=1, optimizer="sgd", lr=0.0, momentum=0.0,
        weight_decay=0.0,
    )  # fmt: skip


def _variant(
    settings: Params, sweep: SweepSettings, values: tuple[Any, Any], place: str
) -> VariantSettings:
    """A cell as a variant: the variant on an axis, the base over it, and the axes over both.

    Of axes with settings, y is over x; the least number of their seeds counts.
    """
    sides = list(zip((sweep.axes.x, sweep.axes.y), values, strict=True))
    named = [axis.settings[name] for axis, name in sides if axis.settings]
    at = {axis.key: value for axis, value in sides if not axis.settings}
    written: dict[str, Any] = {}
    if (name := at.pop(VARIANT, None)) is not None:
        if name not in settings.variants:
            rule = f"no such variant; there are {', '.join(settings.variants)}"
            raise ParamsError(mistake(place + VARIANT, name, rule))
        written = settings.variants[name].model_dump(exclude_none=True, exclude_defaults=True)
        written.get("training", {}).pop("epochs", None)  # a sweep has its own, as of seeds
        written.pop("seeds", None)
    for entries in (sweep.base, *(one.model_extra or {} for one in named)):
        _merge(written, deepcopy(entries))
    for key, value in at.items():
        _set(written, _parts(key), value)
    cell = reading.validated(VariantSettings, written, place)
    own = {"training.epochs": cell.training.epochs, "seeds": cell.seeds}
    for key, value in own.items():
        if value is not None:
            rule = "is not allowed in a cell; set those of the sweep"
            raise ParamsError(mistake(place + key, value, rule))
    seeds = [one.seeds for one in named if one.seeds]
    return cell.model_copy(update={"seeds": min(seeds, default=sweep.seeds)})


def _merge(written: dict[str, Any], over: dict[str, Any]) -> None:
    """Put settings over others: section by section, and arguments of the same network."""
    for section, entries in over.items():
        own = written.get(section)
        if not isinstance(entries, dict) or not isinstance(own, dict):
            written[section] = entries
        elif section == "network" and own.keys() == entries.keys():
            _merge(own, entries)
        elif section == "network" and not own.keys() | entries.keys() <= BUILT_IN:
            written[section] = entries
        else:
            written[section] = {**own, **entries}


def _parts(key: str) -> list[str]:
    """A dotted key in parts, of which the name of a layer, with dots of its own, is one."""
    layer = re.match(r"(?!network\.|training\.)(.+?)\.(?=(weight|bias)(\.|$))", key)
    return [layer[1], *key[layer.end() :].split(".")] if layer else key.split(".")


def _set(values: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set the value at a dotted key; an initializer without arguments becomes a mapping."""
    *sections, last = keys
    for key in sections:
        inner = values.get(key)
        if not isinstance(inner, dict):
            inner = {} if inner is None or isinstance(inner, list) else {inner: {}}
        values[key] = values = inner
    values[last] = value


def _expect_two_axes(place: str, sweep: SweepSettings, cells: list[Cell]) -> None:
    """Raise ParamsError for an axis along which all cells have the same result."""
    results = [repr((cell.steps, cell.plan)) for cell in cells]
    columns = len(sweep.axes.x.points())
    rows = [results[i : i + columns] for i in range(0, len(results), columns)]
    for side, lines in (("x", rows), ("y", list(zip(*rows, strict=True)))):
        if len(lines[0]) > 1 and all(len(set(line)) == 1 for line in lines):
            rule = "has no effect: every value gives the same networks"
            key = getattr(sweep.axes, side).key
            raise ParamsError(mistake(f"{place}.axes.{side}.key", key, rule))
