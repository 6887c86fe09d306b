"""The form of a claim: parts with a quantity and a region each, and explanations.

A claim is a conjunction of parts. The verdict follows from the parts and nothing else.
"""

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from stages.analysis.initializations import Initialization
from stages.analysis.quantities import Quantity
from stages.analysis.statistics import Estimate

ROUNDING = 1e-9  # of a difference of accuracies, which are multiples of 1e-4


class Verdict(Enum):
    """Whether a claim holds; of a part only HOLDS, FAILS, UNDECIDED, and MORE than it claims."""

    HOLDS = "holds"
    UNDERSTATED = "holds, understated"
    IN_PART = "holds in part"
    FAILS = "does not hold"
    UNDECIDED = "undecided"
    UNTESTED = "not tested"
    MORE = "more than claimed"

    @classmethod
    def of(cls, results: Collection["Verdict"]) -> "Verdict":
        """The verdict that follows from the parts' results: a claim is their conjunction.

        One part that does not hold refutes it, whatever is undecided beside it.
        """
        found = set(results)
        if cls.FAILS in found:
            return cls.IN_PART if found & {cls.HOLDS, cls.MORE} else cls.FAILS
        if cls.UNDECIDED in found or not found:
            return cls.UNDECIDED
        return cls.UNDERSTATED if cls.MORE in found else cls.HOLDS


class Scope(Enum):
    """What a part states of the variants that it is about."""

    EACH = "each"  # is a part of its own
    ALL = "all"  # of them: one refutes it
    HALF = "half"  # of them, at least

    def united(self, results: Collection[Verdict]) -> list[Verdict]:
        """The results that go into the verdict."""
        count = Counter(results)
        holds, fails = count[Verdict.HOLDS], count[Verdict.FAILS]
        match self:
            case Scope.ALL if fails:
                return [Verdict.FAILS]
            case Scope.HALF if 2 * holds >= len(results):
                return [Verdict.HOLDS]
            case Scope.HALF:
                return [Verdict.FAILS if 2 * fails > len(results) else Verdict.UNDECIDED]
        return list(results)


@dataclass(frozen=True)
class Region:
    """All numbers between two ends. The ends themselves decide nothing."""

    low: float = -math.inf
    high: float = math.inf

    def judge(self, estimate: Estimate | None) -> Verdict:
        """Whether an interval lies inside, outside, or neither."""
        if estimate is None or not all(map(math.isfinite, estimate)):
            return Verdict.UNDECIDED
        if self.low < estimate.low - ROUNDING and estimate.high + ROUNDING < self.high:
            return Verdict.HOLDS
        if estimate.high + ROUNDING < self.low or self.high < estimate.low - ROUNDING:
            return Verdict.FAILS
        return Verdict.UNDECIDED


NONE = Region(high=0.5)  # of a count
# Of a share of the seeds.
EVERY, SOME = Region(low=1 - 1e-6), Region(low=1e-6)
NOT_EVERY = Region(high=1 - 1e-6)


@dataclass(frozen=True)
class Part:
    """The region in which a claim puts a quantity of an initialization, or its difference
    `against` another.

    It is about all variants with that initialization, as its `scope` says. With `every`, no seed
    may disagree with the mean. A part that `bounds` the claim is modesty: a measurement outside is
    more than was claimed. A network that learned nothing is compared with only if `against_learns`
    is False. `stated` repeats the claim.
    """

    stated: str
    initialization: Initialization
    quantity: Quantity
    region: Region
    against: Initialization | None = None
    against_learns: bool = True
    every: bool = False
    scope: Scope = Scope.EACH
    bounds: bool = False


@dataclass(frozen=True)
class Explanation:
    """A sentence with one measured number that explains a claim; it is never judged.

    It is shown if the number is in the region for which the sentence is true.
    """

    words: str
    initialization: Initialization
    quantity: Quantity
    region: Region = Region()


@dataclass(frozen=True)
class Claim:
    """One claim, its place in its source, its parts, and its explanations.

    Without the initializations in `needs` and in its parts it is not tested; `figure` names one
    that shows it.
    """

    id: str
    source: str
    place: str
    claim: str
    parts: tuple[Part, ...]
    why: tuple[Explanation, ...]
    needs: tuple[Initialization, ...]
    figure: str | None


def claim(
    id: str,
    place: tuple[str, str],
    words: str,
    *content: Part | Explanation | Initialization,
    figure: str | None = None,
) -> Claim:
    """A claim with its parts and explanations, and the initializations that it needs.

    `place` is its source and the place there.
    """
    parts = tuple(one for one in content if isinstance(one, Part))
    why = tuple(one for one in content if isinstance(one, Explanation))
    needs = tuple(one for one in content if isinstance(one, Initialization))
    return Claim(id, *place, words, parts, why, needs, figure)
