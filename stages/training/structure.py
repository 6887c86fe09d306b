"""The layers and tensors of a network, by the names that PyTorch gives them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """A tensor of a network: its `layer`, its `kind` there, and whether the layer mixes inputs.

    `kind` is `weight` or `bias`. Linear and recurrent layers, convolutions, attention and
    embeddings mix; normalizations do not, nor parameters that stand alone.
    """

    layer: str
    kind: str
    mixes: bool
    count: int


@dataclass(frozen=True)
class Structure:
    """The number of units of every probed layer, 0 for one without units; and every tensor.

    `outputs` counts the numbers that all layers compute for an example, about: for estimates.
    """

    layers: Mapping[str, int]
    tensors: Mapping[str, Parameter]
    outputs: int

    @property
    def parameters(self) -> int:
        """How many numbers all tensors have."""
        return sum(tensor.count for tensor in self.tensors.values())
