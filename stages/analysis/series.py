"""Variants that differ in one respect, which figures and findings compare: noise, and schemes."""

import json

from stages.analysis import initializations
from stages.analysis.study import Study

SEEDED = ("tensors", "files", "seeds")  # in which variants of one network can differ
SCHEMES = {
    "default": initializations.default,
    "xavier": initializations.weights(initializations.XAVIER),
    "he": initializations.weights(initializations.HE),
}


def noise(study: Study) -> list[tuple[float, float, str]]:
    """Variants with weights c + ε·N(0, 1) in every layer, as (c, ε, name) by rising ε.

    In the study's own network and training, with equal biases, of the constant c that has most
    variants; of equal laws the first. Empty without a variant of ε > 0 and another of the same c.
    """
    levels: dict[str, dict[float, tuple[float, float, str]]] = {}
    own = study.with_own_settings()
    for name, variant in study.variants.items():
        drawn, *others = set(initializations.laws(variant.plan, "weight"))
        match drawn:
            case "constant", c if not others and name not in own:
                level = c, 0.0, name
            case "normal", c, std if not others and name not in own and c:
                level = c, std, name
            case _:
                continue
        alike = json.dumps([c, initializations.laws(variant.plan, "bias")])
        levels.setdefault(alike, {}).setdefault(level[1], level)
    found = [sorted(level.values()) for level in levels.values() if any(level) and len(level) > 1]
    return max(found, key=lambda level: (len(level), level), default=[])


def deep(study: Study) -> dict[str, str]:
    """The variants with SCHEMES in a ReLU network deeper than the study's, by scheme.

    Of all such networks and trainings, the one with most schemes; of equals the first.
    """
    found: dict[str, dict[str, str]] = {}
    for name, variant in study.variants.items():
        plan = variant.plan
        if plan["activation"] != "relu" or len(plan["hidden"]) <= len(study.network["hidden"]):
            continue
        rest = json.dumps({key: plan[key] for key in plan if key not in SEEDED})
        for scheme, fills in SCHEMES.items():
            if fills(plan):
                found.setdefault(rest, {}).setdefault(scheme, name)
    chosen = max(found.values(), key=len, default={})
    return {scheme: chosen[scheme] for scheme in SCHEMES if scheme in chosen}
