"""What the page says in sentences, with the numbers that the study measured."""

from collections import Counter

import numpy as np
import pandas as pd

from stages import rules
from stages.measured import Measured
from stages.params import Params
from stages.reasons import GAINS, PROBED, noise_levels
from stages.statistics import t_interval
from stages.summary import BASELINE
from stages.words import counted, percent, power

NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "kmnist": "KMNIST"}
SCHEMES = {"default": "PyTorch's default", "xavier": "Xavier", "he": "He"}


def answers(
    settings: Params, results: Measured, table: pd.DataFrame, audit: list[dict]
) -> list[tuple[str, str]]:
    """What happens, why, and what the lecture's claims are worth: a title and a sentence each.

    `table` as summary.comparison gives it, `audit` as claims.audit.
    """
    return [
        ("What happens", _happens(settings, results, table)),
        ("Why", _why(settings, results, table)),
        ("The lecture", _claims(audit)),
    ]


def _happens(settings: Params, results: Measured, table: pd.DataFrame) -> str:
    shown = table[table["variant"] == BASELINE]
    row = table.loc[table["test_acc_mean"].idxmax()] if shown.empty else shown.iloc[0]
    sizes = "-".join(map(str, [784, *settings.network.hidden, 10]))
    reached = percent(row["test_acc_mean"])
    if row["test_acc_low"] == row["test_acc_low"]:  # not with one seed
        low, high = 100 * row["test_acc_low"], 100 * row["test_acc_high"]
        reached += f" (95 % interval over {row['seeds']} seeds: {low:.2f} to {high:.2f})"
    took = (
        f"Started from “{row['label']}”, the network {sizes} classifies {reached} of "
        f"{NAMES[settings.data.name]}’s test images correctly"
    )
    chance = percent(results.commonest)
    stuck = set(table.loc[table["outcome"] == "stuck", "variant"])
    if not stuck:
        return f"{took}, and none of the {len(table)} starts measured here is stuck at {chance}."
    same = [
        v for v in settings.variants if settings.network_of(v).hidden == settings.network.hidden
    ]
    others = [variant for variant in settings.variants if variant not in same]
    ends = f"{len(stuck & set(same))} of its {len(same)} starts"
    if others:
        ends += f", and {len(stuck & set(others))} of {len(others)} of another network,"
    return (
        f"{took}; {ends} lead nowhere: they end at {chance}, which is what naming one digit for "
        "every image scores."
    )


def _why(settings: Params, results: Measured, table: pd.DataFrame) -> str:
    reasons = []
    equal = _equal(results, table)
    if equal is not None:
        width = settings.network_of(equal.variant).hidden[0]
        reasons.append(
            f"units that are equal in all their weights stay equal (from “{equal.label}” the "
            f"{width} units of the first layer remain copies of one, and reach "
            f"{percent(equal.test_acc_mean)})"
        )
    silent = [
        row
        for row in table.itertuples()
        if row.outcome == "stuck"
        and results.probe(row.variant, "fc1", "weight_gradient_zeros").min() == 1
    ]
    stuck = list(table["outcome"]).count("stuck")
    if silent:
        label = next((r.label for r in silent if r.variant == "zero_fc1"), silent[0].label)
        reasons.append(
            f"no gradient passes units that answer 0 (in {len(silent)} of the {stuck} stuck "
            f"starts, like “{label}”, that of the first layer is always exactly 0)"
        )
    noise = _noise(settings)
    if noise is not None:
        constant, pairs = noise
        least, variant = next((e, v) for e, v in pairs if e)
        if results.learns(variant).all():
            reasons.append(
                f"a little noise breaks the tie (from weights of {constant:g} with noise of "
                f"{power(least)} the network reaches {percent(results.accuracy(variant).mean())})"
            )
    if not reasons:
        return "This study has none of the variants that show why; see the figures below."
    return "Learning takes units that differ and gradients that arrive: " + "; ".join(reasons) + "."


def _noise(settings: Params) -> tuple[float, list[tuple[float, str]]] | None:
    """The constant that has the most levels of noise around it, and these, by ε."""
    levels = {c: pairs for c, pairs in noise_levels(settings).items() if pairs[-1][0]}
    return max(levels.items(), key=lambda item: len(item[1]), default=None)


def _equal(results: Measured, table: pd.DataFrame):
    """The best variant that learns a little, though fc1's units remain equal."""
    found = [
        row
        for row in table.itertuples()
        if row.outcome == "learns partly"
        and results.probe(row.variant, "fc1", "distinct_units").max() == 1
    ]
    return max(found, key=lambda row: row.test_acc_mean, default=None)


def _claims(audit: list[dict]) -> str:
    verdicts = Counter(row["verdict"] for row in audit)
    tested = len(audit) - verdicts[rules.UNTESTED]
    if not tested:
        return f"None of the lecture's {len(audit)} claims could be tested with these settings."
    words = f"Of the {tested} claims of the lecture that were tested, {verdicts[rules.HOLDS]} "
    words += "holds" if verdicts[rules.HOLDS] == 1 else "hold"
    words += f" as stated, {verdicts[rules.CORRECTED]} with a correction"
    fails = verdicts[rules.FAILS]
    return f"{words}, and {fails or 'none'} {'does' if fails == 1 else 'do'} not hold" + (
        ":" if fails else "."
    )


def deep(settings: Params) -> dict[str, str]:
    """The variant that shows a scheme at work in a deep ReLU network, by scheme."""
    named = {scheme: f"deep_{scheme}_adam" for scheme in SCHEMES}
    return {
        scheme: variant
        for scheme, variant in named.items()
        if variant in settings.variants and settings.network_of(variant).activation == "relu"
    }


def about(settings: Params, results: Measured, table: pd.DataFrame) -> dict[str, str]:
    """Two sentences for every figure that is not self-evident, by its name."""
    return {
        "who_moved": _about_moves(results, table),
        "dead_units": _about_dead(settings, results, table),
        "noise": _about_noise(settings, results),
        "depth": _about_depth(settings, results),
    }


def _about_moves(results: Measured, table: pd.DataFrame) -> str:
    stuck = [row.variant for row in table.itertuples() if row.outcome == "stuck"]
    still = [v for v in stuck if not results.probe(v, None, "weight_move", -1).any()]
    first = (
        "A value stays where it is, to the last bit, if every gradient it got was exactly 0, or "
        "too small to change a 32-bit number."
    )
    if not stuck:
        return first
    return (
        f"{first} In {len(still)} of the {counted(len(stuck), 'start')} that never "
        f"{'learn' if len(stuck) > 1 else 'learns'}, no weight of a hidden layer has moved at all."
    )


def _about_dead(settings: Params, results: Measured, table: pd.DataFrame) -> str:
    first = (
        f"A ReLU unit that answers 0 to every one of {PROBED} images passes no gradient on, and a "
        "layer of such units cuts off all that lies below it."
    )
    shares = {v: dead_share(settings, results, v) for v in table["variant"]}
    relu = [variant for variant, share in shares.items() if share is not None]
    if not relu:
        return f"{first} No network of this study has ReLU units."
    cut = [f"“{settings.label_of(v)}”" for v in relu if _has_dead_layer(results, v)]
    words = f"At the end that is so in every seed of {len(cut)} of {len(relu)} starts with ReLU"
    words += f" ({', '.join(cut)})" if cut else ""
    if BASELINE in relu:
        words += f"; in “{settings.label_of(BASELINE)}” {percent(shares[BASELINE])} of the units "
        words += "are dead"
    return f"{first} {words}."


def dead_share(settings: Params, results: Measured, variant: str) -> float | None:
    """The share of all hidden units that are dead at the end, mean over seeds; None: no ReLU."""
    *layers, _ = results.layers(variant)
    sizes = dict(zip(layers, settings.network_of(variant).hidden, strict=False))
    shares = [results.probe(variant, layer, "dead_fraction", -1) for layer in layers]
    if not all(len(share) for share in shares):
        return None
    means = [share.mean() for share in shares]
    return float(np.average(means, weights=list(sizes.values())))


def _has_dead_layer(results: Measured, variant: str) -> bool:
    *layers, _ = results.layers(variant)
    return any((results.probe(variant, layer, "dead_fraction", -1) == 1).all() for layer in layers)


def _about_noise(settings: Params, results: Measured) -> str:
    noise = _noise(settings)
    if noise is None:
        return "params.yaml has no constant with noise around it."
    constant, pairs = noise
    ends = [
        f"{percent(results.accuracy(variant).mean())} with noise of {power(epsilon)}"
        if epsilon
        else f"{percent(results.accuracy(variant).mean())} without noise"
        for epsilon, variant in pairs
    ]
    least, variant = next((e, v) for e, v in pairs if e)
    before, after = (results.probe(variant, "fc1", "symmetry_gap", e).mean() for e in (0, 1))
    enough = "is enough" if results.learns(variant).all() else "is not enough"
    return (
        f"The least noise that was tried, {power(least)}, {enough}: with all weights at "
        f"{constant:g} the network ends at {_listed(ends)}. "
        f"The least noise opens a gap of {power(before)} between units, and one epoch of training "
        f"makes it {after:.1g}."
    )


def _about_depth(settings: Params, results: Measured) -> str:
    found = deep(settings)
    if not found:
        return "params.yaml has no deep_default_adam, deep_xavier_adam or deep_he_adam."
    kept, ends = [], []
    for scheme, variant in found.items():
        *hidden, _ = results.layers(variant)
        stds = [results.probe(variant, layer, "gradient_std", 0).mean() for layer in hidden]
        if len(hidden) > 1 and stds[-1] > 0:
            gain = (stds[0] / stds[-1]) ** (2 / (len(hidden) - 1))
            kept.append(f"{gain:.3f} with {SCHEMES[scheme]} (theory: {GAINS[scheme][1]})")
        ends.append(f"{SCHEMES[scheme]} {percent(t_interval(results.accuracy(variant))[0])}")
    epochs = counted(results.epochs(next(iter(found.values()))), "epoch")
    words = (
        f"Before training, a hidden layer multiplies the gradient's variance by {_listed(kept)}."
    )
    return f"{words} After {epochs} of Adam: {_listed(ends)}."


def differs(settings: Params, variant: str) -> bool:
    """Whether a variant has a network or a training of its own."""
    same_network = settings.network_of(variant) == settings.network
    return not (same_network and settings.training_of(variant) == settings.training)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
