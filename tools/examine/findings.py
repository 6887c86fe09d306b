"""What a trial shows about the initialization: findings, the worst first."""

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from torch import Tensor, nn

from tools.examine.equality import Equal
from tools.examine.names import counted, owner, percent, places, shown
from tools.examine.tracing import Use
from tools.examine.trial import STEPS, Trial
from tools.examine.words import WORDS

FAULT, HINT = "fault", "hint"
# Causes before what they cause.
ORDER = (
    "not_finite", "input_scale", "equal_units", "dead_units", "saturated", "no_gradient",
    "exploding", "vanishing", "large_logits", "input_blind", "unused",
)  # fmt: skip

# Faults that the first steps can undo.
UNLEARNABLE = {"input_scale", "exploding", "large_logits"}

# Limits of a hint and of a fault.
DEAD = 0.5, 0.75  # of a layer's units
SATURATED, SURE = (0.6, 0.6), (0.6, 0.9)  # of a layer's values, of its rows
GROWTH, FADING = (30, 1e3), 1e-4  # of a signal or gradient through all layers
THROUGH_TIME = 1e-6, 1e3  # of a gradient through a sequence
BLIND = 1e-2, 3e-3  # of the answers' size: how much they vary with the input after the trial
STALLED = 0.05  # of the loss at the start: how far it falls at least
LARGE, SMALL = 10, 0.02  # size of the input
PASSED_ON = 3  # size of what the first layer makes of a large input
EQUAL = 0.25  # of the units of a tensor: a fault
CUT, UNUSED = 0.1, 0.5  # of all trainable values: a fault
OVERSIZED = 3, 10  # outputs over targets
MUCH = 100, 10  # a loss, and how many times it falls in the trial
UNLEARNED = 0.5  # of the loss of guessing
FALLEN = 0.6  # of the loss, in the trial: saturated values then do little harm
UNMOVED = 1e-16  # gradient of a value, which no optimizer follows
SEQUENCE = 8  # uses of the same weights, from which they are steps of a sequence


@dataclass(frozen=True)
class Finding:
    """Something that keeps a network from learning (a fault), or that is worth a look (a hint)."""

    kind: str
    severity: str
    where: str
    number: float
    words: str


@dataclass(frozen=True)
class Case:
    """What is judged.

    `equal` has how many of the equal slices stay equal, `never` the tensors that would have no
    gradient with any initialization, `resting` the share of a tensor's slices that never moved.
    """

    module: nn.Module
    initial: Mapping[str, Tensor]
    trial: Trial
    equal: list[tuple[Equal, int]]
    never: set[str]
    resting: Mapping[str, float]

    @property
    def blindness(self) -> float | None:
        """How much the answers vary with the input after the trial; None with one example."""
        after = self.trial.after
        if after.examples < 2:
            return None
        sizes = [(answer.varies, answer.spread) for answer in after.answers]
        sizes = sizes or [(use.signal, use.size) for use in after.uses if use.rows > 1][-1:]
        return max((v / size for v, size in sizes if 0 < size < math.inf), default=0.0)

    @property
    def is_blind(self) -> bool:
        return self.blindness is not None and self.blindness < BLIND[1]

    @property
    def is_stalled(self) -> bool:
        """Whether the loss hardly falls in a whole trial."""
        losses = self.trial.losses
        return self.trial.steps >= STEPS // 2 and losses[0] - losses[-1] < STALLED * abs(losses[0])

    @property
    def unlearns(self) -> bool:
        """Whether the loss falls far below that of guessing within the trial."""
        guesses = [answer.guess for answer in self.trial.before.answers]
        return bool(guesses) and self.trial.losses[-1] < UNLEARNED * min(guesses)

    @property
    def chain(self) -> list[Use]:
        """Every layer's first product, in the order of computation."""
        first: dict[tuple[str, ...], Use] = {}
        for use in self.trial.before.uses:
            first.setdefault(use.parameters, use)
        return list(first.values())

    @property
    def steps(self) -> str:
        return counted(self.trial.steps, "step")

    def share(self, names: Collection[str]) -> float:
        """How many of all trainable values these tensors hold."""
        total = sum(tensor.numel() for tensor in self.initial.values())
        return sum(self.initial[name].numel() for name in names) / max(total, 1)


def findings(case: Case) -> list[Finding]:
    """All findings, faults before hints and causes before their consequences."""
    judges = JUDGES if case.trial.steps else AT_THE_START
    found = [one for judge in judges for one in judge(case)]
    if case.unlearns:
        found = [replace(f, severity=HINT) if f.kind in UNLEARNABLE else f for f in found]
    return sorted(found, key=lambda one: (one.severity != FAULT, ORDER.index(one.kind)))


def _finding(
    key: str, severity: str, where: Collection[str] | str, number: float, **values: Any
) -> Finding:
    """With the words of a key, whose part before a slash is the kind."""
    place = where if isinstance(where, str) else places(map(owner, where))
    known = {"where": place, "number": shown(number), "share": percent(number)}
    known["count"] = counted(len(where), "tensor")
    words = " ".join(WORDS[key]).format_map(known | values)
    return Finding(key.partition("/")[0], severity, place, number, words)


def _not_finite(case: Case) -> Iterator[Finding]:
    named = case.module.named_parameters()
    broken = [name for name, tensor in named if not tensor.isfinite().all()]
    before = case.trial.before
    slopes = [name for name, slope in case.trial.slopes.items() if not math.isfinite(slope)]
    if broken:
        yield _finding("not_finite/parameters", FAULT, broken, len(broken))
    elif not math.isfinite(before.loss):
        yield _finding("not_finite/loss", FAULT, before.not_finite or "the loss", before.loss)
    elif slopes:
        yield _finding("not_finite/gradient", FAULT, slopes, len(slopes))
    elif not math.isfinite(end := case.trial.losses[-1]):
        yield _finding("not_finite/steps", HINT, "the loss", end, steps=case.steps)


def _equal_units(case: Case) -> Iterator[Finding]:
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
        yield _finding("equal_units/stay", severity, names, share, kind=kind)
    copies = [name for equal, n in case.equal if equal.whole and not n for name in equal.names]
    if copies:
        yield _finding("equal_units/part", HINT, copies, len(copies))


def _no_gradient(case: Case) -> Iterator[Finding]:
    stuck = [name for name in case.trial.stuck if name not in case.never]
    matrices = [name for name in stuck if case.initial[name].ndim > 1]
    zeros = [name for name in stuck if not case.initial[name].any()]
    zeros = [name for name in zeros if name in matrices or "bias" not in name]
    if stuck:
        key = "one" if not matrices else "zeros" if zeros else "lost"
        severity, where = FAULT if matrices else HINT, zeros or matrices or stuck
        yield _finding(
            f"no_gradient/{key}", severity, where, len(stuck), steps=case.steps,
            zeros=places(zeros), count=counted(len(stuck), "tensor"),
        )  # fmt: skip
    if case.never:
        share, names = case.share(case.never), sorted(case.never)
        yield _finding("no_gradient/never", FAULT if share > UNUSED else HINT, names, share)
    if case.resting:
        worst = max(case.resting.values())
        yield _finding("no_gradient/slices", HINT, list(case.resting), worst)
    cut = [name for name in case.trial.missing if name in case.trial.before.met]
    if cut:
        share = case.share(cut)
        yield _finding("no_gradient/cut", FAULT if share > CUT else HINT, cut, share)


def _unused(case: Case) -> Iterator[Finding]:
    unused = [name for name in case.trial.missing if name not in case.trial.before.met]
    if unused:
        share = case.share(unused)
        yield _finding("unused", FAULT if share > UNUSED else HINT, unused, share)


def lasting(trial: Trial, kind: str) -> dict[str, float]:
    """The largest share of a layer's activations of a kind, before and after the trial alike."""
    shares: dict[str, float] = {}
    for one, other in zip(trial.before.activations, trial.after.activations, strict=False):
        if one.kind == kind and not one.zeros:
            shares[one.after] = max(shares.get(one.after, 0.0), min(one.share, other.share))
    return shares


def _dead_units(case: Case) -> Iterator[Finding]:
    shares = lasting(case.trial, "dead")
    for limit, severity in zip(DEAD[::-1], (FAULT, HINT), strict=True):
        if dead := [layer for layer, share in shares.items() if share > limit]:
            yield _finding("dead_units", severity, dead, max(shares.values()))
            return


def _saturated(case: Case) -> Iterator[Finding]:
    for kind, (hint, fault) in (("flat", SATURATED), ("softmax", SURE)):
        shares = lasting(case.trial, kind)
        if full := [layer for layer, share in shares.items() if share > hint]:
            worst = max(shares.values())
            fallen = 1 - case.trial.losses[-1] / case.trial.losses[0]
            severity = FAULT if worst > fault and not FALLEN < fallen <= 1 else HINT
            yield _finding(f"saturated/{kind}", severity, full, worst)


def trend(values: list[float]) -> float:
    """The factor by which values change from first to last, by the median slope (Theil and Sen)."""
    logs = [math.log(value) for value in values]
    pairs = combinations(range(len(logs)), 2)
    slope = statistics.median((logs[j] - logs[i]) / (j - i) for i, j in pairs)
    return math.exp(min(slope * (len(logs) - 1), 700))


def _changes(case: Case) -> Iterator[tuple[float, str, int]]:
    """By what factor the signal changes through the layers, and the gradient on its way back."""
    signals = [use.signal for use in case.chain]
    deltas = [use.delta or 0.0 for use in case.chain][::-1]
    for what, values in (("signal", signals), ("gradient", deltas)):
        known = [value for value in values if 0 < value < math.inf]  # zeros have another cause
        if len(known) > 1:
            yield trend(known), what, len(known)


def _through_time(case: Case, large: bool = False) -> dict[str, float]:
    """How the gradient changes from the last step of a sequence to the first, by weights.

    `large`: where it ends larger than at the answers.
    """
    steps: dict[tuple[str, ...], list[float]] = {}
    for use in case.trial.before.uses:
        steps.setdefault(use.parameters, []).append(use.delta or 0.0)
    answers = case.trial.before.uses[-1].delta or 0.0 if steps else 0.0
    return {
        names[-1]: deltas[0] / deltas[-1]
        for names, deltas in steps.items()
        if len(deltas) >= SEQUENCE and deltas[-1] > 0 and (deltas[0] > answers or not large)
    }


def _exploding(case: Case) -> Iterator[Finding]:
    change = max(_changes(case), default=(1.0, "", 2))
    if change[0] >= GROWTH[0]:
        yield _changing(case, "exploding", FAULT if change[0] >= GROWTH[1] else HINT, change)
    else:
        grown = {name: v for name, v in _through_time(case, True).items() if v > THROUGH_TIME[1]}
        if grown:
            most = max(grown.values())
            yield _finding("exploding/time", FAULT, list(grown), most, total=shown(most))


def _vanishing(case: Case) -> Iterator[Finding]:
    change = min(_changes(case), default=(1.0, "", 2))
    if change[0] <= FADING:
        severity = FAULT if case.is_blind or case.is_stalled else HINT
        yield _changing(case, "vanishing", severity, change)
    elif tiny := _unmoved(case):
        yield _finding("vanishing/gradient", FAULT, tiny, max(case.trial.slopes[n] for n in tiny))
    else:
        lost = {name: v for name, v in _through_time(case).items() if 0 < v < THROUGH_TIME[0]}
        if lost:
            least = min(lost.values())
            yield _finding("vanishing/time", HINT, list(lost), least, total=shown(least))


def _unmoved(case: Case) -> list[str]:
    """The matrices with gradients that no optimizer follows, if they are most of them."""
    slopes = {name: s for name, s in case.trial.slopes.items() if case.initial[name].ndim > 1}
    tiny = [n for n, s in slopes.items() if 0 < s < UNMOVED * math.sqrt(case.initial[n].numel())]
    return tiny if len(tiny) > len(slopes) / 2 else []


def _changing(case: Case, kind: str, severity: str, change: tuple[float, str, int]) -> Finding:
    total, what, count = change
    where = [use.parameters[-1] for use in case.chain]
    layer = total ** (1 / (count - 1))
    return _finding(kind, severity, where, layer, what=what, total=shown(total))


def _large_logits(case: Case) -> Iterator[Finding]:
    for answer in case.trial.before.answers:
        where = answer.last.parameters[-1:] if answer.last else "the answers"
        if answer.kind == "squares":
            ratio = answer.size / answer.target if answer.target else 0
            if ratio > OVERSIZED[0]:
                decides = answer.loss > case.trial.before.loss / 2
                severity = FAULT if ratio > OVERSIZED[1] and decides else HINT
                yield _finding("large_logits/size", severity, where, ratio)
                return
        elif (excess := answer.loss - answer.guess) > answer.guess:
            severity = FAULT if excess > max(2 * answer.guess, 3) else HINT
            words = {"loss": shown(answer.loss), "guess": shown(answer.guess)}
            ratio = answer.loss / answer.guess
            yield _finding("large_logits/loss", severity, where, ratio, **words)
            return
    start, end = case.trial.losses[0], case.trial.losses[-1]
    if not case.trial.before.answers and start > max(MUCH[0], MUCH[1] * end):
        words = {"loss": shown(start), "end": shown(end), "steps": case.steps}
        yield _finding("large_logits/fall", HINT, "the answers", start, **words)


def _input_blind(case: Case) -> Iterator[Finding]:
    share = case.blindness
    if share is not None and share < BLIND[0]:
        severity = FAULT if case.is_blind else HINT
        yield _finding("input_blind", severity, "the answers", share, steps=case.steps)


def _input_scale(case: Case) -> Iterator[Finding]:
    for use in case.chain:
        if use.given is None or SMALL <= use.given.size <= LARGE:
            continue
        size, where = use.given.size, use.parameters[-1:]
        if use.normalized:
            yield _finding("input_scale/normalized", HINT, where, size)
        elif size > LARGE:
            severity = FAULT if use.size > PASSED_ON else HINT
            yield _finding("input_scale/large", severity, where, size)
        else:
            severity = FAULT if case.trial.steps and case.is_blind else HINT
            yield _finding("input_scale/small", severity, where, size)
        return


Judge = Callable[[Case], Iterable[Finding]]
AT_THE_START: tuple[Judge, ...] = (_not_finite, _input_scale, _exploding, _large_logits)
JUDGES: tuple[Judge, ...] = (
    *AT_THE_START, _equal_units, _no_gradient, _unused, _dead_units, _saturated, _vanishing,
    _input_blind,
)  # fmt: skip
