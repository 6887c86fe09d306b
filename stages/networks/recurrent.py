"""A recurrent network over the rows of an image or the steps of a sequence."""

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor, nn

from stages.networks.shared.parts import require_at_least_1

KINDS: dict[str, Callable[..., nn.RNNBase]] = {
    "rnn": nn.RNN, "relu_rnn": partial(nn.RNN, nonlinearity="relu"), "gru": nn.GRU, "lstm": nn.LSTM,
}  # fmt: skip


def build(
    shape: tuple[int, ...],
    classes: int,
    kind: Literal["rnn", "relu_rnn", "gru", "lstm"] = "lstm",
    width: int = 64,
    layers: int = 1,
    patch: int = 1,
) -> nn.Module:
    """The layer `out` on the state of `cell` after the last step.

    A step's input is `patch` rows of an image, or values of a sequence, with all channels. PyTorch
    stacks the gates: `cell.weight_ih_l0` is `[gates · width, inputs]`, `cell.weight_hh_l0` is
    `[gates · width, width]`, and each has a bias. LSTM: input, forget, cell, output (Hochreiter &
    Schmidhuber 1997; Gers et al. 2000). GRU: reset, update, new (Cho et al. 2014,
    arXiv:1406.1078). RNN: a single one, with tanh (Elman 1990) or
    ReLU (Le et al. 2015, arXiv:1504.00941).
    """
    if len(shape) not in (2, 3):
        raise ValueError(f"needs images or sequences, channels first; an example is {shape}")
    require_at_least_1(width=width, layers=layers, patch=patch)
    if shape[1] % patch:
        raise ValueError(f"patch = {patch} must divide the {shape[1]} steps of {shape}")
    inputs = patch * shape[0] * math.prod(shape[2:])
    return Recurrent(KINDS[kind](inputs, width, layers, batch_first=True), classes)


class Recurrent(nn.Module):
    def __init__(self, cell: nn.RNNBase, classes: int):
        super().__init__()
        self.cell = cell
        self.out = nn.Linear(cell.hidden_size, classes)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.transpose(1, 2).reshape(len(x), -1, self.cell.input_size)  # [n, steps, inputs]
        return self.out(self.cell(steps)[0][:, -1])
