"""The rules for the claims about randomness and its schemes, one function a claim."""

import numpy as np

from stages.analysis.findings import CLEARLY, SAME, Finding, Verdict
from stages.analysis.results import Results
from stages.analysis.statistics import Estimate, t_interval

DETERMINISTIC = ("identity", "hadamard")
SCHEMES = ("xavier_normal", "he_normal")
RANDOM = (*SCHEMES, "lecun_normal", "orthogonal", "tiny_normal", "huge_normal")
DEEP = tuple(
    f"deep_{name}_{opt}" for opt in ("adam", "sgd") for name in ("default", "xavier", "he")
)


def randomness_needed(results: Results) -> Finding:
    differences = {v: t_interval(results.difference(v, "baseline")) for v in DETERMINISTIC}
    best = max(differences, key=lambda variant: differences[variant].mean)
    if not any(results.learns(variant).all() for variant in DETERMINISTIC):
        verdict = Verdict.HOLDS
    elif differences[best].low >= -SAME:
        verdict = Verdict.FAILS
    else:
        verdict = Verdict.CORRECTED if differences[best].high < -SAME else Verdict.UNTESTED
    facts = {
        "best": best,
        "accuracy": t_interval(results.accuracy(best)),
        "units": results.probe(best, "fc1", "distinct_units", 0).min(),
        "gap": results.probe(best, "fc1", "symmetry_gap", 0).mean(),
    }
    return Finding(verdict, differences[best], facts)


def random_is_enough(results: Results) -> Finding:
    def normal(variant: str) -> bool:
        close = np.mean(results.difference(variant, "baseline")) > -CLEARLY
        return bool(results.learns(variant).all() and close)

    close, deep = ([v for v in group if normal(v)] for group in (RANDOM, DEEP))
    worst = min(RANDOM, key=lambda variant: np.mean(results.difference(variant, "baseline")))
    if results.accuracy("baseline").mean() < 0.5 or not close:
        verdict = Verdict.FAILS
    else:
        everywhere = len(close) == len(RANDOM) and len(deep) == len(DEEP)
        verdict = Verdict.HOLDS if everywhere else Verdict.CORRECTED
    facts = {
        "close": len(close),
        "random": len(RANDOM),
        "worst": worst,
        "deep_close": len(deep),
        "deep": len(DEEP),
        "deep_epochs": min(results.epochs(variant) for variant in DEEP),
        "signals": {
            v: results.probe(v, "out", "signal_std", 0).mean() for v in ("baseline", worst, DEEP[0])
        },
    }
    return Finding(verdict, t_interval(results.difference(worst, "baseline")), facts)


def schemes_help(results: Results) -> Finding:
    def both(epoch: int) -> Estimate:
        against = results.accuracy("baseline", epoch)
        return t_interval(np.mean([results.accuracy(v, epoch) - against for v in SCHEMES], axis=0))

    early = both(1)
    late = both(min(results.epochs(variant) for variant in ("baseline", *SCHEMES)))
    gains = {
        (scheme, optimizer): t_interval(
            results.difference(f"deep_{scheme}_{optimizer}", f"deep_default_{optimizer}")
        )
        for optimizer in ("adam", "sgd")
        for scheme in ("xavier", "he")
    }
    helped = {where: gain for where, gain in gains.items() if gain.low > 0}
    if early.low > 0 and late.low > 0:
        verdict = Verdict.HOLDS
    elif early.low > 0 or late.low > 0 or helped:
        verdict = Verdict.CORRECTED
    else:
        verdict = Verdict.FAILS if early.high < SAME else Verdict.UNTESTED
    *hidden, _ = results.layers("deep_he_adam")
    signal = {
        scheme: [
            results.probe(f"deep_{scheme}_adam", layer, "signal_std", 0).mean()
            for layer in (hidden[0], hidden[-1])
        ]
        for scheme in ("default", "xavier", "he")
    }
    facts = {
        "late": late,
        "hidden": hidden,
        "comparisons": len(gains),
        "helped": len(helped),
        "most": max(helped.items(), key=lambda item: item[1].mean, default=None),
        "deep_epochs": min(results.epochs(variant) for variant in DEEP),
        "kept": {scheme: last / first for scheme, (first, last) in signal.items()},
    }
    return Finding(verdict, early, facts)
