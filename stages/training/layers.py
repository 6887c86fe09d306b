"""The layers of a torch.nn.Module that probes look at, and what they see there.

A unit is an output channel. Every gate of a recurrent layer, and each of queries, keys and values
in a packed projection, is a layer of its own: a part of the tensors that PyTorch keeps together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from stages.training.probes import View
from stages.training.structure import Parameter, Structure

MIXING = (
    nn.Linear, nn.Bilinear, _ConvNd, nn.Embedding, nn.EmbeddingBag, nn.RNNBase, nn.RNNCellBase,
    nn.MultiheadAttention,
)  # fmt: skip
# In the order in which PyTorch stacks them.
GATES = {
    "LSTM": "ifgo", "LSTMCell": "ifgo", "GRU": "rzn", "GRUCell": "rzn", "RNN": "h", "RNNCell": "h",
}  # fmt: skip
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Slice:
    """Rows of a tensor, by its name: part `index` of `parts` equal ones."""

    name: str
    index: int = 0
    parts: int = 1

    def of(self, tensors: Tensors) -> Tensor:
        """These rows among the tensors of a network."""
        tensor = tensors[self.name]
        return tensor if self.parts == 1 else tensor.chunk(self.parts)[self.index]


@dataclass(frozen=True)
class Part:
    """A probed layer: its tensors, and where its outputs appear.

    `module` is the name of the module whose outputs are those of the layer, all or part `index` of
    `parts` of its channels, along `axis`; None where PyTorch does not show them. A row of a weight
    is a unit, unless `turned`, where a column is; without `has_units` the values stand alone.
    """

    name: str
    weights: tuple[Slice, ...] = ()
    biases: tuple[Slice, ...] = ()
    module: str | None = None
    axis: int = -1
    index: int = 0
    parts: int = 1
    turned: bool = False
    has_units: bool = True

    def kinds(self) -> Iterator[tuple[str, tuple[Slice, ...]]]:
        """The kinds of tensors that it has, each with its slices."""
        yield from ((k, s) for k, s in (("weight", self.weights), ("bias", self.biases)) if s)

    def incoming(self, tensors: Tensors) -> npt.NDArray[Any]:
        """The weights `[units, inputs]`."""
        return torch.cat([self._rows(s.of(tensors)) for s in self.weights], 1).numpy()

    def _rows(self, weight: Tensor) -> Tensor:
        return (weight.transpose(0, 1) if self.turned else weight).flatten(1)

    def bias(self, tensors: Tensors) -> npt.NDArray[Any] | None:
        """The sum of its biases `[units]`: a recurrent layer has two."""
        if not self.biases:
            return None
        return torch.stack([s.of(tensors) for s in self.biases]).sum(0).numpy()

    def units(self, tensors: Tensors) -> int:
        """How many units it has."""
        return len(self._rows(self.weights[0].of(tensors))) if self.has_units else 0

    def view(
        self, watch: "Watch", now: Tensors, initial: Tensors, gradients: Tensors,
        moved: Mapping[str, int],
    ) -> View:  # fmt: skip
        """What probes look at."""

        def values(tensors: Tensors) -> Any:
            known = ([s for s in kind if s.name in tensors] for kind in (self.weights, self.biases))
            return tuple(
                torch.cat([s.of(tensors).flatten() for s in slices]).numpy() if slices else None
                for slices in known
            )

        outputs, deltas = watch.seen(self)
        return View(
            layer=self.name,
            now=values(now),
            initial=values(initial),
            gradients=values(gradients),
            moved_at=(moved.get(f"{self.name}/weight", 0), moved.get(f"{self.name}/bias", 0)),
            units=(self.incoming(now), self.bias(now)) if self.has_units else None,
            outputs=outputs,
            deltas=deltas,
            dead=None if deltas is None else np.logical_not(deltas.any((0, 1))),
        )


def of(net: nn.Module) -> list[Part]:
    """The layers of a network in the order in which it defines them; frozen ones have no units."""
    named = dict(net.named_parameters())  # a shared tensor once
    parts = [part for name, module in net.named_modules() for part in _parts(name, module, named)]
    return [
        part
        if any(named[s.name].requires_grad for _, slices in part.kinds() for s in slices)
        else replace(part, has_units=False)
        for part in parts
    ]


def _parts(name: str, module: nn.Module, named: Tensors) -> Iterator[Part]:
    prefix = f"{name}." if name else ""
    own = [prefix + leaf for leaf, _ in module.named_parameters(recurse=False)]
    own = [one for one in own if one in named]
    weights = [one for one in own if "weight" in one.rpartition(".")[2]]
    biases = [one for one in own if "bias" in one.rpartition(".")[2]]
    if type(module).__name__ in GATES:
        yield from _gates(name, GATES[type(module).__name__], weights, biases)
    elif isinstance(module, nn.MultiheadAttention):
        yield from _attention(name, weights, [one for one in biases if "in_proj" in one])
    elif isinstance(module, nn.Linear) and _is_packed(name, module):
        yield from _split(name, "qkv", (weights, biases), name)
    elif isinstance(module, MIXING) and weights:
        shown = not isinstance(module, nn.Bilinear)
        yield Part(
            name, _whole(weights), _whole(biases), module=name if shown else None,
            axis=1 if isinstance(module, _ConvNd) else -1,
            turned=isinstance(module, (_ConvTransposeNd, nn.Embedding, nn.EmbeddingBag)),
        )  # fmt: skip
    elif name and (weights or biases):
        yield Part(name, _whole(weights), _whole(biases), has_units=False)
    for alone in own:
        if not name or alone not in (*weights, *biases):
            yield Part(alone, _whole([alone]), has_units=False)


def _whole(names: list[str]) -> tuple[Slice, ...]:
    return tuple(map(Slice, names))


def _is_packed(name: str, module: nn.Linear) -> bool:
    """Whether a linear layer computes queries, keys and values at once, as its name says."""
    return "qkv" in name.rpartition(".")[2] and module.out_features % 3 == 0


def _split(
    name: str, letters: str, tensors: tuple[list[str], list[str]], module: str | None = None
) -> Iterator[Part]:
    """A layer for each part of packed weights and biases."""
    count = len(letters)
    for i, letter in enumerate(letters):
        weights, biases = (tuple(Slice(one, i, count) for one in names) for names in tensors)
        yield Part(f"{name}.{letter}", weights, biases, module, index=i, parts=count)


def _attention(name: str, weights: list[str], biases: list[str]) -> Iterator[Part]:
    """Queries, keys and values; their weights are packed unless they differ in width."""
    for i, letter in enumerate("qkv"):
        weight = Slice(weights[0], i, 3) if len(weights) == 1 else Slice(weights[i])
        yield Part(f"{name}.{letter}", (weight,), tuple(Slice(one, i, 3) for one in biases))


def _gates(name: str, letters: str, weights: list[str], biases: list[str]) -> Iterator[Part]:
    """A layer for every gate, of every layer and direction of a recurrent module.

    Their names end in `_l0`, `_l1` …, and `_reverse`; those of a cell do not.
    """

    def ending_of(tensor: str) -> str:
        return tensor.rpartition(".")[2].partition("_")[2][2:]

    stacked = [one for one in weights if "_hr" not in one]  # which an LSTM projects its state with
    endings = list(dict.fromkeys(map(ending_of, stacked)))
    for ending in endings:
        ours = (
            [one for one in stacked if ending_of(one) == ending],
            [one for one in biases if ending_of(one) == ending],
        )
        level = ending.replace("_l", "").replace("_", ".")
        yield from _split(f"{name}.{level}" if len(endings) > 1 else name, letters, ours)


def structure(net: nn.Module, outputs: int) -> Structure:
    """The layers and tensors of a network, whose modules compute so many outputs an example."""
    named = dict(net.named_parameters())
    parts = of(net)
    found = {}
    for name, tensor in named.items():
        owner, _, leaf = name.rpartition(".")
        kind = "bias" if "bias" in leaf else "weight"
        alone = not ("weight" in leaf or "bias" in leaf)
        mixes = isinstance(net.get_submodule(owner), MIXING)
        layer = name if alone or not owner else owner
        found[name] = Parameter(layer, kind, mixes, tensor.numel())
    return Structure({part.name: part.units(named) for part in parts}, found, outputs)


@dataclass
class Watch:
    """The outputs of modules, and the gradients at them, during one pass forward and back."""

    net: nn.Module
    parts: list[Part]
    outputs: dict[str, Tensor] = field(default_factory=dict)
    deltas: dict[str, Tensor] = field(default_factory=dict)

    def __enter__(self) -> "Watch":
        shown = {part.module for part in self.parts if part.module is not None}
        self._handles = [
            self.net.get_submodule(name).register_forward_hook(self._keep(name)) for name in shown
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _keep(self, name: str) -> Any:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and name not in self.outputs:
                self.outputs[name] = output.detach().clone()  # what follows can change it in place
                if output.requires_grad:
                    output.register_hook(lambda gradient: self.deltas.update({name: gradient}))

        return keep

    def seen(self, part: Part) -> tuple[npt.NDArray[Any] | None, npt.NDArray[Any] | None]:
        """Outputs and gradients of a layer as `[images, positions, units]`; None where unknown."""
        outputs, deltas = (kept.get(part.module or "") for kept in (self.outputs, self.deltas))
        return _channels(part, outputs), _channels(part, deltas)


def _channels(part: Part, tensor: Tensor | None) -> Any:
    if tensor is None:
        return None
    ours = tensor.movedim(part.axis, -1).chunk(part.parts, -1)[part.index]
    return ours.reshape(len(ours), -1, ours.shape[-1]).double().numpy()
