"""Which variants a claim or a figure is about: found by their plans, whatever their names.

A plan (data/plans) is everything that decides a variant's bits. A start is a condition on the
tensors of a plan, a setting on all the rest.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from stages.analysis.study import Study

Plan: TypeAlias = dict[str, Any]

NOT_RANDOM = {"constant", "eye", "hadamard"}


@dataclass(frozen=True, eq=False)
class Setting:
    """A network, its data and its training: what a plan says beside its tensors."""

    words: str
    values: dict[str, Any]

    def departures(self, plan: Plan) -> list[tuple[str, Any, Any]]:
        """What a plan has otherwise: key, its value, and the setting's."""
        return [(key, plan[key], value) for key, value in self.values.items() if plan[key] != value]


@dataclass(frozen=True)
class Start:
    """A way to fill a network's tensors in a setting; `fills` tells whether a plan's do."""

    words: str
    setting: Setting
    fills: Callable[[Plan], bool]


def find(study: Study, start: Start) -> list[str]:
    """The variants with this start in its setting; of equal plans only the first."""
    found: dict[str, str] = {}
    for name, variant in study.variants.items():
        if not start.setting.departures(variant.plan) and start.fills(variant.plan):
            found.setdefault(json.dumps(variant.plan, sort_keys=True), name)
    return list(found.values())


def nearest(study: Study, start: Start) -> tuple[str, list[tuple[str, Any, Any]]] | None:
    """The variant with this start whose setting departs least, and how; None: there is none."""
    found = [
        (name, start.setting.departures(variant.plan))
        for name, variant in study.variants.items()
        if start.fills(variant.plan)
    ]
    return min(found, key=lambda one: len(one[1]), default=None)


# ------------------------------------------------------------------------------ conditions


def fills_of(plan: Plan, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Initializer and arguments of all `weight`s or `bias`es."""
    tensors = plan["tensors"].items()
    fills = (fill for tensor, fill in tensors if tensor.endswith(f".{kind}"))
    return [(fill["initializer"], fill["arguments"]) for fill in fills]


def constant(plan: Plan) -> float | None:
    """The value that every element of every tensor has, if they are all equal."""
    fills = fills_of(plan, "weight") + fills_of(plan, "bias")
    # As the float32 that it becomes: what is too small for that is 0.
    values = {float(np.float32(g["val"])) if name == "constant" else None for name, g in fills}
    return values.pop() if len(values) == 1 else None


def fc1_alone(plan: Plan) -> float | None:
    """The value that all of fc1 has, if all other tensors are torch.nn.Linear's default."""
    rest = {tensor: fill for tensor, fill in plan["tensors"].items() if "fc1." not in tensor}
    own = {t: fill for t, fill in plan["tensors"].items() if "fc1." in t}
    if not all(fill["initializer"] == "default" for fill in rest.values()):
        return None
    return constant(plan | {"tensors": own})


def zero_biases(plan: Plan) -> bool:
    return all(bias == ("constant", {"val": 0.0}) for bias in fills_of(plan, "bias"))


def weights(condition: Callable[[str, dict[str, Any]], bool]) -> Callable[[Plan], bool]:
    """Whether a condition on initializer and arguments is true of all weights; biases are 0."""

    def fills(plan: Plan) -> bool:
        return zero_biases(plan) and all(condition(*fill) for fill in fills_of(plan, "weight"))

    return fills


def default(plan: Plan) -> bool:
    return all(fill["initializer"] == "default" for fill in plan["tensors"].values())


def is_xavier(name: str, given: dict[str, Any]) -> bool:
    return name.startswith("xavier_") and given["gain"] == 1


def is_he(name: str, given: dict[str, Any]) -> bool:
    forward = name.startswith("kaiming_") and given["mode"] == "fan_in"
    return forward and given["nonlinearity"] == "relu"


def is_gaussian(name: str, given: dict[str, Any]) -> bool:
    """Std 1/√fan_in."""
    return (
        name == "kaiming_normal" and given["mode"] == "fan_in" and given["nonlinearity"] == "linear"
    )


def is_usual(name: str, given: dict[str, Any]) -> bool:
    """U(±1/√fan_in): PyTorch's default, or Kaiming's uniform with a = √5, to rounding."""
    kaiming = name == "kaiming_uniform" and given["nonlinearity"] == "leaky_relu"
    return name == "default" or (
        kaiming and given["mode"] == "fan_in" and abs(given["a"] ** 2 - 5) < 1e-9
    )


def is_hadamard(name: str, given: dict[str, Any]) -> bool:
    return name == "hadamard" and abs(given["gain"] ** 2 - 2) < 1e-9


def is_orthogonal(name: str, given: dict[str, Any]) -> bool:
    return name == "orthogonal" and given["gain"] == 1


def twice(plan: Plan) -> bool:
    """Whether every hidden unit is there twice, with equal weights in and out; biases are 0."""

    def doubles(tensor: str, fill: dict[str, Any]) -> bool:
        given = {"rows": 1 + (tensor != "out.weight"), "columns": 1 + (tensor != "fc1.weight")}
        return fill == {"initializer": "duplicated", "arguments": given}

    weights = {t: fill for t, fill in plan["tensors"].items() if t.endswith(".weight")}
    return zero_biases(plan) and all(doubles(*one) for one in weights.items())


def random(plan: Plan) -> bool:
    """Whether every weight is drawn at random, around 0, and every bias too or is 0."""
    biases = {name for name, given in fills_of(plan, "bias") if given != {"val": 0.0}}
    drawn = all(spread(name, given) > 0 for name, given in fills_of(plan, "weight"))
    return drawn and biases <= {"default"}


def spread(name: str, given: dict[str, Any]) -> float:
    """How wide weights are drawn around 0, in any unit; 0 where they are not, or as float32s."""
    if name == "uniform":
        wide = given["b"] if given["a"] == -given["b"] else 0
    elif name in ("normal", "trunc_normal"):
        wide = given["std"] if given["mean"] == 0 else 0
    elif name.startswith("xavier_") or name == "orthogonal":
        wide = abs(given["gain"])
    else:
        wide = float(name == "default" or name.startswith("kaiming_"))
    return float(np.float32(wide))


def deterministic(plan: Plan) -> bool:
    """Whether nothing is drawn at random, and the weights are not all constant."""
    names = [name for name, _ in fills_of(plan, "weight")]
    biases = [name for name, _ in fills_of(plan, "bias")]
    return {*names, *biases} <= NOT_RANDOM and set(names) != {"constant"}


# --------------------------------------------------------------------------------- figures

SCHEMES: dict[str, Callable[[Plan], bool]] = {
    "default": default, "xavier": weights(is_xavier), "he": weights(is_he),
}  # fmt: skip


def noise(study: Study) -> list[tuple[float, float, str]]:
    """Variants whose weights all start at c + ε·N(0, 1), as (c, ε, name) by ε.

    In the study's own network and training, of the constant c that has the most of them, and
    more than ε = 0; else none.
    """
    levels: dict[float, list[tuple[float, float, str]]] = {}
    for name in set(study.variants) - set(study.with_own_settings()):
        fills = fills_of(study.variants[name].plan, "weight")
        kind, given = fills[0]
        if any(fill != fills[0] for fill in fills):
            continue
        if kind == "constant":
            levels.setdefault(given["val"], []).append((given["val"], 0.0, name))
        elif kind == "normal" and given["mean"]:
            levels.setdefault(given["mean"], []).append((given["mean"], given["std"], name))
    # With something beside the constant alone.
    found = [level for level in map(sorted, levels.values()) if level[-1][1] and level[1:]]
    return max(found, key=lambda level: (len(level), level), default=[])


def deep(study: Study) -> dict[str, str]:
    """The variants that show SCHEMES in a deeper ReLU network than the study's, by the scheme.

    Of the networks and trainings there are, the one with the most schemes; then the first.
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
