"""Which variants a claim or a figure is about: found by their plans, whatever their names.

A plan (data/plans) is everything that decides a variant's bits. A start is a condition on the
tensors of a plan, a setting on all the rest.
"""

import json
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, TypeAlias

from stages.analysis.study import Study
from stages.training.laws import Law, law, rounded

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

XAVIER = {("xavier_normal", 1.0), ("xavier_uniform", 1.0)}
HE = {rounded((f"kaiming_{shape}", "fan_in", 2**0.5)) for shape in ("normal", "uniform")}
# U(±1/√fan_in): also PyTorch's default.
USUAL = {("default", "{}"), rounded(("kaiming_uniform", "fan_in", 3**-0.5))}
GAUSSIAN = {("kaiming_normal", "fan_in", 1.0)}  # N(0, 1/fan_in)
ORTHOGONAL = {("orthogonal", 1.0)}
HADAMARD = {rounded(("hadamard", 2**0.5))}
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
        return zero and all(rounded(drawn) in known for drawn in laws(plan, "weight"))

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
