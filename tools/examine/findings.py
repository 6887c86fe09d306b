"""What a trial shows about the initialization: findings, the worst first."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from tools.examine import sizes, still
from tools.examine.case import FAULT, HINT, Case, Finding

# Causes before what they cause.
ORDER = (
    "not_finite", "input_scale", "equal_units", "dead_units", "saturated", "no_gradient",
    "exploding", "vanishing", "large_logits", "input_blind", "unused",
)  # fmt: skip

# Faults that the first steps can undo.
UNLEARNABLE = {"input_scale", "exploding", "large_logits"}

Judge = Callable[[Case], Iterable[Finding]]
AT_THE_START: tuple[Judge, ...] = (
    sizes.not_finite, sizes.input_scale, sizes.exploding, sizes.large_logits,
)  # fmt: skip
JUDGES: tuple[Judge, ...] = (
    *AT_THE_START, sizes.saturated, sizes.vanishing, sizes.small_gains, sizes.input_blind,
    still.equal_units, still.no_gradient, still.unused, still.dead_units,
)  # fmt: skip


def findings(case: Case) -> list[Finding]:
    """All findings, faults before hints and causes before their consequences."""
    judges = JUDGES if case.trial.steps else AT_THE_START
    found = [one for judge in judges for one in judge(case)]
    if case.unlearns:
        found = [replace(f, severity=HINT) if f.kind in UNLEARNABLE else f for f in found]
    return sorted(found, key=lambda one: (one.severity != FAULT, ORDER.index(one.kind)))
