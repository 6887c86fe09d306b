"""Findings about variants that learn nothing, or little: gradients, dead units, equal units."""

from dataclasses import replace
from typing import Any, TypeAlias

from stages.analysis import initializations, quantities
from stages.analysis.claims.named import FC1_ZERO, SETTING, ZEROS
from stages.analysis.initializations import Initialization, Setting
from stages.analysis.outcomes import Outcome
from stages.analysis.results import FIRST, LAST, Results

FADED = 1e-3  # of the last hidden layer's gradient: with less, next to none reaches the first layer

RowsByVariant: TypeAlias = dict[str, Any]  # of outcomes.comparison, by variant
Numbers: TypeAlias = dict[str, Any] | None


def stuck_variants(rows: RowsByVariant) -> list[str]:
    """The variants of which no seed learns."""
    return [name for name, row in rows.items() if row.outcome is Outcome.STUCK]


def explained(results: Results, rows: RowsByVariant) -> dict[str, Numbers]:
    """The stuck variants by the finding that explains each.

    `no_gradient`: the first layer's gradient is exactly 0 in every measurement. `fading_gradient`:
    before training, next to none reaches it. `dead_at_end`: a gradient has reached it, but all its
    units are dead at the end. `unexplained`: the others. `equal` are the rows of those whose
    units are always equal: an observation, since other networks with equal units learn partly.
    """
    names = stuck_variants(rows)
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        empty = {"rows": [], "equal": [], "of": len(names)}
        own = found.setdefault(_explanation(results, name), empty)
        own["rows"].append(rows[name])
        own["equal"] += [rows[name]] if _always_equal(results, name) else []
    for own in found.values():  # an example comes first: the deepest network
        own["rows"].sort(key=lambda row: -len(results.study.variants[row.variant].layers))
    return {**found}


def _explanation(results: Results, name: str) -> str:
    reaches = results.probe(name, FIRST, "weight_gradient_zeros") < 1
    if not reaches.any():
        return "no_gradient"
    # Errors sum to 0 over the classes: below equal output units, all of the gradient is rounding.
    measured = results.probe(name, LAST, "symmetry_gap") > 0
    fades = (quantities.arriving_gradient.values(results, name) < FADED).all()
    if fades and (results.probe(name, LAST, "symmetry_gap", 0) > 0).all():
        return "fading_gradient"
    dead = (results.probe_by_seed(name, FIRST, "dead_fraction", -1, "max") == 1).all()
    return "dead_at_end" if dead and (reaches & measured).any() else "unexplained"


def _always_equal(results: Results, name: str) -> bool:
    """Whether the first layer has two units or more, and they are equal in every measurement."""
    copies = results.probe(name, FIRST, "distinct_units") == 1
    return results.study.variants[name].width > 1 and bool(copies.all())


def equal_units(results: Results, rows: RowsByVariant) -> Numbers:
    """The best variant that learns partly, though the first layer's units stay equal."""
    found = [
        row
        for name, row in rows.items()
        if row.outcome is Outcome.PARTLY and _always_equal(results, name)
    ]
    if not found:
        return None
    best = max(found, key=lambda row: row.test_acc_mean)
    return {"row": best, "units": results.study.variants[best.variant].width}


def zero_layer(results: Results, rows: RowsByVariant) -> Numbers:
    """fc1 alone at 0 is stuck, like all zeros; `tanh` and `out` are rows of variants that learn."""
    one, every = (first_row(results, rows, case) for case in (FC1_ZERO, ZEROS))
    if not (one and every and one.outcome is every.outcome is Outcome.STUCK):
        return None
    tanh = replace(FC1_ZERO, setting=Setting("", SETTING.values | {"activation": "tanh"}))
    out = replace(FC1_ZERO, fills=lambda plan: initializations.alone(plan, "out") == 0)
    others = {"tanh": first_row(results, rows, tanh), "out": first_row(results, rows, out)}
    learn = {key: row for key, row in others.items() if row and row.outcome is Outcome.LEARNS}
    return {"row": one, **dict.fromkeys(others), **learn}


def first_row(results: Results, rows: RowsByVariant, wanted: Initialization) -> Any | None:
    """The row of the first variant with an initialization."""
    return next((rows[name] for name in initializations.find(results.plans, wanted)), None)
