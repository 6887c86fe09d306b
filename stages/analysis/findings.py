"""What a rule finds."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from stages.analysis.statistics import Estimate

CLEARLY = 0.10  # this far below the baseline is bad, as accuracies on MNIST go
SAME = 0.01  # within this of the baseline: as good for all that the lecture says


class Verdict(Enum):
    """What a claim is worth."""

    HOLDS = "holds"
    CORRECTED = "holds with a correction"
    FAILS = "does not hold"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Finding:
    """A verdict, the number it rests on with its interval over seeds, and what tells why.

    `facts` are what templates/claims.jinja makes sentences of.
    """

    verdict: Verdict
    measured: Estimate | None
    facts: dict[str, Any]
