"""The study as `check` resolved it, and which variants belong together."""

import math
from dataclasses import dataclass, field
from typing import Any

BASELINE = "baseline"


def layers(hidden: list[int]) -> list[str]:
    """The names of the built-in network's layers, from the input to the output, by its widths."""
    return [f"fc{i}" for i, _ in enumerate(hidden, 1)] + ["out"]


@dataclass(frozen=True)
class Variant:
    """A variant: `written` is its entry in params.yaml, `plan` its file in data/plans."""

    name: str
    label: str
    group: str
    color: str | None
    written: dict[str, Any]
    plan: dict[str, Any]

    @property
    def units(self) -> dict[str, int]:
        """How many units its layers have, by name, from the input to the output."""
        return {name: units for name, units in self.plan["layers"].items() if units}

    @property
    def layers(self) -> list[str]:
        """Its layers by name, from the input to the output."""
        return list(self.units)

    @property
    def width(self) -> int:
        """How many units its first layer has."""
        return next(iter(self.units.values()))


@dataclass(frozen=True)
class Study:
    """Settings that are shared, and every variant by its name, in the order of params.yaml.

    `shape` is that of an example, channels first.
    `probed` counts the images with which networks are probed; `sweeps` has the label, axes, seeds
    and shown column of every sweep.
    """

    data: dict[str, Any]
    shape: tuple[int, ...]
    classes: int
    seeds: int
    network: dict[str, Any]
    training: dict[str, Any]
    probed: int
    variants: dict[str, Variant]
    sweeps: dict[str, dict[str, Any]] = field(default_factory=dict)
    questions: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Study":
        """The study that `check` describes."""
        variants = {name: Variant(name, **rest) for name, rest in values["variants"].items()}
        return cls(**values | {"variants": variants})

    @property
    def sizes(self) -> list[int]:
        """The widths of all layers of its own network, from the inputs to the classes."""
        return [math.prod(self.shape), *self.network["hidden"], self.classes]

    def repetitions(self, *names: str) -> str:
        """How many seeds some variants have, or all of them: like `5` or `5 to 20`."""
        counts = {self.variants[name].plan["seeds"] for name in names or self.variants}
        return " to ".join(map(str, sorted({min(counts), max(counts)})))

    def groups(self) -> dict[str, list[str]]:
        """The variants by the group that they are shown in."""
        found: dict[str, list[str]] = {}
        for variant in self.variants.values():
            found.setdefault(variant.group, []).append(variant.name)
        return found

    def first_group(self) -> list[str]:
        """The variants in the first one's group: the lecture's, in the study as it comes."""
        return next(iter(self.groups().values()))

    def same_layers(self) -> list[str]:
        """The variants that train the study's own network, layer by layer."""
        hidden = self.network["hidden"]
        return [v.name for v in self.variants.values() if v.plan["hidden"] == hidden]

    def with_own_settings(self) -> list[str]:
        """The variants that have a network or a training of their own."""
        shared = self.network | self.training
        return [
            v.name
            for v in self.variants.values()
            if any(v.plan[key] != value for key, value in shared.items())
        ]
