"""Compares training with docs/plain.py: the same weights in its network, the same batches."""

import torch
from torch import Tensor, nn

from docs import plain
from stages.training.data import Images
from stages.training.mlp import layout
from stages.training.mlp.engine import State
from stages.training.plan import Plan, tensor_names

OPTIMIZERS = {
    "adam": {"optimizer": "adam", "lr": 0.001},
    "sgd": {"optimizer": "sgd", "lr": 0.05},
    "sgd with momentum": {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9},
}


def tensors(plan: Plan, state: State) -> dict[str, Tensor]:
    """A state's weights by name, as views."""
    return layout.named(plan.sizes, state.weights)


def moved_at(plan: Plan, state: State) -> dict[str, int]:
    """The steps at which tensors first moved, by name, without those that never did."""
    pairs = zip(tensor_names(plan.hidden), state.moved_at.tolist(), strict=True)
    return {name: step for name, step in pairs if step}


def plain_network(sizes: list[int], activation: str, flat: layout.Flat) -> nn.Sequential:
    """docs/plain.py's network with copies of our tensors."""
    ours = layout.named(sizes, flat)
    model = plain.network(sizes, activation).to(ours["out.bias"].dtype)
    model.load_state_dict(ours)
    return model


def normalized(pixels: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    return (pixels.to(dtype) / 255 - 0.1307) / 0.3081


def batches(images: Images, order: Tensor, plan: Plan, dtype: torch.dtype) -> list:
    """The batches that an epoch with this order of the images trains on."""
    return [
        (normalized(images.pixels[rows], dtype), images.labels[rows])
        for rows in order.split(plan.batch_size)
    ]
