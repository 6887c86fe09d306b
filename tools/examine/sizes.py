"""Findings about sizes: of inputs, signals, gradients and answers."""

import math
import statistics
from collections.abc import Iterator
from itertools import combinations

from torch import nn

from tools.examine.case import FAULT, HINT, Case, Finding, finding
from tools.examine.names import shown
from tools.examine.still import lasting
from tools.examine.trace import Trace

# Limits of a fault; the first of two is that of a hint.
SATURATED, SURE = (0.6, 0.6), (0.6, 0.9)  # of a layer's values, of its rows
FALLEN = 0.6  # of the loss, in the trial: saturated values then do little harm
GROWTH, FADING = (30, 1e3), 1e-4  # of a signal or gradient through all layers
LATER = 0.1  # the same, after the trial
THROUGH_TIME = 1e-6, 1e3  # of a gradient through a sequence
SEQUENCE = 8  # uses of the same weights, from which they are steps of a sequence
UNMOVED = 1e-16  # gradient of a value, which no optimizer follows
LARGE, SMALL = 10, 0.02  # size of the input
GAIN = 0.1  # of a normalization, as a root mean square: a hint
PASSED_ON = 3  # size of what the first layer makes of a large input
OVERSIZED = 3, 10  # outputs over targets
MUCH = 100, 10  # a loss, and how many times it falls in the trial


def not_finite(case: Case) -> Iterator[Finding]:
    named = case.module.named_parameters()
    broken = [name for name, tensor in named if not tensor.isfinite().all()]
    before = case.trial.before
    slopes = [name for name, slope in case.trial.slopes.items() if not math.isfinite(slope)]
    if broken:
        yield finding("not_finite/parameters", FAULT, broken, len(broken))
    elif not math.isfinite(before.loss):
        yield finding("not_finite/loss", FAULT, before.not_finite or "the loss", before.loss)
    elif slopes:
        yield finding("not_finite/gradient", FAULT, slopes, len(slopes))
    elif not math.isfinite(end := case.trial.losses[-1]):
        yield finding("not_finite/steps", HINT, "the loss", end, steps=case.steps)


def saturated(case: Case) -> Iterator[Finding]:
    for kind, (hint, fault) in (("flat", SATURATED), ("softmax", SURE)):
        shares = lasting(case.trial, kind)
        if full := [layer for layer, share in shares.items() if share > hint]:
            worst = max(shares.values())
            severity = FAULT if worst > fault and case.fallen < FALLEN else HINT
            yield finding(f"saturated/{kind}", severity, full, worst)


def trend(values: list[float]) -> float:
    """The factor by which values change from first to last, by the median slope (Theil and Sen)."""
    logs = [math.log(value) for value in values]
    pairs = combinations(range(len(logs)), 2)
    slope = statistics.median((logs[j] - logs[i]) / (j - i) for i, j in pairs)
    return math.exp(min(slope * (len(logs) - 1), 700))


def _changes(trace: Trace) -> Iterator[tuple[float, str, int]]:
    """By what factor the signal changes through the layers, and the gradient on its way back."""
    chain = trace.chain
    signals = [use.signal for use in chain]
    deltas = [use.delta or 0.0 for use in chain][::-1]
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


def exploding(case: Case) -> Iterator[Finding]:
    change = max(_changes(case.trial.before), default=(1.0, "", 2))
    if change[0] >= GROWTH[0]:
        yield _changing(case, "exploding", FAULT if change[0] >= GROWTH[1] else HINT, change)
    else:
        grown = {name: v for name, v in _through_time(case, True).items() if v > THROUGH_TIME[1]}
        if grown:
            most = max(grown.values())
            yield finding("exploding/time", FAULT, list(grown), most, total=shown(most))


def vanishing(case: Case) -> Iterator[Finding]:
    change = min(_changes(case.trial.before), default=(1.0, "", 2))
    later = min(_changes(case.trial.after), default=change)
    if change[0] <= FADING:
        stalled = case.is_stalled and change[2] > 2  # two layers are no trend
        stays = stalled or (case.is_dim and later[0] <= LATER)
        severity = FAULT if stays else HINT
        yield _changing(case, "vanishing", severity, change)
    elif tiny := _unmoved(case):
        yield finding("vanishing/gradient", FAULT, tiny, max(case.trial.slopes[n] for n in tiny))
    else:
        lost = {name: v for name, v in _through_time(case).items() if 0 < v < THROUGH_TIME[0]}
        if lost:
            least = min(lost.values())
            yield finding("vanishing/time", HINT, list(lost), least, total=shown(least))


def _unmoved(case: Case) -> list[str]:
    """The matrices with gradients that no optimizer follows, if they are most of them."""
    slopes = {name: s for name, s in case.trial.slopes.items() if case.initial[name].ndim > 1}
    tiny = [n for n, s in slopes.items() if 0 < s < UNMOVED * math.sqrt(case.initial[n].numel())]
    return tiny if len(tiny) > len(slopes) / 2 else []


def _changing(case: Case, kind: str, severity: str, change: tuple[float, str, int]) -> Finding:
    total, what, count = change
    where = [use.parameters[-1] for use in case.trial.before.chain]
    layer = total ** (1 / (count - 1))
    return finding(kind, severity, where, layer, what=what, total=shown(total), layers=count)


def large_logits(case: Case) -> Iterator[Finding]:
    for answer in case.trial.before.answers:
        where = answer.last.parameters[-1:] if answer.last else "the outputs"
        if answer.kind == "squares":
            ratio = answer.size / answer.target if answer.target else 0
            if ratio > OVERSIZED[0]:
                decides = answer.loss > case.trial.before.loss / 2
                severity = FAULT if ratio > OVERSIZED[1] and decides else HINT
                yield finding("large_logits/size", severity, where, ratio)
                return
        elif (excess := answer.loss - answer.guess) > answer.guess:
            severity = FAULT if excess > max(2 * answer.guess, 3) else HINT
            words = {"loss": shown(answer.loss), "guess": shown(answer.guess)}
            ratio = answer.loss / answer.guess
            yield finding("large_logits/loss", severity, where, ratio, **words)
            return
    start, end = case.trial.losses[0], case.trial.losses[-1]
    if not case.trial.before.answers and start > max(MUCH[0], MUCH[1] * end):
        words = {"loss": shown(start), "end": shown(end), "steps": case.steps}
        yield finding("large_logits/fall", HINT, "the outputs", start, **words)


def input_blind(case: Case) -> Iterator[Finding]:
    share = case.blindness
    if share is not None and case.is_dim:
        severity = FAULT if case.is_blind else HINT
        key = "input_blind/differ" if share else "input_blind/same"
        yield finding(key, severity, "the outputs", share, steps=case.steps)


def input_scale(case: Case) -> Iterator[Finding]:
    for use in case.trial.before.chain:
        if use.given is None or SMALL <= use.given <= LARGE:
            continue
        size, where = use.given, use.parameters[-1:]
        if use.normalized:
            yield finding("input_scale/normalized", HINT, where, size)
        elif size > LARGE:
            severity = FAULT if use.size > PASSED_ON else HINT
            yield finding("input_scale/large", severity, where, size)
        else:
            severity = FAULT if case.trial.steps and case.is_dim else HINT
            yield finding("input_scale/small", severity, where, size)
        return


def small_gains(case: Case) -> Iterator[Finding]:
    norms = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
    sizes = {
        f"{name}.weight": case.initial[f"{name}.weight"].float().square().mean().sqrt().item()
        for name, part in case.module.named_modules()
        if isinstance(part, norms) and f"{name}.weight" in case.initial
    }
    if small := [name for name, size in sizes.items() if 0 < size < GAIN]:
        yield finding("vanishing/gains", HINT, small, min(sizes[name] for name in small))
