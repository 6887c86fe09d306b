"""How a claim is judged: its form, and the one judge of all claims.

A claim is a conjunction of parts. A part is one quantity of one start, and the region of the
number line in which the claim puts it. The verdict follows from the parts and nothing else.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from stages.analysis import starts
from stages.analysis.quantities import Quantity, Unit
from stages.analysis.results import Results
from stages.analysis.starts import Start
from stages.analysis.statistics import Estimate, t_interval, wilson_interval
from stages.analysis.study import Study

MIN_SEEDS = 3  # fewer can agree by chance, and then have an interval without width


class Result(Enum):
    """What became of a part."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"


class Verdict(Enum):
    """What a claim is worth."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    FAILS = "does not hold"
    UNDECIDED = "undecided"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Region:
    """All numbers between two ends. The ends themselves decide nothing."""

    low: float = -math.inf
    high: float = math.inf

    def judge(self, estimate: Estimate | None) -> Result:
        """Whether an interval lies inside, outside, or neither."""
        if estimate is None or not all(map(math.isfinite, estimate)):
            return Result.UNDECIDED
        if self.low < estimate.low - ROUNDING and estimate.high + ROUNDING < self.high:
            return Result.HOLDS
        if estimate.high + ROUNDING < self.low or self.high < estimate.low - ROUNDING:
            return Result.FAILS
        return Result.UNDECIDED


ROUNDING = 1e-9  # of a difference of accuracies, which are multiples of 1e-4
NONE = Region(high=0.5)  # of what is counted
EVERY = Region(low=1 - 1e-6)  # of a share of the seeds


@dataclass(frozen=True)
class Part:
    """What a claim says of a quantity of a start, or of its difference `against` another start.

    Every variant with that start has to be so; or, where it is the `best`, the one with the
    highest value. Where it is about `every` seed, none may be on the other side than their mean.
    With a network that learned nothing there is no comparison, unless `against_learns` is False.
    `stated` is what the claim says; `holds` what is said of the outcome, and `fails` if that has
    other words: {start}, {against}, {measured}, {side} (above or below the region) and
    {commonest} are filled in.
    """

    start: Start
    quantity: Quantity
    region: Region
    stated: str
    holds: str
    fails: str = ""
    against: Start | None = None
    against_learns: bool = True
    every: bool = False
    best: bool = False


@dataclass(frozen=True)
class Reason:
    """A sentence that tells why, with one measured number in it; never judged.

    It is told where the number is in the region for which it is true.
    """

    words: str
    start: Start
    quantity: Quantity
    region: Region = Region()


@dataclass(frozen=True)
class Claim:
    """One claim, where its source makes it, its parts, and what shows why.

    `needs` are starts without which it is not tested, beside those of its parts; `figure`
    names one that shows it.
    """

    id: str
    source: str
    place: str
    claim: str
    parts: tuple[Part, ...]
    figure: str | None = None
    why: tuple[Reason, ...] = ()
    needs: tuple[Start, ...] = ()


@dataclass(frozen=True)
class Judged:
    """A part with what was measured: of `variant`, or of the best of several.

    `parted` tells that seeds part ways, so that no mean describes them; `together`, with how
    many intervals of the claim this one holds at once.
    """

    part: Part
    variant: str
    against: str | None
    estimate: Estimate | None
    result: Result
    parted: bool
    together: int


@dataclass(frozen=True)
class Judgement:
    """A claim with its verdict; `missing` tells why it is not tested."""

    claim: Claim
    verdict: Verdict
    parts: tuple[Judged, ...]
    why: tuple[tuple[Reason, Estimate], ...]
    missing: dict[str, Any]


def verdict(results: Collection[Result]) -> Verdict:
    """What the parts come to.

    Whatever widens a part's interval can only move this towards undecided.
    """
    found = set(results)
    if {Result.HOLDS, Result.FAILS} <= found:
        return Verdict.IN_PART
    if len(found) == 1:
        return {
            Result.HOLDS: Verdict.HOLDS,
            Result.FAILS: Verdict.FAILS,
            Result.UNDECIDED: Verdict.UNDECIDED,
        }[found.pop()]
    return Verdict.UNDECIDED


def audit(claims: Iterable[Claim], study: Study, results: Results) -> list[Judgement]:
    """Every claim with its verdict."""
    return [judge(claim, study, results) for claim in claims]


def judge(claim: Claim, study: Study, results: Results) -> Judgement:
    """A claim's verdict."""
    missing = untested(claim, study)
    if missing:
        return Judgement(claim, Verdict.UNTESTED, (), (), missing)
    pairs = [cases(part, study) for part in claim.parts]
    # The parts of a claim share its 5 %: so many intervals have to hold at once.
    together = sum(
        len(own)
        for part, own in zip(claim.parts, pairs, strict=True)
        if part.quantity.exact is None
    )
    judged: list[Judged] = []
    for part, own in zip(claim.parts, pairs, strict=True):
        each = [measured(part, variant, other, results, together) for variant, other in own]
        judged += [best_of(each)] if part.best else each
    why = [
        (reason, estimate)
        for reason in claim.why
        for variant in only(starts.find(study, reason.start))
        if not parts_ways(reason.quantity, results, variant)
        and (estimate := estimated(reason.quantity, results, variant)) is not None
        and reason.region.low <= estimate.mean <= reason.region.high
    ]
    found = verdict([one.result for one in judged])
    return Judgement(claim, found, tuple(judged), tuple(why), {})


def only(variants: list[str]) -> list[str]:
    """The one variant that there is: a sentence about several would be true of one."""
    return variants if len(variants) == 1 else []


def quantity(part: Part) -> str:
    """What is judged, in words."""
    if part.against is None:
        return part.quantity.name
    other, setting = part.against.words, part.against.setting
    where = "" if setting is part.start.setting else f", with {setting.words}"
    return f"{part.quantity.name}, minus that of {other}{where}"


def untested(claim: Claim, study: Study) -> dict[str, Any]:
    """Why a claim cannot be judged, if it cannot."""
    needed = [*claim.needs, *(part.start for part in claim.parts)]
    needed += [part.against for part in claim.parts if part.against]
    seeds = []
    for start in needed:
        found = starts.find(study, start)
        if not found:
            return {"start": start, "nearest": starts.nearest(study, start)}
        seeds += [study.variants[variant].plan["seeds"] for variant in found]
    return {"seeds": min(seeds), "needed": MIN_SEEDS} if min(seeds) < MIN_SEEDS else {}


def cases(part: Part, study: Study) -> list[tuple[str, str | None]]:
    """The variants that a part is about, each with the one that it is compared with."""
    variants = starts.find(study, part.start)
    if part.against is None:
        return [(variant, None) for variant in variants]
    others = starts.find(study, part.against)
    return [(variant, other) for variant in variants for other in others if variant != other]


def measured(
    part: Part, variant: str, other: str | None, results: Results, together: int
) -> Judged:
    """A part as one variant has it."""
    quantity = part.quantity.minus(other) if other else part.quantity
    parted = any(parts_ways(quantity, results, name) for name in (variant, other) if name)
    nothing = other and part.against_learns and not results.ended(other, "learns").any()
    estimate = None
    if not parted and not nothing:
        estimate = estimated(quantity, results, variant, together)
    result = part.region.judge(estimate)
    if part.every and estimate:
        seeds = {part.region.judge(Estimate(v, v, v)) for v in quantity.values(results, variant)}
        result = result if seeds == {result} else Result.UNDECIDED
    return Judged(part, variant, other, estimate, result, parted, together)


def parts_ways(quantity: Quantity, results: Results, variant: str) -> bool:
    """Whether seeds end so that the quantity does not describe them.

    It does before training, and if it counts seeds. A seed that diverges has no other numbers.
    """
    if quantity.before or quantity.unit is Unit.SEEDS:
        return False
    if quantity.exact:
        return "diverges" in results.ends(variant)
    return not results.alike(variant)


def estimated(
    quantity: Quantity, results: Results, variant: str, together: int = 1
) -> Estimate | None:
    """A quantity of a variant with its interval; None where it means nothing."""
    values = quantity.values(results, variant)
    if not len(values) or not np.isfinite(values).all():
        return None
    if quantity.exact:
        value = float(quantity.exact(values))
        return Estimate(value, value, value)
    if quantity.draws:
        share = float(values.mean())
        return Estimate(share, *wilson_interval(share, len(values), together))
    return t_interval(values, together)


def best_of(each: list[Judged]) -> Judged:
    """The best of several as one part.

    It lies between the highest lower end and the highest upper end, since the intervals hold at
    once. Where one of them is not known, the best can still be higher.
    """
    known = [(one.estimate, one) for one in each if one.estimate]
    if not known:
        return each[0]
    _, top = max(known, key=lambda pair: pair[0])
    ends = zip(*(estimate for estimate, _ in known), strict=True)
    estimate = Estimate(*map(max, ends))
    result = top.part.region.judge(estimate)
    if top.part.every and result is Result.HOLDS and any(one.result is not result for one in each):
        result = Result.UNDECIDED
    unknown = [one for one in each if one.estimate is None]
    if unknown and not (result is Result.FAILS and estimate.low > top.part.region.high):
        return unknown[0]
    return replace(top, estimate=estimate, result=result)
