"""The audit of the claims as it is shown: numbers from the judge, words from the claims."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from stages.analysis import judging
from stages.analysis.claims import SOURCE
from stages.analysis.judging import Claim, Judged, Judgement, Part, Result
from stages.analysis.map_claims import OWN
from stages.analysis.quantities import Unit
from stages.analysis.results import Results
from stages.analysis.statistics import Estimate
from stages.analysis.study import Study
from stages.rendering import style
from stages.rendering.environment import environment

MANY = 2  # variants of a part that are told one by one

FORMATS: dict[Unit, Callable[[Estimate], str]] = {
    Unit.ACCURACY: style.accuracy,
    Unit.DIFFERENCE: style.points,
    Unit.TENSORS: lambda estimate: f"{estimate.mean:.0f}",
    Unit.COUNT: lambda estimate: f"{estimate.mean:.0f}",
    Unit.FACTOR: style.factor,
    Unit.SIZE: lambda estimate: style.rounded(estimate.mean),
}


def rows(study: Study, results: Results, audit: Iterable[Judgement]) -> list[dict]:
    """A row a claim, as claims.json has it.

    `evidence` is what was measured, part by part, or what is missing; `why` the reasons.
    """
    found = []
    for judgement in audit:
        claim, parts = judgement.claim, judgement.parts
        several = Counter(judged.part for judged in parts)
        found.append(
            {
                "id": claim.id,
                "source": claim.source,
                "place": claim.place,
                "claim": claim.claim,
                "tested_with": tested_with(claim),
                "verdict": judgement.verdict.value,
                "evidence": evidence(judgement, study, results),
                "why": " ".join(
                    reason.words.format(told(alone(estimate), reason.quantity.unit, study.seeds))
                    for reason, estimate in judgement.why
                ),
                "parts": [
                    part(judged, study, results, several[judged.part] > 1) for judged in parts
                ]
                or [stated(part) for part in claim.parts],
                "figure": claim.figure or figure_of(parts),
            }
        )
    return found


def figure_of(parts: Sequence[Judged]) -> str | None:
    """The figure of the map that a claim was tested on."""
    name, of_a_map, _ = parts[0].variant.partition(":") if parts else ("", "", "")
    return f"map_{name}" if of_a_map else None


def tested_with(claim: Claim) -> str:
    """The networks and trainings that a claim is about."""
    needed = [start for part in claim.parts for start in (part.start, part.against) if start]
    return "; ".join(dict.fromkeys(start.setting.words for start in needed))


def stated(part: Part) -> dict:
    """A part of a claim that is not tested."""
    return {
        "stated": part.stated,
        "start": part.start.words,
        "quantity": judging.quantity(part),
        "region": [number(part.region.low), number(part.region.high)],
        "rule": rule(part),
        "variant": None,
        "against": None,
        "measured": None,
        "interval": None,
        "result": judging.Verdict.UNTESTED.value,
        "words": "",
    }


def part(judged: Judged, study: Study, results: Results, one_of_several: bool) -> dict:
    """What was stated, what was measured, and whether it holds."""
    estimate, interval = judged.estimate, None
    if estimate and not judged.part.quantity.exact:
        interval = [number(estimate.low), number(estimate.high)]
    return stated(judged.part) | {
        "variant": judged.variant,
        "against": judged.against,
        "measured": number(estimate.mean) if estimate else None,
        "interval": interval,
        "result": judged.result.value,
        "words": words(judged, study, results, one_of_several),
    }


def evidence(judgement: Judgement, study: Study, results: Results) -> str:
    """What was measured: a clause for every part, or one for many of which it holds."""
    if judgement.missing:
        return missing(judgement, study)
    clauses = []
    for part in judgement.claim.parts:
        own = [judged for judged in judgement.parts if judged.part is part]
        several, what = len(own) > 1, "comparisons" if part.against else "starts"
        hold = [judged for judged in own if judged.result is Result.HOLDS]
        if len(hold) > MANY:
            near = words(min(hold, key=_distance), study, results, several)
            clauses.append(f"✓ {len(hold)} of {len(own)} {what}, as {near}")
            own = [judged for judged in own if judged not in hold]
        clauses += [
            f"{style.sign(judged.result.value)} {words(judged, study, results, several)}"
            for judged in own
        ]
    return "; ".join(clauses) + "."


def _distance(judged: Judged) -> float:
    """How far a part is from the next end of its region."""
    region, estimate = judged.part.region, judged.estimate
    if estimate is None:
        return math.inf
    return min(abs(estimate.mean - region.low), abs(estimate.mean - region.high))


def words(judged: Judged, study: Study, results: Results, one_of_several: bool = False) -> str:
    """What is said of a part's outcome; that of `one_of_several` variants names it."""
    part, label = judged.part, quoted(study, judged.variant)
    pair = [name for name in (judged.variant, judged.against) if name]
    if judged.parted:
        return "; ".join(
            f"{quoted(study, name)}: {style.ends(results.ends(name))}"
            for name in pair
            if not results.alike(name)
        )
    if judged.estimate is None:
        learns = judged.against is None or results.ended(judged.against, "learns").any()
        why = "nothing moved, or nothing could be measured" if learns else "it learned nothing"
        return f"{quoted(study, pair[0] if learns else pair[1])}: {why}"
    template = part.fails or part.holds if judged.result is Result.FAILS else part.holds
    if one_of_several and "{start}" not in template:
        template = f"{{start}}: {template}"
    unit = Unit.DIFFERENCE if part.against else part.quantity.unit
    estimate = alone(judged.estimate) if part.quantity.exact else judged.estimate
    return template.format(
        start=label,
        against=judged.against and quoted(study, judged.against),
        measured=told(estimate, unit, study.seeds),
        side="above" if judged.estimate.low > part.region.high else "below",
        commonest=style.percent(results.commonest),
    )


def rule(part: Part) -> str:
    """The region of a part in words."""
    low, high = part.region.low, part.region.high
    unit = Unit.DIFFERENCE if part.against else part.quantity.unit
    if unit is Unit.SEEDS:
        return "all"
    if unit in (Unit.TENSORS, Unit.COUNT):
        return f"at most {math.floor(high)}" if high > 1 else "0"
    ends = [bound(end, unit) for end in (low, high) if math.isfinite(end)]
    after = {Unit.ACCURACY: " %", Unit.DIFFERENCE: " points"}.get(unit, "")
    if ends in (["1"], ["−1"]) and unit is Unit.DIFFERENCE:
        after = " point"
    side = "" if len(ends) == 2 else "below " if math.isinf(low) else "above "
    return side + " to ".join(ends) + after


def bound(value: float, unit: Unit) -> str:
    """An end of a region."""
    if unit in (Unit.ACCURACY, Unit.DIFFERENCE):
        return style.minus(f"{100 * value:g}")
    return style.rounded(value) if unit is Unit.SIZE else f"{value:.2f}"


def told(estimate: Estimate, unit: Unit, seeds: int) -> str:
    """A quantity in words, with its interval where it has one."""
    if unit is Unit.SEEDS:
        return f"{estimate.mean * seeds:.0f} of {style.counted(seeds, 'seed')}"
    return FORMATS[unit](estimate)


def alone(estimate: Estimate) -> Estimate:
    """A mean without its interval."""
    return Estimate(estimate.mean, math.nan, math.nan)


def missing(judgement: Judgement, study: Study) -> str:
    """Why a claim is not tested."""
    lacks = judgement.missing
    if "seeds" in lacks:
        return f"{style.counted(lacks['seeds'], 'seed')}, and a verdict needs {lacks['needed']}."
    start = lacks["start"]
    kind = "map" if "x" in start.setting.values else "variant"
    said = f"No {kind} has {start.words}, with {start.setting.words}"
    if lacks["nearest"]:
        name, departures = lacks["nearest"]
        otherwise = style.listed(
            [
                f"{key} {style.setting(now)} (not {style.setting(then)})"
                for key, now, then in departures
            ]
        )
        said += f"; {quoted(study, name)} has {otherwise}"
    return f"{said}."


def quoted(study: Study, variant: str) -> str:
    return f"“{study.variants[variant].label}”"


def number(value: float) -> float | None:
    """Six digits; None for what JSON has no number for."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def counts(rows: list[dict]) -> dict[str, dict[str, int]]:
    """How many claims have which verdict: the lecture's, and the literature's."""
    return {
        key: {
            verdict.name.lower(): sum(row["verdict"] == verdict.value for row in own)
            for verdict in judging.Verdict
        }
        for key, own in by_source(rows).items()
    }


def by_source(rows: list[dict]) -> dict[str, list[dict]]:
    """The lecture's claims, those of the literature, and those about this study's verdicts."""
    found: dict[str, list[dict]] = {"lecture": [], "literature": [], "study": []}
    for row in rows:
        found[{SOURCE: "lecture", OWN: "study"}.get(row["source"], "literature")].append(row)
    return found


def as_csv(claims: list[dict]) -> str:
    """A row a part."""
    table = []
    for row in claims:
        shared = {key: row[key] for key in ("id", "source", "place", "claim", "verdict")}
        for part in row["parts"]:
            ends = {
                f"{what}_{end}": value
                for what in ("region", "interval")
                for end, value in zip(("low", "high"), part[what] or (), strict=False)
            }
            kept = ("stated", "quantity", "variant", "against", "measured", "result")
            table.append(shared | {key: part[key] for key in kept} | ends)
    numbers = [f"{what}_{end}" for what in ("region", "interval") for end in ("low", "high")]
    columns = [*(column for column in table[0] if column not in numbers), *numbers]
    return pd.DataFrame(table, columns=columns).to_csv(index=False)


def as_markdown(claims: list[dict]) -> str:
    """claims.md: a table to read, and below it every claim with its parts."""
    template = environment(autoescape=False).get_template("claims.md")
    return template.render(sets=by_source(claims))
