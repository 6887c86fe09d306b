"""The rules for the claims about zeros and constants, one function a claim.

A rule sees only measured data; nothing here knows how a claim is expected to come out.
"""

import numpy as np

from stages.analysis.findings import CLEARLY, SAME, Finding, Verdict
from stages.analysis.results import Results
from stages.analysis.statistics import Values, t_interval

ALIKE = 1e-5  # a symmetry gap up to this is rounding
APART = 1e-2  # one from this on is not

CONSTANTS = ("all_zero", "all_ones", "constant_negative", "constant_small", "constant")
OTHER_CONSTANTS = ("constant_negative", "constant_small", "constant")


def baseline_accuracy(results: Results) -> Finding:
    accuracy = t_interval(results.accuracy("baseline"))
    if accuracy.low < 0.90 and accuracy.high > 0.95:
        verdict = Verdict.UNTESTED
    elif accuracy.high < 0.90:
        verdict = Verdict.FAILS
    else:
        verdict = Verdict.CORRECTED if accuracy.low > 0.95 else Verdict.HOLDS
    passed = np.flatnonzero(results.curve("baseline") > 0.95)
    facts = {
        "epochs": results.epochs("baseline"),
        "passed": int(passed[0]) if len(passed) else None,
        "units": results.probe("baseline", "fc1", "distinct_units", 0).mean(),
        "dead": _mean(results.probe("baseline", "fc1", "dead_fraction", -1)),
    }
    return Finding(verdict, accuracy, facts)


def all_zero_at_chance(results: Results) -> Finding:
    accuracy = t_interval(results.accuracy("all_zero"))
    if results.learns("all_zero").any():
        verdict = Verdict.FAILS
    else:
        verdict = Verdict.HOLDS if abs(accuracy.mean - 0.10) <= 0.005 else Verdict.CORRECTED
    facts = {
        "best": results.curve("all_zero").max(),
        "signal": results.probe("all_zero", "out", "signal_std", -1).max(),
        "commonest": results.commonest,
    }
    return Finding(verdict, accuracy, facts)


def all_zero_weights_stay(results: Results) -> Finding:
    moves = {
        f"{layer}.{kind}": results.probe("all_zero", layer, f"{kind}_move", -1)
        for layer in results.layers("all_zero")
        for kind in ("weight", "bias")
    }
    moved = [tensor for tensor, move in moves.items() if move.max() > 0]
    verdict = Verdict.CORRECTED
    if not moved:
        verdict = Verdict.HOLDS
    elif any(tensor.endswith(".weight") for tensor in moved):
        verdict = Verdict.FAILS
    facts = {
        "moved": moved,
        "tensors": len(moves),
        "norm": results.probe("all_zero", "out", "bias_gradient_norm", 0).mean(),
        "rank": results.probe("all_zero", None, "activation_rank").max(),
    }
    return Finding(verdict, t_interval(np.max(list(moves.values()), axis=0)), facts)


def zero_fc1_learns(results: Results) -> Finding:
    difference = t_interval(results.difference("zero_fc1", "baseline"))
    learns = results.learns("zero_fc1")
    if not learns.all():
        verdict = Verdict.FAILS
    elif difference.high < 0:
        verdict = Verdict.HOLDS if difference.mean > -CLEARLY else Verdict.CORRECTED
    else:
        verdict = Verdict.CORRECTED if difference.low > -SAME else Verdict.UNTESTED
    dead = results.probe("zero_fc1", "fc1", "dead_fraction")
    facts = {
        "accuracy": t_interval(results.accuracy("zero_fc1")),
        "learn": int(learns.sum()),
        "seeds": len(learns),
        "zeros": results.probe("zero_fc1", "fc1", "weight_gradient_zeros").min(),
        "silent": bool(len(dead) and dead.min() == 1),
        "signal": results.probe("zero_fc1", "out", "signal_std", -1).max(),
    }
    return Finding(verdict, difference, facts)


def all_ones_partly(results: Results) -> Finding:
    accuracy = t_interval(results.accuracy("all_ones"))
    gained = t_interval(results.difference("all_ones", "all_zero"))
    if not results.learns("all_ones").any():
        verdict = Verdict.FAILS
    elif gained.low <= 0:
        verdict = Verdict.UNTESTED
    else:
        verdict = Verdict.HOLDS if 0.2 <= accuracy.mean <= 0.4 else Verdict.CORRECTED
    curve = results.curve("all_ones")
    facts = {
        "gained": gained,
        "best": curve.max(),
        "best_epoch": int(curve.argmax()),
        "units": results.probe("all_ones", "fc1", "distinct_units").max(),
        "logits": results.probe("all_ones", "out", "activation_std", 0).mean(),
        "dead": _mean(results.probe("all_ones", "fc1", "dead_fraction", -1)),
    }
    return Finding(verdict, accuracy, facts)


def other_constants_partly(results: Results) -> Finding:
    each = {variant: t_interval(results.accuracy(variant)) for variant in OTHER_CONSTANTS}
    inside = [variant for variant, accuracy in each.items() if 0.2 <= accuracy.mean <= 0.4]
    verdict = Verdict.CORRECTED if inside else Verdict.FAILS
    if len(inside) == len(OTHER_CONSTANTS):
        verdict = Verdict.HOLDS
    dead = {v: results.probe(v, "fc2", "dead_fraction", 0) for v in OTHER_CONSTANTS}
    facts = {
        "each": each,
        "silent": [v for v, share in dead.items() if len(share) and share.min() == 1],
        "units": max(results.probe(v, "fc1", "distinct_units").max() for v in OTHER_CONSTANTS),
    }
    return Finding(verdict, max(each.values(), key=lambda accuracy: accuracy.mean), facts)


def constants_fail(results: Results) -> Finding:
    means = {variant: results.accuracy(variant).mean() for variant in CONSTANTS}
    best = max(means, key=means.__getitem__)
    ends = [t_interval(results.difference(variant, "baseline")) for variant in CONSTANTS]
    failing = sum(difference.high < -CLEARLY for difference in ends)
    if any(difference.low > -CLEARLY for difference in ends):
        verdict = Verdict.FAILS
    else:
        verdict = Verdict.HOLDS if failing == len(CONSTANTS) else Verdict.UNTESTED
    facts = {
        "failing": failing,
        "constants": len(CONSTANTS),
        "best": best,
        "worst": min(means.values()),
        "units": results.probe(best, "fc1", "distinct_units").max(),
        "rank": results.probe(best, "fc1", "activation_rank", -1).mean(),
    }
    return Finding(verdict, t_interval(results.accuracy(best)), facts)


def units_stay_identical(results: Results) -> Finding:
    constants = ("all_ones", "constant_small", "constant")
    gap = max(results.probe(variant, None, "symmetry_gap").max() for variant in constants)
    alone = results.probe("constant_fc1", "fc1", "symmetry_gap", -1)
    if gap > ALIKE:
        verdict = Verdict.FAILS
    else:
        verdict = Verdict.CORRECTED if alone.min() >= APART else Verdict.HOLDS
    facts = {
        "gap": gap,
        "units_alone": results.probe("constant_fc1", "fc1", "distinct_units", 1).mean(),
        "units": results.probe("constant", "fc1", "distinct_units", 1).mean(),
    }
    return Finding(verdict, t_interval(alone), facts)


def zero_gradients(results: Results) -> Finding:
    layers, column = results.layers("all_zero"), "weight_gradient_zeros"
    always = [layer for layer in layers if results.probe("all_zero", layer, column).min() == 1]
    last = [results.probe("all_zero", layer, column, -1) for layer in layers]
    verdict = Verdict.CORRECTED if always else Verdict.FAILS
    if len(always) == len(layers):
        verdict = Verdict.HOLDS
    facts = {
        "always": len(always),
        "matrices": len(layers),
        "norm": results.probe("all_zero", "out", "bias_gradient_norm", 0).mean(),
        "rank": results.probe("all_zero", None, "activation_rank").max(),
    }
    return Finding(verdict, t_interval(np.mean(last, axis=0)), facts)


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None
