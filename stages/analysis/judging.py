"""The one judge of all claims: what it asks of evidence, and how parts are measured."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from stages.analysis import initializations
from stages.analysis.claims.form import Claim, Explanation, Part, Verdict
from stages.analysis.initializations import PlanValues
from stages.analysis.quantities import Quantity, Unit
from stages.analysis.statistics import Estimate, t_interval, wilson_interval

MIN_SEEDS = 3  # fewer can agree by chance, and then have an interval without width


class Evidence(Protocol):
    """What the judge needs of trained networks, whether variants or the lines of heat maps.

    `plans` and `labels` are by name; quantities take the evidence and a name.
    """

    @property
    def plans(self) -> Mapping[str, PlanValues]: ...

    @property
    def labels(self) -> Mapping[str, str]: ...

    def ends(self, name: str, /) -> Counter[str]:
        """How many seeds end how: `learns`, `stuck`, `diverges`."""

    def agree(self, name: str, /) -> bool:
        """Whether a mean describes all seeds."""

    def figure(self, name: str, /) -> str | None:
        """The figure that shows it, where the claim names none."""


@dataclass(frozen=True)
class Judged:
    """A part with its measurement: of `variant`, or of the best of several.

    `disagree`: seeds end so differently that no mean describes them. `together`: how many
    intervals of the claim hold at once.
    """

    part: Part
    variant: str
    against: str | None
    estimate: Estimate | None
    result: Verdict
    disagree: bool
    together: int


@dataclass(frozen=True)
class Judgement:
    """A claim with its verdict, and the evidence; `missing` explains why it is not tested."""

    claim: Claim
    evidence: Evidence
    verdict: Verdict
    parts: tuple[Judged, ...] = ()
    why: tuple[tuple[Explanation, Estimate], ...] = ()
    missing: Mapping[str, Any] | None = None


def audit(claims: Iterable[Claim], evidence: Evidence) -> list[Judgement]:
    """Every claim with its verdict."""
    return [judge(claim, evidence) for claim in claims]


def judge(claim: Claim, evidence: Evidence) -> Judgement:
    """A claim's verdict."""
    if missing := untested(claim, evidence):
        return Judgement(claim, evidence, Verdict.UNTESTED, missing=missing)
    pairs = [(part, *case) for part in claim.parts for case in cases(part, evidence)]
    # The parts of a claim share its 5 %: so many intervals have to hold at once.
    together = sum(part.quantity.exact is None for part, _, _ in pairs)
    each = [measured(part, name, other, evidence, together) for part, name, other in pairs]
    judged: list[Judged] = []
    for part in claim.parts:
        own = [one for one in each if one.part is part]
        judged += [best_of(own)] if part.best else own
    why = [
        (one, estimate)
        for one in claim.why
        for name in only(initializations.find(evidence.plans, one.initialization))
        if not seeds_disagree(one.quantity, evidence, name)
        and (estimate := estimated(one.quantity, evidence, name)) is not None
        and one.region.low <= estimate.mean <= one.region.high
    ]
    found = Verdict.of([one.result for one in judged])
    return Judgement(claim, evidence, found, tuple(judged), tuple(why))


def only(names: list[str]) -> list[str]:
    """The one name that there is: a sentence about several would be true of one."""
    return names if len(names) == 1 else []


def untested(claim: Claim, evidence: Evidence) -> dict[str, Any]:
    """Why a claim cannot be judged; empty if it can."""
    needed = [*claim.needs, *(part.initialization for part in claim.parts)]
    needed += [part.against for part in claim.parts if part.against]
    seeds = []
    for initialization in needed:
        found = initializations.find(evidence.plans, initialization)
        if not found:
            nearest = initializations.nearest(evidence.plans, initialization)
            return {"initialization": initialization, "nearest": nearest}
        seeds += [evidence.plans[name]["seeds"] for name in found]
    return {"seeds": min(seeds), "needed": MIN_SEEDS} if min(seeds) < MIN_SEEDS else {}


def cases(part: Part, evidence: Evidence) -> list[tuple[str, str | None]]:
    """The variants that a part is about, each with the one that it is compared with."""
    names = initializations.find(evidence.plans, part.initialization)
    if part.against is None:
        return [(name, None) for name in names]
    others = initializations.find(evidence.plans, part.against)
    return [(name, other) for name in names for other in others if name != other]


def measured(part: Part, name: str, other: str | None, evidence: Evidence, together: int) -> Judged:
    """A part, measured on one variant."""
    quantity = part.quantity.minus(other) if other else part.quantity
    disagree = any(seeds_disagree(quantity, evidence, one) for one in (name, other) if one)
    nothing = other and part.against_learns and not evidence.ends(other)["learns"]
    estimate = None
    if not disagree and not nothing:
        estimate = estimated(quantity, evidence, name, together)
    result = part.region.judge(estimate)
    if part.every and estimate:
        seeds = {part.region.judge(Estimate(v, v, v)) for v in quantity.values(evidence, name)}
        result = result if seeds == {result} else Verdict.UNDECIDED
    return Judged(part, name, other, estimate, result, disagree, together)


def seeds_disagree(quantity: Quantity, evidence: Evidence, name: str) -> bool:
    """Whether seeds end so that the quantity does not describe them.

    Before training they cannot, and a count of seeds describes any. A seed that diverges has no
    other numbers.
    """
    if quantity.before or quantity.unit is Unit.SEEDS:
        return False
    if quantity.exact:
        return "diverges" in evidence.ends(name)
    return not evidence.agree(name)


def estimated(
    quantity: Quantity, evidence: Evidence, name: str, together: int = 1
) -> Estimate | None:
    """A quantity of a variant with its interval; None where it means nothing."""
    values = quantity.values(evidence, name)
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
    if top.part.every and result is Verdict.HOLDS and any(one.result is not result for one in each):
        result = Verdict.UNDECIDED
    unknown = [one for one in each if one.estimate is None]
    if unknown and not (result is Verdict.FAILS and estimate.low > top.part.region.high):
        return unknown[0]
    return replace(top, estimate=estimate, result=result)
