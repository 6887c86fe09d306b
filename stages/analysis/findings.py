"""Findings: measured statements, each left out where the study lacks what it needs.

A function here gives the numbers of the finding of its name, or None. The sentence that shows them
has the same name in rendering/templates/findings.jinja; README, page and note share it.
"""

from fractions import Fraction
from typing import Any

import pandas as pd

from stages.analysis import initializations, quantities, series
from stages.analysis.claims import named
from stages.analysis.judging import Judgement, estimated
from stages.analysis.outcomes import PARTLY, Outcome
from stages.analysis.results import FIRST, Results
from stages.analysis.statistics import t_interval
from stages.analysis.stuck_findings import (
    Numbers,
    RowsByVariant,
    equal_units,
    explained,
    first_row,
    stuck_variants,
    zero_layer,
)
from stages.analysis.study import BASELINE
from stages.training import laws

LITTLE = 0.1  # noise at most, as a share of the constant it is added to


def measure(
    results: Results, table: pd.DataFrame, judgements: list[Judgement]
) -> dict[str, dict[str, Any]]:
    """The numbers of every finding that the study supports, by its name."""
    rows = {row.variant: row for row in table.itertuples()}
    found = {function.__name__: function(results, rows) for function in FINDINGS}
    found |= explained(results, rows)
    found |= {"differences": differences(table), "trainable": trainable(judgements)}
    return {name: numbers for name, numbers in found.items() if numbers}


# ------------------------------------------------------------------------------ what happens


def baseline(results: Results, rows: RowsByVariant) -> Numbers:
    """How well the baseline ends."""
    row = rows.get(BASELINE)
    return {"row": row} if row and row.outcome.has_mean else None


def stuck(results: Results, rows: RowsByVariant) -> Numbers:
    """How many variants learn nothing, and of how many of them no hidden weight moved."""
    names = stuck_variants(rows)
    still = sum(not results.probe(name, None, "weight_move", -1).any() for name in names)
    known = {"of": len(rows), "chance": results.commonest, "still": still}
    return {"count": len(names)} | known if names else None


def partly(results: Results, rows: RowsByVariant) -> Numbers:
    """How many variants learn only partly."""
    return _count([row.outcome is Outcome.PARTLY for row in rows.values()])


def disagree(results: Results, rows: RowsByVariant) -> Numbers:
    """In how many variants seeds disagree."""
    return _count([row.outcome.splits for row in rows.values()])


def differences(table: pd.DataFrame) -> Numbers:
    """How many variants' simultaneous intervals against the baseline lie below and above 0."""
    compared = int(table["all_low"].notna().sum())
    below, above = (table["all_high"] < 0).sum(), (table["all_low"] > 0).sum()
    return {"compared": compared, "below": int(below), "above": int(above)} if compared else None


def _count(flags: list[bool]) -> Numbers:
    return {"count": sum(flags)} if any(flags) else None


# ---------------------------------------------------------------------------- what breaks symmetry


def little_noise(results: Results, rows: RowsByVariant) -> Numbers:
    """The least noise with which a constant learns, and ends PARTLY above the same without noise.

    Noise is little up to LITTLE of the constant. It makes units differ, so it needs two.
    """
    levels = series.noise(results.study)
    if not levels or levels[0][1] or not rows[levels[0][2]].outcome.has_mean:
        return None
    constant, _, without = levels[0]
    for _, noise, name in levels[1:] if results.study.variants[without].width > 1 else ():
        if noise > LITTLE * abs(constant) or rows[name].outcome is not Outcome.LEARNS:
            continue
        if t_interval(results.difference(name, without)).low > PARTLY:
            return {
                "constant": constant, "noise": noise, "row": rows[name], "without": rows[without],
            }  # fmt: skip
    return None


def optimizer(results: Results, rows: RowsByVariant) -> Numbers:
    """What learns under Adam with next to no randomness, and ends far below the default under SGD
    in every seed: pairs of rows, and the default's row under SGD.
    """
    default = first_row(results, rows, named.DEFAULT_SGD)
    pairs = [
        (adam, sgd)
        for one, other in ((named.NOISE, named.NOISE_SGD), (named.TINY, named.TINY_SGD))
        if (adam := first_row(results, rows, one)) and (sgd := first_row(results, rows, other))
        if adam.outcome is Outcome.LEARNS and default
        if results.difference(sgd.variant, default.variant).max() < -PARTLY
    ]
    return {"pairs": pairs, "default": default} if pairs else None


def pattern(results: Results, rows: RowsByVariant) -> Numbers:
    """The best variant without randomness that learns, whose units differ before training."""
    own = set(results.study.with_own_settings())
    found = [
        row
        for name, row in rows.items()
        if name not in own
        and row.outcome is Outcome.LEARNS
        and initializations.deterministic(results.plans[name])
        and results.probe(name, FIRST, "distinct_units", 0).min() > 1
    ]
    return {"row": max(found, key=lambda row: row.test_acc_mean)} if found else None


# --------------------------------------------------------------------------------- inside and depth


def dead_layers(results: Results, rows: RowsByVariant) -> Numbers:
    """The variants with ReLU in which all units of a layer end dead in every seed."""
    relu = [name for name in rows if results.plans[name]["activation"] == "relu"]
    cut = [
        rows[name]
        for name in relu
        if any(
            (results.probe(name, layer, "dead_fraction", -1) == 1).all()
            for layer in results.study.variants[name].layers[:-1]
        )
    ]
    return {"rows": cut, "of": len(relu)} if cut else None


def depth(results: Results, rows: RowsByVariant) -> Numbers:
    """What a deep layer multiplies the gradient's variance by, and how the network then ends.

    `theory` is fan-out · Var[w] / 2 (He et al. 2015, equation 14), as a fraction like 1/6, where
    all hidden layers have one width.
    """
    schemes = {}
    for scheme, name in series.deep(results.study).items():
        gain = estimated(quantities.gradient_gain, results, name)
        plan = results.plans[name]
        [drawn, *others] = set(initializations.laws(plan, "weight"))
        [width, *widths] = set(plan["hidden"])
        unknown = others or widths
        ratio = 0.0 if unknown else width * laws.variance(drawn, width, width) / 2
        schemes[scheme] = {
            "gain": gain and gain.mean,
            "theory": Fraction(ratio).limit_denominator(20) if ratio > 0 else None,
            "row": rows[name],
        }
    if not schemes:
        return None
    name = next(iter(schemes.values()))["row"].variant
    return {"schemes": schemes, "plan": results.plans[name]}


def trainable(judgements: list[Judgement]) -> Numbers:
    """Which share of networks learns on either side of the depth that theory predicts."""
    for judgement in judgements:
        if judgement.claim.id == "trainable_to_depth":
            shares = [part.estimate.mean for part in judgement.parts if part.estimate]
            return {"shares": shares} if len(shares) == 2 else None
    return None


FINDINGS = (
    baseline, stuck, partly, disagree, equal_units, zero_layer, little_noise, optimizer,
    pattern, dead_layers, depth,
)  # fmt: skip
