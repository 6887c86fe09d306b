"""The audit of the claims as it is shown: numbers from the judge, words from the claims."""

import math
from collections.abc import Callable

from stages.analysis.claims.form import Part, Scope, Verdict
from stages.analysis.judging import Judged, Judgement
from stages.analysis.quantities import Quantity, Unit
from stages.analysis.report import Report
from stages.analysis.statistics import LOOKS, Estimate, count_interval
from stages.rendering import style

MANY = 2  # variants of a part that are described one by one

FORMATS: dict[Unit, Callable[[Estimate], str]] = {
    Unit.ACCURACY: style.accuracy,
    Unit.DIFFERENCE: style.apart,
    Unit.TENSORS: lambda estimate: f"{round(estimate.mean) or 'none'}",
    Unit.COUNT: lambda estimate: f"{round(estimate.mean) or 'none'}",
    Unit.FACTOR: style.factor,
    Unit.SIZE: lambda estimate: style.minus(style.rounded(estimate.mean)),
}


def rows(report: Report) -> list[dict]:
    """One row per claim, as in claims.json.

    `evidence` describes what was measured, part by part, or what is missing; `why` are the
    explanations.
    """
    return [row(judgement, report) for judgement in report.judgements]


def row(judgement: Judgement, report: Report) -> dict:
    """The row of one claim."""
    claim, judged = judgement.claim, judgement.parts
    maps = [one.figure for one in report.maps if one.name in tested_on(judged)]
    needed = [one for p in claim.parts for one in (p.initialization, p.against) if one]
    return {
        "id": claim.id,
        "source": claim.source,
        "place": claim.place,
        "claim": claim.claim,
        "tested_on": tested_on(judged),
        "tested_with": "; ".join(dict.fromkeys(one.setting.words for one in needed)),
        "verdict": judgement.verdict.value,
        "evidence": missing(judgement)
        if judgement.missing
        else f"{'; '.join(clauses(judgement, report))}.",
        "why": " ".join(
            one.words.format(in_words(alone(estimate), one.quantity.unit, 0))
            for one, estimate in judgement.why
        ),
        "parts": [part_of(one.part, one, judgement, report) for one in judged]
        or [part_of(one, None, judgement, report) for one in claim.parts],
        "figure": claim.figure or next(iter(maps), None),
    }


def tested_on(judged: tuple[Judged, ...]) -> list[str]:
    """The variants and sweeps that were measured, as params.yaml names them; no line of a map."""
    names = [name for one in judged for name in (one.variant, one.against) if name]
    return list(dict.fromkeys(name.partition(",")[0] for name in names))


def part_of(part: Part, judged: Judged | None, judgement: Judgement, report: Report) -> dict:
    """A part: what it states, and if it was tested, what was measured and whether it holds."""
    quantity, estimate = part.quantity.name, judged.estimate if judged else None
    if part.against:
        setting = part.against.setting
        where = "" if setting is part.initialization.setting else f", with {setting.words}"
        joint = " " if part.quantity.unit is Unit.SEEDS else ", compared with "
        quantity += f"{joint}{part.against.words}{where}"
    return {
        "stated": part.stated,
        "initialization": part.initialization.words,
        "quantity": quantity,
        "region": [number(part.region.low), number(part.region.high)],
        "rule": rule(part),
        "variant": judged and judged.variant,
        "against": judged and judged.against,
        "seeds": judged and judged.seeds,
        "measured": estimate and number(estimate.mean),
        "interval": None if part.quantity.exact else estimate and list(map(number, estimate[1:])),
        "result": (judged.result if judged else Verdict.UNTESTED).value,
        "words": words(judged, judgement, report) if judged else "",
    }


def clauses(judgement: Judgement, report: Report) -> list[str]:
    """What was measured: one clause per part, or one for many variants for which a part holds."""
    found = []
    for part in judgement.claim.parts:
        own = [judged for judged in judgement.parts if judged.part is part]
        hold = [judged for judged in own if judged.result is Verdict.HOLDS]
        if len(hold) > MANY:
            near = words(min(hold, key=_distance), judgement, report)
            kind = "comparisons" if part.against else "variants"
            found.append(f"✓ {len(hold)} of {len(own)} {kind}; the closest: {near}")
            own = [judged for judged in own if judged not in hold]
        fail = [judged for judged in own if judged.result is Verdict.FAILS]
        if part.scope is Scope.ALL and len(fail) > 1:
            example = f"{words(fail[0], judgement, report)}{needed(fail[0])}"
            found.append(f"✗ {len(fail)} of {len(own)}; for example: {example}")
            own = [judged for judged in own if judged not in fail]
        found += [
            f"{style.SIGNS[judged.result.value]} {words(judged, judgement, report)}{needed(judged)}"
            for judged in own
        ]
    return list(dict.fromkeys(found))


def _distance(judged: Judged) -> float:
    """How far a part is from the next end of its region."""
    region, estimate = judged.part.region, judged.estimate
    if estimate is None:
        return math.inf
    return min(abs(estimate.mean - region.low), abs(estimate.mean - region.high))


def words(judged: Judged, judgement: Judgement, report: Report) -> str:
    """The outcome of a part; that of one of several variants names it."""
    part, labels = judged.part, judgement.evidence.labels
    if judged.estimate is None:
        return unknown(judged, judgement)
    quantity = part.quantity.minus(judged.against) if judged.against else part.quantity
    template = quantity.words
    if "{variant}" not in template and sum(one.part is part for one in judgement.parts) > 1:
        template = f"{{variant}}: {template}"
    estimate = alone(judged.estimate) if quantity.exact else judged.estimate
    return template.format(
        variant=f"“{labels[judged.variant]}”",
        against=judged.against and f"“{labels[judged.against]}”",
        measured=in_words(estimate, quantity.unit, judged.seeds),
        commonest=style.percent(report.results.commonest),
    ) + sample(judged, quantity)


def sample(judged: Judged, quantity: Quantity) -> str:
    """How many seeds a mean is of, if not as many as usual; what a count says of all seeds."""
    if quantity.has_mean:
        return f", {style.counted(judged.seeds, 'seed')}" if judged.seeds != LOOKS[0] else ""
    if quantity.unit is not Unit.SEEDS or not judged.estimate:
        return ""
    low, high = count_interval(judged.estimate.mean, judged.seeds)
    return f" ({100 * low:.0f} to {100 * high:.0f} % of all seeds)"


def needed(judged: Judged) -> str:
    """The region of a part that does not hold, unless its words tell; a modest one's end."""
    part = judged.part
    counts = part.quantity.unit in (Unit.SEEDS, Unit.TENSORS)
    if judged.result is Verdict.HOLDS or not judged.estimate or counts:
        return ""
    if judged.result is Verdict.MORE:
        return f", above {bound(part.region.high, part.quantity.unit)} %"
    return f", needed: {rule(part)}{' in every seed' if part.every else ''}"


def unknown(judged: Judged, judgement: Judgement) -> str:
    """Why a part has no measurement."""
    networks = judgement.evidence
    pair = [name for name in (judged.variant, judged.against) if name]
    if judged.disagree:
        return "; ".join(
            f"“{networks.labels[name]}”: {style.ends(networks.ends(name))}"
            for name in pair
            if not networks.agree(name)
        )
    if judged.against and not networks.ends(judged.against)["learns"]:
        return f"“{networks.labels[judged.against]}”: it learned nothing"
    return f"“{networks.labels[judged.variant]}”: nothing moved, or nothing could be measured"


def missing(judgement: Judgement) -> str:
    """Why a claim is not tested."""
    lacks = judgement.missing or {}
    if "seeds" in lacks:
        return f"{style.counted(lacks['seeds'], 'seed')}, and a verdict needs {lacks['needed']}."
    initialization = lacks["initialization"]
    kind = "heat map" if "x" in initialization.setting.values else "variant"
    setting = initialization.setting.words.removeprefix("a heat map of ")
    words = f"No {kind} has {initialization.words}, with {setting}"
    if lacks["nearest"]:
        name, departures = lacks["nearest"]
        differences = style.listed(
            [
                f"{key} {style.setting(now)} (not {style.setting(then)})"
                for key, now, then in departures
            ]
        )
        words += f"; “{judgement.evidence.labels[name]}” has {differences}"
    return f"{words}."


def rule(part: Part) -> str:
    """The region of a part in words."""
    low, high = part.region.low, part.region.high
    unit = part.quantity.unit
    if unit is Unit.SEEDS:
        if math.isinf(low):
            return "none" if high < 0.5 else "not all"
        return "all" if low > 0.5 else "at least one"
    unit = Unit.DIFFERENCE if part.against and unit is Unit.ACCURACY else unit
    if unit in (Unit.TENSORS, Unit.COUNT):
        if math.isinf(high):
            return f"at least {math.ceil(low)}"
        return f"at most {math.floor(high)}" if high > 1 else "none"
    ends = [end for end in (low, high) if math.isfinite(end)]
    if unit is Unit.DIFFERENCE and len(ends) == 1:
        amount = "more than" if (ends[0] > 0) == math.isfinite(low) else "at most"
        side = "above" if ends[0] > 0 else "below"
        return f"{amount} {bound(abs(ends[0]), unit)} points {side}"
    after = {Unit.ACCURACY: " %", Unit.DIFFERENCE: " points"}.get(unit, "")
    side = "" if len(ends) == 2 else "below " if math.isinf(low) else "above "
    return side + " to ".join(bound(end, unit) for end in ends) + after


def bound(value: float, unit: Unit) -> str:
    """An end of a region."""
    if unit in (Unit.ACCURACY, Unit.DIFFERENCE):
        return style.minus(f"{100 * value:g}")
    return style.minus(style.rounded(value)) if unit is Unit.SIZE else f"{value:.2f}"


def in_words(estimate: Estimate, unit: Unit, seeds: int) -> str:
    """A quantity of so many seeds in words, with its interval where it has one."""
    if unit is Unit.SEEDS:
        return f"{round(estimate.mean * seeds) or 'none'} of {style.counted(seeds, 'seed')}"
    return FORMATS[unit](estimate)


def alone(estimate: Estimate) -> Estimate:
    """A mean without its interval."""
    return Estimate(estimate.mean, math.nan, math.nan)


def number(value: float) -> float | None:
    """Six digits; None for what JSON has no number for."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
