"""Which variants a claim or a figure is about: found by their plans, whatever their names.

A plan (data/plans) is everything that decides a variant's bits. A start is a condition on the
tensors of a plan, a setting on all the rest.
"""

import json
import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from stages.analysis.study import Study

Plan: TypeAlias = dict[str, Any]


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
    """The variants with this start in its setting; of those that draw the same only the first."""
    found: dict[str, str] = {}
    for name, variant in study.variants.items():
        if not start.setting.departures(variant.plan) and start.fills(variant.plan):
            found.setdefault(json.dumps(laws(variant.plan, "weight", "bias")), name)
    return list(found.values())


def nearest(study: Study, start: Start) -> tuple[str, list[tuple[str, Any, Any]]] | None:
    """The variant with this start whose setting departs least, and how; None: there is none."""
    found = [
        (name, start.setting.departures(variant.plan))
        for name, variant in study.variants.items()
        if start.fills(variant.plan)
    ]
    return min(found, key=lambda one: len(one[1]), default=None)


# ------------------------------------------------------------------------------------ laws

Law: TypeAlias = tuple[Any, ...]

# torch.nn.init.calculate_gain, but for that of leaky_relu, which has a slope.
GAINS = {"relu": 2**0.5, "tanh": 5 / 3, "selu": 0.75}
TINY = 1e-30  # a gain below this leaves no float32 but 0
NARROW = 6  # standard deviations: further out nothing is drawn


def law(name: str, given: dict[str, Any]) -> Law:
    """What an initializer draws, written the same whatever it is called with.

    `("constant", value)` for all that has one value, as the float32 that it becomes.
    """
    match name:
        case "constant":
            return "constant", _float32(given["val"])
        case "normal" if _is_point(given["mean"], given["std"]):
            return "constant", _float32(given["mean"])
        case "trunc_normal" if _is_point(given["mean"], given["std"]):
            return "constant", _float32(min(max(given["mean"], given["a"]), given["b"]))
        case "uniform" | "trunc_normal" if _float32(given["a"]) == _float32(given["b"]):
            return "constant", _float32(given["a"])
        case "sparse" if given["sparsity"] >= 1 or _is_point(0, given["std"]):
            return "constant", 0.0
        case "kaiming_normal" | "kaiming_uniform":
            gain = GAINS.get(given["nonlinearity"], 1.0)
            if given["nonlinearity"] == "leaky_relu":
                gain = 2**0.5 / math.hypot(1, 0.01 if given["a"] is None else given["a"])
            drawn: Law = name, given["mode"], gain
        case "scaled_normal":
            gain = math.sqrt(given["variance"])
            drawn = "kaiming_normal", "fan_in", gain
        case "xavier_normal" | "xavier_uniform" | "orthogonal" | "hadamard":
            gain = float(given["gain"])
            drawn = name, gain
        case "uniform":
            return name, _float32(given["a"]), _float32(given["b"])
        case "normal":
            return name, _float32(given["mean"]), given["std"]
        case "trunc_normal":
            return name, given["mean"], given["std"], given["a"], given["b"]
        case _:
            return name, json.dumps(given)
    return drawn if abs(gain) > TINY else ("constant", 0.0)


def _float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(str(np.float32(value))) + 0.0  # its shortest name, and no −0


def _is_point(mean: float, std: float) -> bool:
    return _float32(mean + NARROW * std) == _float32(mean - NARROW * std)


def nearly(drawn: Law) -> Law:
    """A law whose numbers have nine digits, to compare with the known ones."""
    return tuple(float(f"{v:.9g}") if isinstance(v, float) else v for v in drawn)


XAVIER = {("xavier_normal", 1.0), ("xavier_uniform", 1.0)}
HE = {nearly((f"kaiming_{shape}", "fan_in", 2**0.5)) for shape in ("normal", "uniform")}
# U(±1/√fan_in): also PyTorch's default.
USUAL = {("default", "{}"), nearly(("kaiming_uniform", "fan_in", 3**-0.5))}
GAUSSIAN = {("kaiming_normal", "fan_in", 1.0)}  # N(0, 1/fan_in)
ORTHOGONAL = {("orthogonal", 1.0)}
HADAMARD = {nearly(("hadamard", 2**0.5))}
IDENTITY, LSUV = {("eye", "{}")}, {("lsuv", "{}")}
DEFAULT, ZERO = ("default", "{}"), ("constant", 0.0)


# ------------------------------------------------------------------------------ conditions


def laws(plan: Plan, *kinds: str) -> list[Law]:
    """What every `weight` draws, every `bias`, or both."""
    fills = [fill for tensor, fill in sorted(plan["tensors"].items()) if tensor.endswith(kinds)]
    return [law(fill["initializer"], fill["arguments"]) for fill in fills]


def constant(plan: Plan) -> float | None:
    """The value that every element of every tensor has, if they are all equal."""
    found = set(laws(plan, "weight", "bias"))
    name, *value = found.pop()
    return value[0] if name == "constant" and not found else None


def fc1_alone(plan: Plan) -> float | None:
    """The value that all of fc1 has, if all other tensors are torch.nn.Linear's default."""
    own, rest = (
        {t: fill for t, fill in plan["tensors"].items() if t.startswith("fc1.") is inside}
        for inside in (True, False)
    )
    others = laws({"tensors": rest}, "weight", "bias")
    return constant({"tensors": own}) if set(others) == {DEFAULT} else None


def default(plan: Plan) -> bool:
    return set(laws(plan, "weight", "bias")) == {DEFAULT}


def weights(known: Container[Law]) -> Callable[[Plan], bool]:
    """Whether all weights are of these laws, and all biases 0."""

    def fills(plan: Plan) -> bool:
        zero = set(laws(plan, "bias")) == {ZERO}
        return zero and all(nearly(drawn) in known for drawn in laws(plan, "weight"))

    return fills


def twice(plan: Plan) -> bool:
    """Whether every hidden unit is there twice, with equal weights in and out; biases are 0."""

    def doubles(tensor: str, fill: dict[str, Any]) -> bool:
        given = {"rows": 1 + (tensor != "out.weight"), "columns": 1 + (tensor != "fc1.weight")}
        return fill == {"initializer": "duplicated", "arguments": given}

    of_weights = [one for one in plan["tensors"].items() if one[0].endswith("weight")]
    return set(laws(plan, "bias")) == {ZERO} and all(doubles(*one) for one in of_weights)


def copies(plan: Plan) -> int:
    """How often every unit of fc1 is there at the start, with equal weights in."""
    fill = plan["tensors"]["fc1.weight"]
    return int(fill["arguments"]["rows"]) if fill["initializer"] == "duplicated" else 1


def random(plan: Plan) -> bool:
    """Whether torch.nn.init draws every weight around 0; biases are 0 or the default."""
    return set(laws(plan, "bias")) <= {DEFAULT, ZERO} and all(map(around_0, laws(plan, "weight")))


def around_0(drawn: Law) -> bool:
    match drawn:
        case "uniform", a, b:
            return bool(a == -b)
        case "normal", mean, _:
            return bool(mean == 0)
        case "trunc_normal", mean, _, a, b:
            return bool(mean == 0 and a == -b)
    return drawn[0] in (
        "default", "xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform",
        "orthogonal", "sparse",
    )  # fmt: skip


def deterministic(plan: Plan) -> bool:
    """Whether nothing is drawn at random, and the weights are not all constant."""
    names = {name for name, *_ in laws(plan, "weight")}
    biases = {name for name, *_ in laws(plan, "bias")}
    return names | biases <= {"constant", "eye", "hadamard"} and names != {"constant"}


# --------------------------------------------------------------------------------- figures

SCHEMES: dict[str, Callable[[Plan], bool]] = {
    "default": default, "xavier": weights(XAVIER), "he": weights(HE),
}  # fmt: skip


def noise(study: Study) -> list[tuple[float, float, str]]:
    """Variants whose weights all start at c + ε·N(0, 1), as (c, ε, name) by ε.

    In the study's own network and training, of the constant c that has the most of them, and
    more than ε = 0; else none.
    """
    levels: dict[float, list[tuple[float, float, str]]] = {}
    for name in set(study.variants) - set(study.with_own_settings()):
        drawn, *others = set(laws(study.variants[name].plan, "weight"))
        match drawn:
            case "constant", value if not others:
                levels.setdefault(value, []).append((value, 0.0, name))
            case "normal", mean, std if not others and mean:
                levels.setdefault(mean, []).append((mean, std, name))
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
