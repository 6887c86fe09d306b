"""What a trial shows about the initialization: findings, the worst first."""

import math
import re
import statistics
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from torch import Tensor, nn

from tools.examine.equality import Equal
from tools.examine.tracing import Answer, Use, owner
from tools.examine.trial import Trial

FAULT, HINT = "fault", "hint"
# Causes before what they cause.
ORDER = (
    "not_finite", "input_scale", "equal_units", "dead_units", "no_gradient", "saturated",
    "exploding", "vanishing", "large_logits", "input_blind", "unused",
)  # fmt: skip

BLIND = 1e-3  # of the answers' size: how much they vary with the input after the first steps
LARGE, SMALL = 10, 0.02  # sizes of an input, as root mean squares
MIXED = 100  # times the median feature
GROWTH, GROWING = 1e3, 30  # of a signal or gradient, over all layers
FADING = 1e-4
SAME = 0.25  # of the units of a tensor
CUT = 0.1  # of the trainable parameters
DEAD, DYING = 0.75, 0.5
SATURATED = 0.5
CERTAIN = 0.9
THROUGH_TIME = 8  # uses of the same weights, from which they count as steps through time
FORGOTTEN = 1e-6


@dataclass(frozen=True)
class Finding:
    """One thing that keeps a network from learning (a fault), or that is worth a look (a hint)."""

    kind: str
    severity: str
    where: str
    number: float
    words: str


@dataclass(frozen=True)
class Case:
    """What is judged."""

    module: nn.Module
    initial: Mapping[str, Tensor]
    trial: Trial
    equal: list[tuple[Equal, int]]  # and how many of the slices stay equal

    @property
    def blindness(self) -> float | None:
        """How much the answers vary with the input after the first steps, as a share."""
        after = self.trial.after
        if after.examples < 2:
            return None
        shares = [a.varies / a.spread for a in after.answers if 0 < a.spread < math.inf]
        if not after.answers and after.uses:
            last = after.uses[-1]
            shares = [last.signal / last.size] if 0 < last.size < math.inf else []
        return max(shares, default=0.0 if after.uses else None)

    @property
    def is_blind(self) -> bool:
        return self.blindness is not None and self.blindness < BLIND

    @property
    def stuck(self) -> list[str]:
        """Tensors whose gradient stayed exactly 0."""
        known = self.trial.moved.keys() | self.trial.missing | self.trial.before.idle
        return [name for name in self.initial if name not in known]

    @property
    def chain(self) -> list[Use]:
        """Every layer's first product, in the order of computation."""
        first: dict[tuple[str, ...], Use] = {}
        for use in self.trial.before.uses:
            first.setdefault(use.parameters, use)
        return list(first.values())


def findings(case: Case) -> list[Finding]:
    """All findings, faults before hints and causes before their consequences."""
    found = [one for judge in JUDGES for one in judge(case)]
    harmed = {one.kind for one in found} & {"saturated", "exploding", "large_logits"}
    found += _input_scale(case, bool(harmed))
    return sorted(found, key=lambda one: (one.severity != FAULT, ORDER.index(one.kind)))


def _not_finite(case: Case) -> Iterator[Finding]:
    values = dict(case.module.named_parameters())
    broken = [name for name, tensor in values.items() if not tensor.isfinite().all()]
    if broken:
        words = "holds NaN or infinity before training. Initialize it again; memory of torch.empty or a meta device holds anything."
        yield Finding("not_finite", FAULT, places(broken), len(broken), words)
    elif not math.isfinite(case.trial.before.loss):
        place = case.trial.before.not_finite or "the loss"
        words = "The loss is not finite at the start: values overflow, or the batch holds NaN. This is the first layer whose outputs are not finite."
        yield Finding("not_finite", FAULT, place, case.trial.before.loss, words)
    elif bad := [n for n, (gradient, _) in case.trial.sizes.items() if not math.isfinite(gradient)]:
        words = "The loss is finite, and its gradient is not: look for a root, a logarithm or a division at 0."
        yield Finding("not_finite", FAULT, places(bad), len(bad), words)


def _equal_units(case: Case) -> Iterator[Finding]:
    heads = {name for answer in case.trial.before.answers for name in answer.last}
    stay, shares = [], []
    for equal, count in case.equal:
        head = equal.tensor in heads and equal.axis is not None
        if count and not (head and equal.count in {a.columns for a in case.trial.before.answers}):
            stay += equal.names or [equal.tensor]
            shares.append(count / (equal.count - (equal.axis is None)))
    if shares:
        share = max(shares)
        severity = FAULT if share >= SAME else HINT
        words = "units start equal, get equal gradients and stay equal, so together they count as one. Draw their initial values at random."
        yield Finding("equal_units", severity, places(stay), share, words)
    copies = [e for e, count in case.equal if e.axis is None and not count]
    if copies:
        names = [name for equal in copies for name in equal.names]
        words = "tensors start with the same random values. They part in training."
        yield Finding("equal_units", HINT, places(names), len(names), words)


def _no_gradient(case: Case) -> Iterator[Finding]:
    stuck = case.stuck
    matrices = [name for name in stuck if case.initial[name].ndim > 1]
    if stuck:
        words = "The gradient is exactly 0, and still 0 after the first steps."
        severity = FAULT if matrices else HINT
        yield Finding("no_gradient", severity, places(matrices or stuck), len(stuck), words)
    cut = [name for name in case.trial.missing if name in case.trial.before.met]
    if cut and (share := _share(case, cut)):
        words = "is used, but the loss's gradient does not get there: detach(), no_grad(), .data, argmax or a conversion to NumPy cuts it off."
        severity = FAULT if share > CUT else HINT
        yield Finding("no_gradient", severity, places(cut), share, words)


def _unused(case: Case) -> Iterator[Finding]:
    unused = [n for n in case.trial.missing if n not in case.trial.before.met]
    if unused:
        share = _share(case, unused)
        words = "is never used for this loss, so it never changes."
        severity = FAULT if share > 0.5 else HINT
        yield Finding("unused", severity, places(unused), share, words)


def _share(case: Case, names: Collection[str]) -> float:
    """Of all trainable numbers."""
    total = sum(tensor.numel() for tensor in case.initial.values())
    return sum(case.initial[name].numel() for name in names) / max(total, 1)


def _lasting(case: Case, kind: str) -> dict[str, tuple[float, bool]]:
    """The share of every layer's activations of a kind, the smaller of before and after."""
    shares: dict[str, tuple[float, bool]] = {}
    before, after = case.trial.before.activations, case.trial.after.activations
    for one, other in zip(before, after, strict=False):
        if one.kind == kind:
            share = min(one.share, other.share)
            if share >= shares.get(one.after, (0.0, False))[0]:
                shares[one.after] = share, one.zeros
    return shares


def _dead_units(case: Case) -> Iterator[Finding]:
    shares = {k: share for k, (share, zeros) in _lasting(case, "dead").items() if not zeros}
    for limit, severity in ((DEAD, FAULT), (DYING, HINT)):
        dead = [layer for layer, share in shares.items() if share > limit]
        if dead:
            worst = max(shares[layer] for layer in dead)
            words = "units are 0 for every example, so no gradient passes them. Start biases at 0, and weights at He's variance 2/fan_in."
            yield Finding("dead_units", severity, places(dead), worst, words)
            return


def _saturated(case: Case) -> Iterator[Finding]:
    for kind, limit, words in (
        ("saturated", SATURATED, "values are at the flat ends of tanh or sigmoid."),
        ("sure", CERTAIN, "attention gives nearly all weight to one entry."),
    ):
        shares = {k: share for k, (share, _) in _lasting(case, kind).items()}
        if full := [layer for layer, share in shares.items() if share > limit]:
            worst = max(shares[layer] for layer in full)
            yield Finding("saturated", FAULT, places(full), worst, words)


def trend(values: list[float]) -> float:
    """The factor by which values change from first to last, by the median slope (Theil and Sen)."""
    logs = [math.log(value) if value > 0 else -200.0 for value in values]
    pairs = combinations(range(len(logs)), 2)
    slopes = [(logs[j] - logs[i]) / (j - i) for i, j in pairs]
    return math.exp(min(statistics.median(slopes) * (len(logs) - 1), 700)) if slopes else 1.0


def _changes(case: Case) -> Iterator[tuple[str, float, int]]:
    """By what factor the signal changes through the layers, and the gradient on its way back."""
    chain = [use for use in case.chain if math.isfinite(use.signal)]
    if len(chain) > 1:
        yield "signal", trend([use.signal for use in chain]), len(chain)
    deltas = [use.delta for use in chain if use.delta is not None and math.isfinite(use.delta)]
    if len(deltas) > 1:
        yield "gradient", trend(deltas[::-1]), len(deltas)


def _exploding(case: Case) -> Iterator[Finding]:
    worst = max(_changes(case), key=lambda one: one[1], default=None)
    if worst and worst[1] >= GROWING:
        severity = FAULT if worst[1] >= GROWTH else HINT
        yield _changing(case, "exploding", severity, worst)
        return
    if time := [one for one in _through_time(case) if one[1] >= GROWTH]:
        words = "The gradient grows from step to step of the sequence."
        yield Finding("exploding", FAULT, places([time[0][0]]), time[0][1], words)


def _vanishing(case: Case) -> Iterator[Finding]:
    worst = min(_changes(case), key=lambda one: one[1], default=None)
    if worst and worst[1] <= FADING:
        yield _changing(case, "vanishing", FAULT if case.is_blind else HINT, worst)
        return
    if time := [one for one in _through_time(case) if one[1] <= FORGOTTEN]:
        words = "The gradient shrinks from step to step of the sequence, so that early steps hardly count."
        yield Finding("vanishing", HINT, places([time[0][0]]), time[0][1], words)


def _changing(case: Case, kind: str, severity: str, change: tuple[str, float, int]) -> Finding:
    what, factor, count = change
    layer = factor ** (1 / (count - 1))
    words = f"The {what} changes by a factor of {layer:.2g} a layer, {factor:.1e} over {count} layers."
    return Finding(kind, severity, places([owner(u.parameters[-1]) for u in case.chain]), layer, words)


def _through_time(case: Case) -> Iterator[tuple[str, float]]:
    """How the gradient at the same weights changes from the last step of a sequence to the first."""
    steps: dict[tuple[str, ...], list[float]] = {}
    for use in case.trial.before.uses:
        if use.delta is not None:
            steps.setdefault(use.parameters, []).append(use.delta)
    for names, deltas in steps.items():
        if len(deltas) >= THROUGH_TIME and deltas[-1] > 0:
            yield names[-1], deltas[0] / deltas[-1]


def _large_logits(case: Case) -> Iterator[Finding]:
    for answer in case.trial.before.answers:
        ratio, severity = _excess(answer, case.trial.before.loss)
        if severity:
            words = f"The loss at the start is {answer.loss:.3g}, that of guessing {answer.guess:.3g}: the network is sure of answers that it has no reason for."
            place = places([owner(answer.last[-1])]) if answer.last else "the answers"
            yield Finding("large_logits", severity, place, ratio, words)
            return


def _excess(answer: Answer, loss: float) -> tuple[float, str | None]:
    """The loss at the start over that of guessing, and whether that is much."""
    if answer.kind == "squares":
        ratio = answer.size / max(answer.target, 1e-3)
        return ratio, FAULT if ratio > 10 else HINT if ratio > 3 else None
    found = answer.loss if math.isfinite(answer.loss) else loss
    excess, ratio = found - answer.guess, found / answer.guess
    if excess > max(2 * answer.guess, 3):
        return ratio, FAULT
    return ratio, HINT if excess > answer.guess else None


def _input_blind(case: Case) -> Iterator[Finding]:
    share = case.blindness
    if share is not None and share < 10 * BLIND:
        words = "The answer hardly depends on the input, and the first steps do not mend it."
        severity = FAULT if share < BLIND else HINT
        yield Finding("input_blind", severity, "the answers", share, words)


def _input_scale(case: Case, harmed: bool) -> Iterator[Finding]:
    for use in case.chain:
        if use.given is None:
            continue
        given, place = use.given, places([owner(use.parameters[-1])])
        if given.size > LARGE:
            words = "The input is large. Normalize it to a mean of 0 and a variance of 1."
            yield Finding("input_scale", FAULT if harmed else HINT, place, given.size, words)
        elif given.size < SMALL:
            words = "The input is small. Normalize it to a mean of 0 and a variance of 1."
            yield Finding("input_scale", FAULT if case.is_blind else HINT, place, given.size, words)
        else:
            continue
        return


JUDGES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _not_finite, _equal_units, _no_gradient, _unused, _dead_units, _saturated, _exploding,
    _vanishing, _large_logits, _input_blind,
)  # fmt: skip


def places(names: Iterable[str]) -> str:
    """Names in one line: those that differ in numbers alone with a *, and the first three."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(re.sub(r"(?<![^.])\d+(?![^.])", "*", name), []).append(name)
    shown = [
        one for pattern, names in groups.items()
        for one in ([f"{pattern} ({len(names)})"] if len(names) > 3 else names)
    ]  # fmt: skip
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more
