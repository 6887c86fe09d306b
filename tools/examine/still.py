"""Findings about what never changes: equal units, zeros, dead units, and unused parts."""

from collections.abc import Iterator

from tools.examine.case import FAULT, HINT, Case, Finding, finding
from tools.examine.names import counted, places
from tools.examine.trial import Trial

# Limits of a fault; the first of two is that of a hint.
DEAD = 0.5, 0.75  # of a layer's units
EQUAL = 0.25  # of the units of a tensor
CUT, UNUSED = 0.1, 0.5  # of all trainable values


def equal_units(case: Case) -> Iterator[Finding]:
    lasts = [(answer, answer.last) for answer in case.trial.before.answers if answer.last]
    heads = {(name, last.channels) for _, last in lasts for name in last.parameters}
    # Classes that no example has are equal in a last layer of zeros, and do no harm.
    harmless = {
        (name, last.channels)
        for answer, last in lasts
        for name in last.parameters
        if answer.labels or last.channels == answer.columns
    }
    staying = [(e, n) for e, n in case.equal if n and (e.tensor, e.count) not in harmless]
    if staying:
        share = max(n / (equal.count - equal.whole) for equal, n in staying)
        undone = case.unlearns and all((e.tensor, e.count) in heads for e, _ in staying)
        severity = FAULT if share >= EQUAL and not undone else HINT
        kind = "tensors" if all(equal.whole for equal, _ in staying) else "units"
        names = [name for equal, _ in staying for name in equal.names]
        yield finding("equal_units/stay", severity, names, share, kind=kind)
    copies = [name for equal, n in case.equal if equal.whole and not n for name in equal.names]
    if copies:
        yield finding("equal_units/part", HINT, copies, len(copies))


def no_gradient(case: Case) -> Iterator[Finding]:
    stuck = [name for name in case.trial.stuck if name not in case.never]
    matrices = [name for name in stuck if case.initial[name].ndim > 1]
    zeros = [name for name in stuck if not case.initial[name].any()]
    zeros = [name for name in zeros if name in matrices or "bias" not in name]
    if stuck:
        key = "one" if not matrices else "zeros" if zeros else "lost"
        severity, where = FAULT if matrices else HINT, zeros or matrices or stuck
        yield finding(
            f"no_gradient/{key}", severity, where, len(stuck), steps=case.steps,
            zeros=places(zeros), count=counted(len(stuck), "tensor"),
        )  # fmt: skip
    if case.never:
        share, names = case.share(case.never), sorted(case.never)
        yield finding("no_gradient/never", FAULT if share > UNUSED else HINT, names, share)
    if case.resting:
        worst = max(case.resting.values())
        yield finding("no_gradient/slices", HINT, list(case.resting), worst)
    cut = [name for name in case.trial.missing if name in case.trial.before.met]
    if cut:
        share = case.share(cut)
        yield finding("no_gradient/cut", FAULT if share > CUT else HINT, cut, share)


def unused(case: Case) -> Iterator[Finding]:
    unused = [name for name in case.trial.missing if name not in case.trial.before.met]
    if unused:
        share = case.share(unused)
        yield finding("unused", FAULT if share > UNUSED else HINT, unused, share)


def lasting(trial: Trial, kind: str) -> dict[str, float]:
    """The largest share of a layer's activations of a kind, before and after the trial alike."""
    shares: dict[str, float] = {}
    for one, other in zip(trial.before.activations, trial.after.activations, strict=False):
        if one.kind == kind and not one.zeros:
            shares[one.after] = max(shares.get(one.after, 0.0), min(one.share, other.share))
    return shares


def dead_units(case: Case) -> Iterator[Finding]:
    shares = lasting(case.trial, "dead")
    for limit, severity in zip(DEAD[::-1], (FAULT, HINT), strict=True):
        if dead := [layer for layer, share in shares.items() if share > limit]:
            yield finding("dead_units", severity, dead, max(shares.values()))
            return
