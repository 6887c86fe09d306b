"""The one judge of all claims: what it asks of evidence, and how parts are measured."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from stages.analysis import initializations
from stages.analysis.claims.form import Claim, Explanation, Part, Verdict
from stages.analysis.initializations import PlanValues
from stages.analysis.quantities import Quantity, Unit
from stages.analysis.statistics import (
    CONFIDENCE,
    Estimate,
    Values,
    looks,
    t_interval,
    wilson_interval,
)

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


@dataclass(frozen=True)
class Judged:
    """A part with its measurement of a variant, after the number of `seeds` that decided it.

    `disagree`: seeds end so differently that no mean describes them. `together`: how many
    intervals of the claim hold at once.
    """

    part: Part
    variant: str
    against: str | None
    estimate: Estimate | None
    result: Verdict
    seeds: int
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
    judged = [measured(part, name, other, evidence, together) for part, name, other in pairs]
    results = [
        (part, result)
        for part in claim.parts
        for result in part.scope.united([one.result for one in judged if one.part is part])
    ]
    # Modesty is no merit of a claim that is refuted.
    refuted = any(result is Verdict.FAILS for _, result in results)
    count = [result for part, result in results if not (refuted and part.bounds)]
    why = [
        (one, estimate)
        for one in claim.why
        for name in only(initializations.find(evidence.plans, one.initialization))
        if not seeds_disagree(one.quantity, evidence, name)
        and (estimate := estimated(one.quantity, evidence, name)) is not None
        and one.region.low <= estimate.mean <= one.region.high
    ]
    return Judgement(claim, evidence, Verdict.of(count), tuple(judged), tuple(why))


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
    seeds, estimate, result = 0, None, Verdict.UNDECIDED
    if not disagree and not nothing:
        seeds, estimate, result = decided(part, quantity.values(evidence, name), quantity, together)
    if part.every and estimate:
        each = {part.region.judge(Estimate(v, v, v)) for v in quantity.values(evidence, name)}
        result = result if each == {result} else Verdict.UNDECIDED
    if part.bounds and result is Verdict.FAILS:
        result = Verdict.MORE
    return Judged(part, name, other, estimate, result, seeds, disagree, together)


def decided(
    part: Part, values: Values, quantity: Quantity, together: int
) -> tuple[int, Estimate | None, Verdict]:
    """The seeds that decide a part, with their estimate and result; else those of the last look.

    A mean over seeds is looked at by statistics.looks; anything else has one look.
    """
    for seeds, error in looks(len(values)) if quantity.has_mean else [(len(values), math.nan)]:
        estimate = of_values(values[:seeds], quantity, together, error)
        if (result := part.region.judge(estimate)) is not Verdict.UNDECIDED:
            break
    return seeds, estimate, result


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


def estimated(quantity: Quantity, evidence: Evidence, name: str) -> Estimate | None:
    """A quantity of a variant with its interval; None where it means nothing."""
    return of_values(quantity.values(evidence, name), quantity)


def of_values(
    values: Values, quantity: Quantity, together: int = 1, error: float = 1 - CONFIDENCE
) -> Estimate | None:
    """The estimate of a quantity from its values; None where one of them means nothing."""
    if not len(values) or not np.isfinite(values).all():
        return None
    if quantity.exact:
        value = float(quantity.exact(values))
        return Estimate(value, value, value)
    if quantity.draws:
        share = float(values.mean())
        return Estimate(share, *wilson_interval(share, len(values), together))
    return t_interval(values, together, error)
