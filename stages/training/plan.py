"""The plan of a variant: everything that decides its bits, and nothing else.

`check` writes one for each variant as data/plans/VARIANT.json; `train` reads it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from stages.training import integrity

BUILT_IN = "mlp"  # the fully connected network of kernel.c; all others are files
MOST_LAYERS = 256  # of the built-in network: kernel.c keeps pointers to each

# Mean and standard deviation of MNIST's training pixels, scaled to [0, 1].
MEAN, STD = 0.1307, 0.3081

# What computes and writes a trained network.
PACKAGES = ("numpy", "safetensors", "torch", "ziglang")


@dataclass(frozen=True)
class Fill:
    """How one tensor is filled before training.

    `initializer` is a function of torch.nn.init without its last underscore, the name of a
    file in stages/initializers, or `default`: what torch.nn.Linear does. `arguments` are its
    keyword arguments, all of them, with numbers in the type that the function declares.
    """

    initializer: str
    arguments: Mapping[str, Any]


DEFAULT = Fill("default", {})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A variant, fully resolved.

    `shape` is that of an example, channels first, `examples` how many there are for training, and
    `limit` how many of them are used (None: all). `network` is BUILT_IN, with its `hidden` widths,
    its `activation` and the side of the square in the middle of an image that it sees (`crop`,
    None: all of it), or the name of a file in stages/networks with the `arguments` of its `build`.
    `layers` has the number of units of every layer that is probed, from the input to the output,
    and 0 for parameters that are no layer; `tensors` the fill of every tensor by its name;
    `momentum` is that of SGD. `files` has the SHA-256 of every file of the user's that runs,
    `packages` the versions of PACKAGES.
    """

    data: str
    shape: tuple[int, ...]
    classes: int
    examples: int
    limit: int | None
    seeds: int
    network: str = BUILT_IN
    arguments: Mapping[str, Any] = field(default_factory=dict)
    crop: int | None = None
    hidden: tuple[int, ...]
    activation: str | None
    layers: Mapping[str, int]
    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    momentum: float
    weight_decay: float = 0.0
    tensors: Mapping[str, Fill]
    files: Mapping[str, str]
    packages: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Read what `as_json` wrote; raises OSError, and DamagedError for anything else."""
        return cls.of(integrity.read_json(path))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Plan":
        """The plan that `asdict` made these values of."""
        tensors = {name: Fill(**fill) for name, fill in values["tensors"].items()}
        lists = {name: tuple(values[name]) for name in ("hidden", "shape")}
        return cls(**{**values, **lists, "tensors": tensors})

    def as_json(self) -> str:
        """The plan as text; equal plans are equal texts."""
        return integrity.as_json(asdict(self))

    @property
    def sizes(self) -> list[int]:
        """The widths of all layers of the built-in network, from the pixels to the classes."""
        channels = math.prod(self.shape[:-2])
        seen = channels * self.crop**2 if self.crop else math.prod(self.shape)
        return [seen, *self.hidden, self.classes]

    @property
    def parameters(self) -> int:
        """How many weights and biases the built-in network has."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self.sizes))

    @property
    def images(self) -> int:
        """How many examples an epoch trains on."""
        return self.limit or self.examples

    @property
    def steps_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return -(-self.images // self.batch_size)


def layer_names(hidden: Sequence[int]) -> list[str]:
    """`fc1` … `fcN` for the hidden layers, then `out`."""
    return [f"fc{i}" for i in range(1, len(hidden) + 1)] + ["out"]


def tensor_names(hidden: Sequence[int]) -> list[str]:
    """`fc1.weight`, `fc1.bias`, …, `out.bias`, in the order in which they are filled."""
    return [f"{layer}.{kind}" for layer in layer_names(hidden) for kind in ("weight", "bias")]
