"""The lecture's claims, each judged by a rule from what was measured.

Sections are those of the lecture "Weight Initializations: A Surprising Demo". A rule sees
only measured data; nothing here knows how a claim is expected to come out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stages.measured import STUCK, Measured
from stages.statistics import epochs_to, t_interval

HOLDS = "holds"
CORRECTED = "holds with a correction"
FAILS = "does not hold"
UNTESTED = "not tested"

MIN_SEEDS = 3  # fewer say too little about the spread between seeds
CLEARLY = 0.10  # this far below the baseline is bad, as accuracies on MNIST go
SAME = 0.01  # within this of the baseline: as good for all that the lecture says
ALIKE = 1e-5  # a symmetry gap up to this is rounding
APART = 1e-2  # one from this on is not

CONSTANTS = ("all_zero", "all_ones", "constant_negative", "constant_small", "constant")
DETERMINISTIC = ("identity", "hadamard")
SHALLOW = ("xavier_normal", "he_normal")
DEEP = tuple(
    f"deep_{name}_{opt}" for opt in ("adam", "sgd") for name in ("default", "xavier", "he")
)
RANDOM = ("baseline", "xavier_normal", "he_normal", "tiny_normal", "huge_normal", *DEEP)


@dataclass(frozen=True)
class Finding:
    """A verdict, the number it rests on with its interval over seeds, and why it is so."""

    verdict: str
    measured: float | None
    interval: tuple[float, float] | None
    evidence: str
    mechanism: str


@dataclass(frozen=True)
class Claim:
    """One claim: where the lecture makes it, who has to be measured, and the rule."""

    id: str
    section: str
    claim: str
    needs: tuple[str, ...]
    quantity: str
    rule: str
    judge: Callable[[Measured], Finding]
    figure: str


def audit(measured: Measured) -> list[dict]:
    """Every claim with its verdict, as rows for claims.json."""
    rows = []
    for claim in CLAIMS:
        finding = _untested(claim, measured) or claim.judge(measured)
        rows.append(
            {
                "id": claim.id,
                "section": claim.section,
                "claim": claim.claim,
                "verdict": finding.verdict,
                "quantity": claim.quantity,
                "measured": _number(finding.measured),
                "interval": finding.interval and [_number(end) for end in finding.interval],
                "evidence": finding.evidence,
                "mechanism": finding.mechanism,
                "rule": claim.rule,
                "figure": claim.figure,
            }
        )
    return rows


def _untested(claim: Claim, measured: Measured) -> Finding | None:
    there = set(measured.history["variant"])
    missing = [variant for variant in claim.needs if variant not in there]
    if missing:
        why = f"params.yaml has no variant {', '.join(missing)}."
        return Finding(UNTESTED, None, None, why, "")
    seeds = min(len(measured.accuracy(variant)) for variant in claim.needs)
    if seeds < MIN_SEEDS:
        why = f"{seeds} seed{'s' if seeds > 1 else ''}, and a verdict needs {MIN_SEEDS}."
        return Finding(UNTESTED, None, None, why, "")
    diverged = [variant for variant in claim.needs if measured.diverged(variant).any()]
    if diverged:
        why = f"training diverged (a loss that is not a number): {', '.join(diverged)}."
        return Finding(UNTESTED, None, None, why, "")
    return None


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(f"{value:.6g}")


def _accuracy(values: np.ndarray) -> tuple[float, tuple[float, float], str]:
    """Mean, interval, and both in words."""
    mean, low, high = t_interval(values)
    return mean, (low, high), f"{_percent(mean)} ({100 * low:.2f} to {_percent(high)})"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %".replace("-", "−")


def _units(count: float) -> str:
    return "1 distinct unit" if count == 1 else f"{count:.0f} distinct units"


def _points(values: np.ndarray) -> tuple[float, tuple[float, float], str]:
    mean, low, high = t_interval(values)
    words = f"{100 * mean:+.2f} points ({100 * low:+.2f} to {100 * high:+.2f})"
    return mean, (low, high), words.replace("-", "−")


def _baseline(m: Measured) -> Finding:
    mean, (low, high), words = _accuracy(m.accuracy("baseline"))
    if high < 0.90:
        verdict = FAILS
    else:
        verdict = HOLDS if low <= 0.95 else CORRECTED
    curve = m.curve("baseline")
    passed = np.flatnonzero(curve > 0.95)
    when = f"95 % is passed in epoch {passed[0]}" if len(passed) else "95 % is never passed"
    dead = m.probe("baseline", "fc1", "dead_fraction", -1)
    idle = (
        f", and {_percent(dead.mean())} of them answer to no image at the end" if len(dead) else ""
    )
    return Finding(
        verdict, mean, (low, high),
        f"{words} after {m.epochs('baseline')} epochs; {when}.",
        f"fc1 starts with {m.probe('baseline', 'fc1', 'distinct_units', 0).mean():.0f} distinct "
        f"units{idle}.",
    )  # fmt: skip


def _all_zero_at_chance(m: Measured) -> Finding:
    mean, interval, words = _accuracy(m.accuracy("all_zero"))
    best = m.curve("all_zero").max()
    if best > m.commonest + STUCK:
        verdict = FAILS
    else:
        verdict = HOLDS if abs(mean - 0.10) <= 0.005 else CORRECTED
    signal = m.probe("all_zero", "out", "signal_std", -1).max()
    if signal == 0:
        why = (
            "The logits are the same for every image (their standard deviation over images is 0): "
            "it always names one class, and the commonest is "
            f"{_percent(m.commonest)} of the test set."
        )
    else:
        why = f"The logits differ between images (standard deviation {signal:.2g})."
    return Finding(verdict, mean, interval, f"{words}; best epoch {_percent(best)}.", why)


def _all_zero_weights_stay(m: Measured) -> Finding:
    layers = m.layers("all_zero")
    weights = max(m.probe("all_zero", layer, "weight_move").max() for layer in layers)
    hidden = m.probe("all_zero", None, "bias_move").max()
    mean, low, high = t_interval(m.probe("all_zero", "out", "bias_move", -1))
    if weights > 0:
        verdict = FAILS
    else:
        verdict = HOLDS if max(hidden, mean) == 0 else CORRECTED
    moved = m.probe("all_zero", "out", "bias_moved_at", -1)
    when = f", from step {moved.min():.0f} on" if len(moved) else ""
    return Finding(
        verdict, mean, (low, high),
        f"The largest move of a weight is {weights:.2g}, of a hidden bias {hidden:.2g}, "
        f"of out.bias {mean:.3g} ({low:.3g} to {high:.3g}){when}.",
        "The gradient at out.bias is softmax − target whatever the weights are (norm "
        f"{m.probe('all_zero', 'out', 'bias_gradient_norm', 0).mean():.2g} before training); at "
        f"{_percent(m.probe('all_zero', None, 'weight_gradient_zeros').min())} of the hidden "
        "weights it is exactly 0.",
    )  # fmt: skip


def _zero_fc1_learns(m: Measured) -> Finding:
    mean, (low, high), words = _points(m.difference("zero_fc1", "baseline"))
    if not m.learns("zero_fc1").all():
        verdict = FAILS
    else:
        verdict = HOLDS if high < 0 and mean > -CLEARLY else CORRECTED
    zeros = m.probe("zero_fc1", "fc1", "weight_gradient_zeros").min()
    signal = m.probe("zero_fc1", "out", "signal_std", -1).max()
    dead = m.probe("zero_fc1", "fc1", "dead_fraction", -1)
    why = (
        f"fc1's weights have gradients of exactly 0 in {_percent(zeros)} of their entries at "
        "every look"
    )
    if len(dead):
        why += f", because {_percent(dead.min())} of its units sit at 0, where ReLU's slope is 0"
    return Finding(
        verdict, mean, (low, high),
        f"{_accuracy(m.accuracy('zero_fc1'))[2]}, {words} from the baseline; "
        f"{m.learns('zero_fc1').sum()} of {len(m.accuracy('zero_fc1'))} seeds learn.",
        f"{why}. Between images the logits differ by {signal:.2g}.",
    )  # fmt: skip


def _all_ones(m: Measured) -> Finding:
    mean, (low, high), words = _accuracy(m.accuracy("all_ones"))
    better, (at_least, _), gain = _points(m.difference("all_ones", "all_zero"))
    if better <= 0 or at_least <= 0:
        verdict = FAILS
    else:
        verdict = HOLDS if 0.2 <= mean <= 0.4 else CORRECTED
    curve = m.curve("all_ones")
    dead = m.probe("all_ones", "fc1", "dead_fraction", -1)
    logits = m.probe("all_ones", "out", "activation_std", 0).mean()
    units = m.probe("all_ones", "fc1", "distinct_units").max()
    why = (
        f"fc1 never has more than {_units(units)}, and the logits start with a standard deviation "
        f"of {logits:.2g}"
    )
    if len(dead):
        why += f"; at the end {_percent(dead.mean())} of fc1 answers to no image"
    return Finding(
        verdict, mean, (low, high),
        f"{words}, {gain} from all zeros; best epoch {_percent(curve.max())} "
        f"(epoch {curve.argmax()}).",
        f"{why}.",
    )  # fmt: skip


def _constants_fail(m: Measured) -> Finding:
    means = {variant: m.accuracy(variant).mean() for variant in CONSTANTS}
    best = max(means, key=means.__getitem__)
    mean, interval, words = _accuracy(m.accuracy(best))
    differences = {variant: t_interval(m.difference(variant, "baseline")) for variant in CONSTANTS}
    failing = [variant for variant, (_, _, high) in differences.items() if high < -CLEARLY]
    verdict = HOLDS if len(failing) == len(CONSTANTS) else FAILS
    units = m.probe(best, "fc1", "distinct_units").max()
    rank = m.probe(best, "fc1", "activation_rank", -1).mean()
    return Finding(
        verdict, mean, interval,
        f"{len(failing)} of {len(CONSTANTS)} constants end far below the baseline; the best, "
        f"{best}, reaches {words}, the worst {_percent(min(means.values()))}.",
        f"{best} has at most {_units(units)} in fc1 at every look, and"
        f" its activations have effective rank {rank:.2f}.",
    )  # fmt: skip


def _units_stay_identical(m: Measured) -> Finding:
    alike = ("all_ones", "constant_small", "constant")
    gaps = [m.probe(variant, None, "symmetry_gap").max() for variant in alike]
    broken = m.probe("constant_fc1", "fc1", "symmetry_gap", -1)
    mean, low, high = t_interval(broken)
    if max(gaps) > ALIKE:
        verdict = FAILS
    else:
        verdict = CORRECTED if broken.min() >= APART else HOLDS
    first = m.probe("constant_fc1", "fc1", "weight_moved_at", -1)
    when = f"from step {first.min():.0f} on" if len(first) else "never"
    return Finding(
        verdict, mean, (low, high),
        f"Where all layers are constant the largest symmetry gap ever is {max(gaps):.2g}; where "
        f"fc1 alone is, it ends at {mean:.2f} ({low:.2f} to {high:.2f}).",
        ("" if verdict != CORRECTED else "Outgoing weights have to be equal too. ")
        + f"With fc1 alone constant its weights move {when}, and it has "
        f"{_units(m.probe('constant_fc1', 'fc1', 'distinct_units', 1).mean())} after one epoch; "
        "where all layers are constant it has "
        f"{_units(m.probe('constant', 'fc1', 'distinct_units', 1).mean())}.",
    )  # fmt: skip


def _zero_gradients(m: Measured) -> Finding:
    share = m.probe("all_zero", None, "weight_gradient_zeros")
    mean, low, high = t_interval(m.probe("all_zero", None, "weight_gradient_zeros", -1))
    norm = m.probe("all_zero", "out", "bias_gradient_norm", 0).mean()
    rank = m.probe("all_zero", None, "activation_rank").max()
    verdict = FAILS if share.min() < 1 else HOLDS
    why = (
        "A gradient passes through the weights above and is multiplied with the activations below. "
        f"The hidden activations have effective rank {rank:.0f}"
    )
    if verdict == HOLDS:
        why += ", so nothing arrives"
    return Finding(
        verdict, mean, (low, high),
        f"At every look at least {_percent(share.min())} of the hidden weights' gradients are "
        "exactly 0.",
        f"{why}; the gradient of out.bias has norm {norm:.2g} before training.",
    )  # fmt: skip


def _randomness_needed(m: Measured) -> Finding:
    differences = {variant: m.difference(variant, "baseline") for variant in DETERMINISTIC}
    best = max(differences, key=lambda variant: differences[variant].mean())
    mean, (low, high), words = _points(differences[best])
    if not any(m.learns(variant).all() for variant in DETERMINISTIC):
        verdict = HOLDS
    else:
        verdict = FAILS if high >= -SAME else CORRECTED
    units = m.probe(best, "fc1", "distinct_units", 0)
    gap = m.probe(best, "fc1", "symmetry_gap", 0).mean()
    return Finding(
        verdict, mean, (low, high),
        f"{best}, in which nothing is random, reaches {_accuracy(m.accuracy(best))[2]}: {words} "
        "from the baseline.",
        ("" if verdict == HOLDS else "Units have to differ, not to be random: ")
        + f"{best} starts with {_units(units.min())} in fc1 (symmetry gap {gap:.2f}).",
    )  # fmt: skip


def _schemes_help(m: Measured) -> Finding:
    shallow = {v: m.difference(v, "baseline") for v in SHALLOW}
    best = max(shallow, key=lambda variant: shallow[variant].mean())
    mean, (low, high), words = _points(shallow[best])
    here = low > 0
    gains = {
        f"{name}, {optimizer}": m.difference(
            f"deep_{name}_{optimizer}", f"deep_default_{optimizer}"
        )
        for optimizer in ("adam", "sgd")
        for name in ("xavier", "he")
    }
    helped = {where: gain for where, gain in gains.items() if t_interval(gain)[1] > 0}
    if here:
        verdict = HOLDS
    else:
        verdict = CORRECTED if helped else FAILS
    largest = max(gains, key=lambda where: gains[where].mean())
    mean, (low, high), at_depth = _points(gains[largest])
    speed = ", ".join(
        f"{variant} {epochs_to(0.95, m.curve(variant))}" for variant in ("baseline", *SHALLOW)
    )
    *hidden, _ = m.layers("deep_he_adam")
    last = hidden[-1]
    kept = {
        name: m.probe(f"deep_{name}_adam", last, "signal_std", 0).mean()
        / m.probe(f"deep_{name}_adam", "fc1", "signal_std", 0).mean()
        for name in ("default", "xavier", "he")
    }
    return Finding(
        verdict, mean, (low, high),
        f"With two hidden layers the better of the two, {best}, gains {words}, and 95 % of the "
        f"final accuracy takes so many epochs: {speed}. {len(hidden)} hidden layers deep, "
        f"{len(helped)} of {len(gains)} comparisons with the default gain, most {largest}: "
        f"{at_depth}.",
        f"Of the signal that leaves fc1, {last} still has a share of {kept['default']:.1g} with "
        f"PyTorch's default, {kept['xavier']:.1g} with Xavier, {kept['he']:.1g} with He.",
    )  # fmt: skip


def _random_is_enough(m: Measured) -> Finding:
    finals = {variant: m.learns(variant) for variant in RANDOM}
    stuck = [variant for variant, learns in finals.items() if not learns.all()]
    worst = min(RANDOM, key=lambda variant: m.accuracy(variant).mean())
    mean, interval, words = _accuracy(m.accuracy(worst))
    verdict = HOLDS if not stuck else CORRECTED
    if len(stuck) == len(RANDOM):
        verdict = FAILS
    out = m.probe(worst, "out", "signal_std", 0).mean()
    base = m.probe("baseline", "out", "signal_std", 0).mean()
    named = f": {', '.join(stuck)}" if stuck else ""
    return Finding(
        verdict, mean, interval,
        f"{len(RANDOM) - len(stuck)} of {len(RANDOM)} random starts learn with every seed; "
        f"{len(stuck)} do not{named}. The worst, {worst}, ends at {words}.",
        ("" if verdict == HOLDS else "The scale has to fit the depth. ")
        + f"Before training the logits of {worst} differ between images by {out:.2g}, those of the "
        f"baseline by {base:.2g} (standard deviation).",
    )  # fmt: skip


CLAIMS = [
    Claim(
        "baseline_accuracy", "2.1, 4.1",
        "A small fully connected network reaches 90 to 95 % on MNIST after some ten epochs.",
        ("baseline",),
        "final test accuracy",
        "Holds if the interval of the baseline's final accuracy meets 90–95 %, with a correction "
        "if it lies above.",
        _baseline, "learning_curves",
    ),
    Claim(
        "all_zero_at_chance", "2.2, 4.3",
        "Started at all zeros it stays at about 10 %, as if guessing, and never improves.",
        ("all_zero",),
        "final test accuracy",
        "Does not hold if an epoch's mean accuracy passes the commonest class's share by more than "
        "2 points; holds if the final one is within half a point of 10 %; else with a correction.",
        _all_zero_at_chance, "learning_curves",
    ),
    Claim(
        "all_zero_weights_stay", "4.3",
        "After training from all zeros every parameter is still zero.",
        ("all_zero",),
        "largest move of out.bias",
        "Holds if nothing moved, with a correction if only biases moved; does not hold if a weight "
        "moved.",
        _all_zero_weights_stay, "who_moved",
    ),
    Claim(
        "zero_fc1_learns", "4.2, 5",
        "With fc1 alone at zero the network still learns, only somewhat worse.",
        ("zero_fc1", "baseline"),
        "final test accuracy minus the baseline's",
        "Does not hold if a seed ends within 2 points of the commonest class's share; holds if the "
        "paired difference to the baseline lies below 0 and its mean above −10 points; else with a "
        "correction.",
        _zero_fc1_learns, "why_stuck",
    ),
    Claim(
        "all_ones_partly", "4.4, 5",
        "Started at all ones it learns slightly more than from zeros, and sticks at 20 to 40 %.",
        ("all_ones", "all_zero"),
        "final test accuracy",
        "Does not hold unless the paired difference to all zeros lies above 0; then it holds if "
        "the final accuracy is 20–40 %, else with a correction.",
        _all_ones, "why_stuck",
    ),
    Claim(
        "constants_fail", "1, 7",
        "Started at any single constant the network fails or badly underperforms.",
        (*CONSTANTS, "baseline"),
        "final test accuracy of the best constant",
        "Holds if for every constant the paired difference to the baseline lies below −10 points.",
        _constants_fail, "final_accuracy",
    ),
    Claim(
        "units_stay_identical", "6.1",
        "Units with equal weights get equal gradients and stay equal.",
        ("all_ones", "constant_small", "constant", "constant_fc1"),
        "final symmetry gap of fc1 where it alone is constant",
        "Does not hold if a network of one constant ever has a symmetry gap above 1e-5; holds with "
        "a correction if equal units part (gap of 0.01 or more) where only their incoming weights "
        "were equal.",
        _units_stay_identical, "why_stuck",
    ),
    Claim(
        "zero_gradients", "6.2",
        "With all weights at zero their gradients can be zero too, so they are never updated.",
        ("all_zero",),
        "share of hidden weights with a gradient of exactly 0",
        "Holds if every gradient entry of the hidden layers' weights is exactly 0 at every look.",
        _zero_gradients, "who_moved",
    ),
    Claim(
        "randomness_needed", "1, 7",
        "Randomness is needed to break the symmetry between units.",
        (*DETERMINISTIC, "baseline"),
        "final test accuracy of the best deterministic start minus the baseline's",
        "Holds if no deterministic start with distinct units learns; does not hold if the best "
        "one's paired difference to the baseline reaches −1 point; else with a correction.",
        _randomness_needed, "randomness",
    ),
    Claim(
        "random_is_enough", "1, 7",
        "Random initial weights give normal learning.",
        RANDOM,
        "final test accuracy of the worst random start",
        "Holds if every seed of every random start learns, with a correction if some do not; does "
        "not hold if none does.",
        _random_is_enough, "final_accuracy",
    ),
    Claim(
        "schemes_help", "7",
        "Xavier's and He's initialization improve convergence.",
        ("baseline", *SHALLOW, *DEEP),
        "test accuracy of the best deep start minus that of PyTorch's default",
        "Holds if the better one's paired difference to the baseline lies above 0 in the lecture's "
        "network, with a correction if only in a deep one; else it does not hold.",
        _schemes_help, "depth",
    ),
]  # fmt: skip


def as_markdown(rows: list[dict]) -> str:
    """The audit as a table to read, and why each claim came out so below it."""
    lines = ["| section | the lecture's claim | verdict | measured |", "|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['section']} | {row['claim']} | **{row['verdict']}** | {row['evidence']} |"
        )
    for row in rows:
        if row["mechanism"]:
            lines += ["", f"**{row['claim']}** {row['mechanism']} *Rule: {row['rule']}*"]
    return "\n".join(lines) + "\n"
