"""Variants that differ in one respect, which figures and findings compare: noise, and schemes."""

import json

from stages.analysis import initializations
from stages.analysis.study import Study

SCHEMES = {
    "default": initializations.default,
    "xavier": initializations.weights(initializations.XAVIER),
    "he": initializations.weights(initializations.HE),
}


def noise(study: Study) -> list[tuple[float, float, str]]:
    """Variants with weights c + ε·N(0, 1) in every layer, as (c, ε, name) by rising ε.

    In the study's own network and training, of the constant c that has most variants; empty
    without a variant of ε > 0 and another of the same c.
    """
    levels: dict[float, list[tuple[float, float, str]]] = {}
    for name in set(study.variants) - set(study.with_own_settings()):
        drawn, *others = set(initializations.laws(study.variants[name].plan, "weight"))
        match drawn:
            case "constant", value if not others:
                levels.setdefault(value, []).append((value, 0.0, name))
            case "normal", mean, std if not others and mean:
                levels.setdefault(mean, []).append((mean, std, name))
    found = [level for level in map(sorted, levels.values()) if level[-1][1] and level[1:]]
    return max(found, key=lambda level: (len(level), level), default=[])


def deep(study: Study) -> dict[str, str]:
    """The variants with SCHEMES in a ReLU network deeper than the study's, by scheme.

    Of all such networks and trainings, the one with most schemes; of equals the first.
    """
    found: dict[str, dict[str, str]] = {}
    for name, variant in study.variants.items():
        plan = variant.plan
        if plan["activation"] != "relu" or len(variant.hidden) <= len(study.network["hidden"]):
            continue
        rest = json.dumps({key: plan[key] for key in plan if key not in ("tensors", "files")})
        for scheme, fills in SCHEMES.items():
            if fills(plan):
                found.setdefault(rest, {}).setdefault(scheme, name)
    chosen = max(found.values(), key=len, default={})
    return {scheme: chosen[scheme] for scheme in SCHEMES if scheme in chosen}
