"""Which variants a claim or a figure is about: found by their plans, whatever their names.

A plan (data/plans) is everything that decides a variant's results. An initialization is a condition
on the tensors of a plan, a setting is a condition on all the rest.
"""

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from stages.training.laws import Law, law, rounded

PlanValues: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Setting:
    """A network, its data and its training: everything in a plan but its tensors."""

    words: str
    values: dict[str, Any]

    def departures(self, plan: PlanValues) -> list[tuple[str, Any, Any]]:
        """The keys in which a plan differs, each with its value and the setting's."""
        return [(key, plan[key], value) for key, value in self.values.items() if plan[key] != value]


@dataclass(frozen=True)
class Initialization:
    """Initial values of a network's tensors, in a setting; `fills`: whether a plan has them."""

    words: str
    setting: Setting
    fills: Callable[[PlanValues], bool]


def find(plans: Mapping[str, PlanValues], initialization: Initialization) -> list[str]:
    """The names of plans with this initialization in its setting; of equal laws only the first."""
    found: dict[str, str] = {}
    for name, plan in plans.items():
        if not initialization.setting.departures(plan) and initialization.fills(plan):
            found.setdefault(json.dumps(laws(plan, "weight", "bias")), name)
    return list(found.values())


def nearest(
    plans: Mapping[str, PlanValues], initialization: Initialization
) -> tuple[str, list[tuple[str, Any, Any]]] | None:
    """The plan with this initialization whose setting departs least, and its departures."""
    found = [
        (name, initialization.setting.departures(plan))
        for name, plan in plans.items()
        if initialization.fills(plan)
    ]
    return min(found, key=lambda one: len(one[1]), default=None)


XAVIER = {("xavier_normal", 1.0), ("xavier_uniform", 1.0)}
HE = {rounded((f"kaiming_{shape}", "fan_in", 2**0.5)) for shape in ("normal", "uniform")}
# U(±1/√fan_in): PyTorch's default, which `laws` also recognizes in other words.
DEFAULT_LAW, ZERO = ("default", "{}"), ("constant", 0.0)
SPELLED_OUT = rounded(("kaiming_uniform", "fan_in", 3**-0.5))  # with a = √5, as torch.nn.Linear
USUAL = {DEFAULT_LAW}
GAUSSIAN = {("kaiming_normal", "fan_in", 1.0)}  # N(0, 1/fan_in)
ORTHOGONAL = {("orthogonal", 1.0)}
SIZED = XAVIER | HE | USUAL | GAUSSIAN | ORTHOGONAL  # random, of a size that somebody recommends
HADAMARD = {rounded(("hadamard", 2**0.5))}
IDENTITY, LSUV = {("eye", "{}")}, {("lsuv", "{}")}


def laws(plan: PlanValues, *kinds: str) -> list[Law]:
    """The laws of every `weight`, every `bias`, or both; one that equals the default's is that."""
    fills = [
        fill
        for tensor, fill in sorted(plan["tensors"].items())
        if any(kind in tensor.rpartition(".")[2] for kind in kinds)
    ]
    found = [law(fill["initializer"], fill["arguments"]) for fill in fills]
    return [DEFAULT_LAW if rounded(drawn) == SPELLED_OUT else drawn for drawn in found]


def constant(plan: PlanValues) -> float | None:
    """The value of every element of every tensor, if they are all equal."""
    match list(set(laws(plan, "weight", "bias"))):
        case [("constant", value)]:
            return value
    return None


def alone(plan: PlanValues, layer: str) -> float | None:
    """The value of all of a layer, if all other tensors have torch.nn.Linear's default."""
    own, rest = (
        {t: fill for t, fill in plan["tensors"].items() if t.startswith(f"{layer}.") is inside}
        for inside in (True, False)
    )
    others = laws({"tensors": rest}, "weight", "bias")
    return constant({"tensors": own}) if set(others) == {DEFAULT_LAW} else None


def default(plan: PlanValues) -> bool:
    """Whether every tensor has torch.nn.Linear's default."""
    return set(laws(plan, "weight", "bias")) == {DEFAULT_LAW}


def weights(known: Container[Law]) -> Callable[[PlanValues], bool]:
    """Whether all weights are of these laws, and all biases 0."""

    def fills(plan: PlanValues) -> bool:
        zero = set(laws(plan, "bias")) == {ZERO}
        return zero and all(rounded(drawn) in known for drawn in laws(plan, "weight"))

    return fills


def twice(plan: PlanValues) -> bool:
    """Whether every hidden unit exists twice, with equal weights in and out; biases are 0."""

    def doubles(tensor: str, fill: dict[str, Any]) -> bool:
        given = {"rows": 1 + (tensor != "out.weight"), "columns": 1 + (tensor != "fc1.weight")}
        return fill == {"initializer": "duplicated", "arguments": given | {"noise": 0.0}}

    of_weights = [one for one in plan["tensors"].items() if one[0].endswith("weight")]
    return set(laws(plan, "bias")) == {ZERO} and all(doubles(*one) for one in of_weights)


def filled(*patterns: tuple[str, Law]) -> Callable[[PlanValues], bool]:
    """Whether every tensor has the law of the last pattern that its name matches, with * for any
    part; PyTorch's default without one."""

    def fills(plan: PlanValues) -> bool:
        for tensor, fill in plan["tensors"].items():
            expected = [drawn for pattern, drawn in patterns if fnmatchcase(tensor, pattern)]
            [found] = laws({"tensors": {f"{tensor}.weight": fill}}, "weight")
            if rounded(found) != rounded([DEFAULT_LAW, *expected][-1]):
                return False
        return True

    return fills


def copies(plan: PlanValues) -> int:
    """How many copies with equal incoming weights every unit of the first layer starts with."""
    fill = next(iter(plan["tensors"].values()))
    exact = fill["initializer"] == "duplicated" and not fill["arguments"]["noise"]
    return int(fill["arguments"]["rows"]) if exact else 1


def around(plan: PlanValues, constant: float, noise: float) -> bool:
    """Whether all weights are a constant with normal noise of this size, and all biases it."""
    weights, biases = set(laws(plan, "weight")), set(laws(plan, "bias"))
    return weights == {("normal", constant, noise)} and biases == {("constant", constant)}


def deterministic(plan: PlanValues) -> bool:
    """Whether nothing is drawn at random, and the weights are not all constant."""
    names = {name for name, *_ in laws(plan, "weight")}
    biases = {name for name, *_ in laws(plan, "bias")}
    return names | biases <= {"constant", "eye", "hadamard"} and names != {"constant"}
