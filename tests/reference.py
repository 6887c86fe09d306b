"""The lecture's way of training, in plain torch.nn and torch.optim: the oracle for ours."""

import dataclasses

import torch

from stages import mnist, network
from stages.params import Training, Variant
from stages.training import State, Study

MODULES = {
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
    "gelu": torch.nn.GELU,
}


OPTIMIZERS = {
    "adam": {"optimizer": "adam", "lr": 0.001},
    "sgd": {"optimizer": "sgd", "lr": 0.05},
    "sgd with momentum": {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9},
}


def sequential(net: network.Tensors, activation: str) -> torch.nn.Sequential:
    """An nn.Sequential with copies of a network's tensors."""
    modules = []
    for weight, bias in zip(net.weights, net.biases, strict=True):
        linear = torch.nn.Linear(*reversed(weight.shape), dtype=weight.dtype)
        linear.weight.data.copy_(weight)
        linear.bias.data.copy_(bias)
        modules += [linear, MODULES[activation]()]
    return torch.nn.Sequential(*modules[:-1])


def optimizer(model: torch.nn.Module, training: Training) -> torch.optim.Optimizer:
    """What params.yaml's `optimizer` stands for."""
    if training.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=training.lr)
    return torch.optim.SGD(model.parameters(), lr=training.lr, momentum=training.momentum)


def train_epoch(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    images: mnist.Images,
    order: torch.Tensor,
    batch_size: int,
) -> tuple[float, float]:
    """One epoch in a given order; the mean loss and the accuracy counted on the way."""
    dtype = next(model.parameters()).dtype
    loss_sum = correct = 0.0
    for batch in order.split(batch_size):
        pixels, labels = images.pixels[batch], images.labels[batch]
        x = (pixels.to(dtype) / 255 - mnist.MEAN) / mnist.STD
        optimizer.zero_grad()
        logits = model(x)
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        correct += (logits.argmax(1) == labels).sum().item()
    return loss_sum / len(order), correct / len(order)


def with_start(study: Study, **entries: dict) -> Study:
    """The study with another variant, as params.yaml would have it."""
    return dataclasses.replace(study, variant=Variant.model_validate(entries))


def tensors(study: Study, state: State) -> dict[str, torch.Tensor]:
    """A state's weights by name."""
    return network.Tensors(study.sizes, torch.from_numpy(state.weights)).named()
