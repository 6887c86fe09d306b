"""The rules by which measured data decide on the lecture's claims, one function a claim.

A rule sees only measured data; nothing here knows how a claim is expected to come out.
"""

from dataclasses import dataclass

import numpy as np

from stages.measured import Measured
from stages.statistics import t_interval
from stages.words import counted, percent, rounded

HOLDS = "holds"
CORRECTED = "holds with a correction"
FAILS = "does not hold"
UNTESTED = "not tested"

CLEARLY = 0.10  # this far below the baseline is bad, as accuracies on MNIST go
SAME = 0.01  # within this of the baseline: as good for all that the lecture says
ALIKE = 1e-5  # a symmetry gap up to this is rounding
APART = 1e-2  # one from this on is not

CONSTANTS = ("all_zero", "all_ones", "constant_negative", "constant_small", "constant")
OTHER_CONSTANTS = ("constant_negative", "constant_small", "constant")
DETERMINISTIC = ("identity", "hadamard")
SCHEMES = ("xavier_normal", "he_normal")
RANDOM = (*SCHEMES, "lecun_normal", "orthogonal", "tiny_normal", "huge_normal")
DEEP = tuple(
    f"deep_{name}_{opt}" for opt in ("adam", "sgd") for name in ("default", "xavier", "he")
)


@dataclass(frozen=True)
class Finding:
    """A verdict, the number it rests on with its interval over seeds, and why it is so.

    In its sentences a variant's name stands in backticks, so that reports can say its label.
    """

    verdict: str
    measured: float | None
    interval: tuple[float, float] | None
    evidence: str
    mechanism: str


def baseline_accuracy(m: Measured) -> Finding:
    mean, (low, high), words = _accuracy(m.accuracy("baseline"))
    if low < 0.90 and high > 0.95:
        verdict = UNTESTED
    else:
        verdict = FAILS if high < 0.90 else CORRECTED if low > 0.95 else HOLDS
    passed = np.flatnonzero(m.curve("baseline") > 0.95)
    when = f"95 % is passed in epoch {passed[0]}" if len(passed) else "95 % is never passed"
    units = _units(m.probe("baseline", "fc1", "distinct_units", 0).mean())
    why = f"fc1 starts with {units}, and what differs can learn different things"
    dead = m.probe("baseline", "fc1", "dead_fraction", -1)
    if len(dead):
        why += f"; at the end {percent(dead.mean())} of its units answer 0 to every probed image"
    evidence = f"{words} after {counted(m.epochs('baseline'), 'epoch')}; {when}."
    return Finding(verdict, mean, (low, high), evidence, f"{why}.")


def all_zero_at_chance(m: Measured) -> Finding:
    mean, interval, words = _accuracy(m.accuracy("all_zero"))
    best = m.curve("all_zero").max()
    if m.learns("all_zero").any():
        verdict = FAILS
    else:
        verdict = HOLDS if abs(mean - 0.10) <= 0.005 else CORRECTED
    signal = m.probe("all_zero", "out", "signal_std", -1).max()
    why = f"Between images the logits differ by {signal:.2g} (standard deviation)"
    if signal == 0:
        why += (
            ": it names one class for every image, and the commonest is "
            f"{percent(m.commonest)} of the test set"
        )
    return Finding(verdict, mean, interval, f"{words}; best epoch {percent(best)}.", f"{why}.")


def all_zero_weights_stay(m: Measured) -> Finding:
    moves = {
        f"{layer}.{kind}": m.probe("all_zero", layer, f"{kind}_move", -1)
        for layer in m.layers("all_zero")
        for kind in ("weight", "bias")
    }
    moved = [tensor for tensor, move in moves.items() if move.max() > 0]
    mean, low, high = t_interval(np.max(list(moves.values()), axis=0))
    verdict = CORRECTED
    if not moved:
        verdict = HOLDS
    elif any(tensor.endswith(".weight") for tensor in moved):
        verdict = FAILS
    evidence = "Not one of them moved."
    if moved:
        evidence = (
            f"{', '.join(moved)} moved, by up to {mean:.3g} ({low:.3g} to {high:.3g}); "
            f"{len(moves) - len(moved)} of {len(moves)} tensors did not move by one bit."
        )
    norm = m.probe("all_zero", "out", "bias_gradient_norm", 0).mean()
    rank = m.probe("all_zero", None, "activation_rank").max()
    why = (
        "The gradient at out.bias is softmax − target whatever the weights are, of norm "
        f"{norm:.2g} before training; the hidden activations have effective rank {rank:.3g}."
    )
    return Finding(verdict, mean, (low, high), evidence, why)


def zero_fc1_learns(m: Measured) -> Finding:
    mean, (low, high), words = _points(m.difference("zero_fc1", "baseline"))
    learns = m.learns("zero_fc1")
    if not learns.all():
        verdict = FAILS
    elif high < 0:
        verdict = HOLDS if mean > -CLEARLY else CORRECTED
    else:
        verdict = CORRECTED if low > -SAME else UNTESTED
    zeros = m.probe("zero_fc1", "fc1", "weight_gradient_zeros").min()
    dead = m.probe("zero_fc1", "fc1", "dead_fraction")
    share = "all" if zeros == 1 else f"at least {percent(zeros)}"
    why = f"At every look {share} of fc1's weights have a gradient of exactly 0"
    silent = len(dead) and dead.min() == 1
    if zeros == 1 and silent:
        why += ", because all its units sit at 0, where ReLU's slope is 0"
    signal = m.probe("zero_fc1", "out", "signal_std", -1).max()
    why += f"; at the end the logits differ between images by {rounded(signal)}"
    if signal == 0 and silent:
        why += ", since the layers above are told nothing about the image"
    evidence = (
        f"{_accuracy(m.accuracy('zero_fc1'))[2]}, {words} from the baseline; "
        f"{learns.sum()} of {len(learns)} seeds learn."
    )
    return Finding(verdict, mean, (low, high), evidence, f"{why}.")


def all_ones_partly(m: Measured) -> Finding:
    mean, interval, words = _accuracy(m.accuracy("all_ones"))
    _, (at_least, _), gained = _points(m.difference("all_ones", "all_zero"))
    if not m.learns("all_ones").any():
        verdict = FAILS
    elif at_least <= 0:
        verdict = UNTESTED
    else:
        verdict = HOLDS if 0.2 <= mean <= 0.4 else CORRECTED
    curve = m.curve("all_ones")
    units = m.probe("all_ones", "fc1", "distinct_units").max()
    logits = m.probe("all_ones", "out", "activation_std", 0).mean()
    why = (
        f"fc1 never has more than {_units(units)}, and the logits start out with a standard "
        f"deviation of {rounded(logits)}"
    )
    dead = m.probe("all_ones", "fc1", "dead_fraction", -1)
    if len(dead):
        why += f"; at the end {percent(dead.mean())} of fc1's units answer 0 to every probed image"
    best = f"best epoch {percent(curve.max())} (epoch {curve.argmax()})"
    return Finding(verdict, mean, interval, f"{words}, {gained} from all zeros; {best}.", f"{why}.")


def other_constants_partly(m: Measured) -> Finding:
    means = {variant: m.accuracy(variant).mean() for variant in OTHER_CONSTANTS}
    inside = [variant for variant, mean in means.items() if 0.2 <= mean <= 0.4]
    best = max(means, key=means.__getitem__)
    mean, interval, _ = _accuracy(m.accuracy(best))
    verdict = CORRECTED if inside else FAILS
    if len(inside) == len(OTHER_CONSTANTS):
        verdict = HOLDS
    each = "; ".join(f"`{variant}` {_accuracy(m.accuracy(variant))[2]}" for variant in means)
    dead = {variant: m.probe(variant, "fc2", "dead_fraction", 0) for variant in OTHER_CONSTANTS}
    silent = [f"`{v}`" for v, fraction in dead.items() if len(fraction) and fraction.min() == 1]
    units = max(m.probe(variant, "fc1", "distinct_units").max() for variant in OTHER_CONSTANTS)
    why = f"fc1 never has more than {_units(units)} in any of them"
    if silent:
        why += (
            f"; before training all of fc2 answers 0 to every probed image in {', '.join(silent)}"
        )
    return Finding(verdict, mean, interval, f"{each}.", f"{why}.")


def constants_fail(m: Measured) -> Finding:
    means = {variant: m.accuracy(variant).mean() for variant in CONSTANTS}
    best = max(means, key=means.__getitem__)
    mean, interval, words = _accuracy(m.accuracy(best))
    ends = [t_interval(m.difference(variant, "baseline"))[1:] for variant in CONSTANTS]
    failing = sum(high < -CLEARLY for _, high in ends)
    if any(low > -CLEARLY for low, _ in ends):
        verdict = FAILS
    else:
        verdict = HOLDS if failing == len(CONSTANTS) else UNTESTED
    units = m.probe(best, "fc1", "distinct_units").max()
    rank = m.probe(best, "fc1", "activation_rank", -1).mean()
    evidence = (
        f"{failing} of {len(CONSTANTS)} constants end clearly below the baseline; the best, "
        f"`{best}`, reaches {words}, the worst {percent(min(means.values()))}."
    )
    why = (
        f"From `{best}` fc1 never has more than {_units(units)}, and at the end its "
        f"activations have effective rank {rank:.2f}"
    )
    if units == 1:
        why += ": however many units a layer has, they are worth one"
    return Finding(verdict, mean, interval, evidence, f"{why}.")


def units_stay_identical(m: Measured) -> Finding:
    constants = ("all_ones", "constant_small", "constant")
    gap = max(m.probe(variant, None, "symmetry_gap").max() for variant in constants)
    alone = m.probe("constant_fc1", "fc1", "symmetry_gap", -1)
    mean, low, high = t_interval(alone)
    if gap > ALIKE:
        verdict = FAILS
    else:
        verdict = CORRECTED if alone.min() >= APART else HOLDS
    evidence = (
        f"Where all layers are constant the largest symmetry gap ever is {gap:.2g}; where fc1 "
        f"alone is, its gap ends at {mean:.2g} ({low:.2g} to {high:.2g})."
    )
    units = {v: m.probe(v, "fc1", "distinct_units", 1).mean() for v in ("constant_fc1", "constant")}
    why = (
        f"After one epoch fc1 has {_units(units['constant_fc1'])} where it alone was constant, and "
        f"{_units(units['constant'])} where all layers were"
    )
    if verdict == CORRECTED:
        why += ": outgoing weights have to be equal too"
    return Finding(verdict, mean, (low, high), evidence, f"{why}.")


def zero_gradients(m: Measured) -> Finding:
    shares = {
        f"{layer}.weight": m.probe("all_zero", layer, "weight_gradient_zeros")
        for layer in m.layers("all_zero")
    }
    always = [tensor for tensor, share in shares.items() if share.min() == 1]
    last = [
        m.probe("all_zero", layer, "weight_gradient_zeros", -1) for layer in m.layers("all_zero")
    ]
    mean, low, high = t_interval(np.mean(last, axis=0))
    verdict = CORRECTED if always else FAILS
    if len(always) == len(shares):
        verdict = HOLDS
    rank = m.probe("all_zero", None, "activation_rank").max()
    norm = m.probe("all_zero", "out", "bias_gradient_norm", 0).mean()
    which = f"all {len(shares)}" if verdict == HOLDS else f"{len(always)} of {len(shares)}"
    evidence = (
        f"At every look and in every seed, all gradients of {which} weight matrices are exactly 0; "
        f"that of out.bias is not (norm {norm:.2g} before training)."
    )
    why = (
        "A gradient passes through the weights above and is multiplied with the activations below, "
        f"which have effective rank {rank:.3g} in the hidden layers."
    )
    return Finding(verdict, mean, (low, high), evidence, why)


def randomness_needed(m: Measured) -> Finding:
    differences = {variant: m.difference(variant, "baseline") for variant in DETERMINISTIC}
    best = max(differences, key=lambda variant: differences[variant].mean())
    mean, (low, high), words = _points(differences[best])
    if not any(m.learns(variant).all() for variant in DETERMINISTIC):
        verdict = HOLDS
    elif low >= -SAME:
        verdict = FAILS
    else:
        verdict = CORRECTED if high < -SAME else UNTESTED
    units = m.probe(best, "fc1", "distinct_units", 0)
    gap = m.probe(best, "fc1", "symmetry_gap", 0).mean()
    evidence = (
        f"`{best}`, whose initial weights are not random (its seeds differ in the order of the "
        f"images alone), reaches {_accuracy(m.accuracy(best))[2]}: {words} from the baseline."
    )
    why = f"`{best}` starts with {_units(units.min())} in fc1 (symmetry gap {gap:.2f})"
    if verdict == FAILS:
        why += ": units have to differ, by chance or not"
    return Finding(verdict, mean, (low, high), evidence, f"{why}.")


def random_is_enough(m: Measured) -> Finding:
    def normal(variant: str) -> bool:
        close = np.mean(m.difference(variant, "baseline")) > -CLEARLY
        return bool(m.learns(variant).all() and close)

    sick = [variant for variant in RANDOM if not normal(variant)]
    deep = [variant for variant in DEEP if not normal(variant)]
    worst = min(RANDOM, key=lambda variant: np.mean(m.difference(variant, "baseline")))
    mean, interval, words = _points(m.difference(worst, "baseline"))
    if m.accuracy("baseline").mean() < 0.5 or len(sick) == len(RANDOM):
        verdict = FAILS
    else:
        verdict = CORRECTED if sick or deep else HOLDS
    epochs = min(m.epochs(variant) for variant in DEEP)
    evidence = (
        f"{len(RANDOM) - len(sick)} of {len(RANDOM)} random starts end within 10 points of the "
        f"baseline with every seed learning; the worst, `{worst}`, {words} from it. Of "
        f"{len(DEEP)} in the deep network, {len(DEEP) - len(deep)} do after "
        f"{counted(epochs, 'epoch')}."
    )
    signals = {v: m.probe(v, "out", "signal_std", 0).mean() for v in ("baseline", worst, DEEP[0])}
    listed = ", ".join(f"{rounded(signal)} from `{v}`" for v, signal in signals.items())
    why = f"Before training the logits differ between images by {listed}"
    if verdict == CORRECTED:
        why += "; the scale has to fit the depth"
    return Finding(verdict, mean, interval, evidence, f"{why}.")


def schemes_help(m: Measured) -> Finding:
    def both(epoch: int | None) -> np.ndarray:
        last = min(m.epochs(variant) for variant in ("baseline", *SCHEMES))
        epoch = last if epoch is None else epoch
        against = m.accuracy("baseline", epoch)
        return np.mean([m.accuracy(variant, epoch) - against for variant in SCHEMES], axis=0)

    mean, (low, high), early = _points(both(1))
    _, (late_low, _), late = _points(both(None))
    gains = {
        f"{name} under {optimizer}": m.difference(
            f"deep_{name}_{optimizer}".lower(), f"deep_default_{optimizer}".lower()
        )
        for optimizer in ("Adam", "SGD")
        for name in ("Xavier", "He")
    }
    helped = [where for where, gain in gains.items() if t_interval(gain)[1] > 0]
    if low > 0 and late_low > 0:
        verdict = HOLDS
    elif low > 0 or late_low > 0 or helped:
        verdict = CORRECTED
    else:
        verdict = FAILS if high < SAME else UNTESTED
    *hidden, _ = m.layers("deep_he_adam")
    kept = [
        f"{rounded(m.probe(variant, hidden[-1], 'signal_std', 0).mean() / start)} with {name}"
        for name in ("the default", "Xavier", "He")
        for variant in [f"deep_{name.split()[-1].lower()}_adam"]
        for start in [m.probe(variant, hidden[0], "signal_std", 0).mean()]
    ]
    epochs = min(m.epochs(variant) for variant in DEEP)
    evidence = (
        f"Xavier and He together differ from the default by {early} after the first epoch, and by "
        f"{late} at the end. {len(hidden)} hidden layers deep, {len(helped)} of {len(gains)} "
        f"comparisons with the default gain within {counted(epochs, 'epoch')}"
    )
    if helped:
        most = max(helped, key=lambda where: gains[where].mean())
        evidence += f", most {most}: {_points(gains[most])[2]}"
    why = (
        f"Before training, of the signal that leaves {hidden[0]} there is left in {hidden[-1]}: "
        f"{', '.join(kept)}."
    )
    return Finding(verdict, mean, (low, high), f"{evidence}.", why)


def _accuracy(values: np.ndarray) -> tuple[float, tuple[float, float], str]:
    """Mean, interval, and both in words."""
    mean, low, high = t_interval(values)
    return mean, (low, high), f"{percent(mean)} ({100 * low:.2f} to {percent(high)})"


def _points(values: np.ndarray) -> tuple[float, tuple[float, float], str]:
    mean, low, high = t_interval(values)
    words = f"{100 * mean:+.2f} points ({100 * low:+.2f} to {100 * high:+.2f})"
    return mean, (low, high), words.replace("-", "−")


def _units(count: float) -> str:
    return counted(round(count), "distinct unit")
