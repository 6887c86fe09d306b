"""The facts that the page tells in sentences (templates/narrative.jinja)."""

from fractions import Fraction
from typing import Any

import pandas as pd

from stages.analysis import quantities, reasons, starts
from stages.analysis.judging import Result, Verdict, estimated
from stages.analysis.outcomes import PARTLY, Outcome, differences
from stages.analysis.results import Results
from stages.analysis.study import BASELINE, Study
from stages.rendering import claims as told
from stages.rendering import style

DRAWN = 3  # hidden layers that the drawing of the network has room for


def facts(
    study: Study, results: Results, table: pd.DataFrame, claims: list[dict],
    dead: dict[str, float], depth: pd.DataFrame,
) -> dict[str, Any]:  # fmt: skip
    """What happens, why, what the lecture's claims are worth, and what the figures show.

    `table` as outcomes.comparison gives it, `claims` as rendering.claims.rows, `dead` the share
    of dead units by variant at the end, where it has a mean, `depth` as evaluate writes it.
    """
    rows = {row.variant: row for row in table.itertuples()}
    stuck = {name: row for name, row in rows.items() if row.outcome is Outcome.STUCK}
    stuck_by = causes(study, results, stuck)
    best = max(rows.values(), key=lambda row: row.test_acc_most)
    return {
        "start": rows.get(BASELINE, best),
        "has_baseline": BASELINE in rows,
        "sizes": study.sizes,
        "columns": columns(study.network["hidden"]),
        "data": style.DATA_SETS[study.data["name"]],
        "chance": results.commonest,
        "starts": len(rows),
        "stuck": len(stuck),
        "partly": sum(row.outcome is Outcome.PARTLY for row in rows.values()),
        "parted": sum(row.outcome.splits for row in rows.values()),
        # Starts of which no hidden weight moved.
        "still": sum(not results.probe(v, None, "weight_move", -1).any() for v in stuck),
        "causes": stuck_by,
        "equal_dies": all(reasons.dies(results, row.variant) for row in stuck_by["equal"]),
        "learned_above": results.learned_above,
        "clearly": f"{100 * PARTLY:g}",  # in points
        "differ": differences(table),
        "failed": corrections(claims, Verdict.FAILS),
        "corrected": corrections(claims, Verdict.IN_PART),
        "verdicts": told.counts(claims),
        "equal": equal(study, results, rows),
        "pattern": pattern(study, results, rows),
        "noise": noise(study, results, rows),
        "dead": dead_layers(study, results, dead),
        "depth": by_scheme(study, results, rows, depth),
    }


def columns(hidden: list[int]) -> list[dict[str, Any]]:
    """The layers that are drawn, each with its size; of many hidden ones the first and the last."""
    layers = [(f"fc{i}", size, "units") for i, size in enumerate(hidden, 1)]
    if len(layers) > DRAWN:
        layers[1:-1] = [("…", 0, "")]
    drawn = [("image", 784, "pixels"), *layers, ("out", 10, "classes")]
    return [{"name": name, "size": size, "of": of} for name, size, of in drawn]


def causes(study: Study, results: Results, stuck: dict[str, Any]) -> dict[str, list[Any]]:
    """The rows of stuck variants by what keeps them from learning: `silent`, `equal`, …"""
    found: dict[str, list[Any]] = {cause.name.lower(): [] for cause in reasons.Cause}
    for name, row in stuck.items():
        found[reasons.cause(results, study.variants[name]).name.lower()].append(row)
    return found


def corrections(claims: list[dict], verdict: Verdict) -> list[dict]:
    """The lecture's claims with a verdict, each with what was measured where it does not hold."""
    return [
        row | {"instead": [p["words"] for p in row["parts"] if p["result"] == Result.FAILS.value]}
        for row in told.by_source(claims)["lecture"]
        if row["verdict"] == verdict.value
    ]


def pattern(study: Study, results: Results, rows: dict[str, Any]) -> Any | None:
    """The best variant without randomness that learns, of units that differ from the first."""
    own = set(study.with_own_settings())
    found = [
        row
        for name, row in rows.items()
        if name not in own
        and row.outcome is Outcome.LEARNS
        and starts.deterministic(study.variants[name].plan)
        and results.probe(name, "fc1", "distinct_units", 0).min() > 1
    ]
    return max(found, key=lambda row: row.test_acc_mean, default=None)


def equal(study: Study, results: Results, rows: dict[str, Any]) -> dict[str, Any] | None:
    """The best variant that learns a little, though fc1's units remain equal."""
    found = [
        {"row": row, "width": study.variants[name].hidden[0]}
        for name, row in rows.items()
        if row.outcome is Outcome.PARTLY and reasons.always_equal(results, study.variants[name])
    ]
    return max(found, key=lambda one: one["row"].test_acc_mean, default=None)


def noise(study: Study, results: Results, rows: dict[str, Any]) -> dict[str, Any] | None:
    """How the network ends with more or less noise around one constant."""
    levels = starts.noise(study)
    if not levels:
        return None
    constant, least, name = next(level for level in levels if level[1])
    return {
        "constant": style.minus(f"{constant:g}"),
        "least": least,
        "enough": results.ended(name, "learns").all(),
        "row": rows[name],
        "gaps": [results.probe(name, "fc1", "symmetry_gap", e).mean() for e in (0, 1)],
        "ends": [(epsilon, rows[other]) for _, epsilon, other in levels],
        "cost": reasons.noise_cost(results, levels, {v: row.outcome for v, row in rows.items()}),
        "sizes": {name: epsilon for _, epsilon, name in levels},
    }


def dead_layers(study: Study, results: Results, dead: dict[str, float]) -> dict[str, Any]:
    """The starts with ReLU, and the labels of those of which a layer ends dead in every seed."""
    relu = [v for v in study.variants.values() if v.plan["activation"] == "relu"]
    cut = [
        f"“{variant.label}”"
        for variant in relu
        if any(
            (results.probe(variant.name, layer, "dead_fraction", -1) == 1).all()
            for layer in variant.layers[:-1]
        )
    ]
    baseline = [(v.label, dead[BASELINE]) for v in relu if v.name == BASELINE and BASELINE in dead]
    return {"relu": len(relu), "cut": cut, "baseline": baseline}


def by_scheme(
    study: Study, results: Results, rows: dict[str, Any], depth: pd.DataFrame
) -> list[dict[str, Any]]:
    """What a deep layer multiplies the gradient's variance by, and what comes of it."""
    gradient = depth[depth["quantity"] == "gradient"].set_index("variant")
    found = []
    for scheme, name in starts.deep(study).items():
        gain = estimated(quantities.gradient_gain, results, name)
        theory = gradient.loc[[name], "theory"].to_numpy()
        ratio = (theory[0] / theory[-1]) ** (2 / (len(theory) - 1)) if len(theory) > 1 else 0
        found.append(
            {
                "name": style.SCHEMES[scheme],
                "gain": gain and gain.mean,
                # Like 1/6, of which the table has six digits.
                "theory": Fraction(ratio).limit_denominator(20) if ratio > 0 else None,
                "row": rows[name],
                "epochs": results.epochs(name),
                "optimizer": style.OPTIMIZERS[study.variants[name].plan["optimizer"]],
            }
        )
    return found
