"""The lecture's experiment from top to bottom, in plain PyTorch.

    python docs/plain.py             trains from PyTorch's default weights
    python docs/plain.py all_zero    or from zero_fc1, all_zero or all_ones

One seed, an image at a time through a DataLoader: slow, and short enough to read. initlab trains
the same, faster. Its tests compare each result with the functions below, and `make bench` times
them. The images are those that `make repro` downloads.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

DATA = Path(__file__).resolve().parent.parent / "data" / "mnist"
SIZES = [784, 128, 64, 10]  # pixels, two hidden layers, digits
EPOCHS = 10

ACTIVATIONS = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU, "linear": nn.Identity,
}  # fmt: skip

Batches = Iterable[tuple[Tensor, Tensor]]  # images [n, …] and labels [n]


def network(sizes: list[int], activation: str = "relu") -> nn.Sequential:
    """Linear layers fc1, fc2, …, out with these widths, and an activation between them."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes[:-1]), start=1):
        layers[f"fc{i}"] = nn.Linear(fan_in, fan_out)
        layers[f"{activation}{i}"] = ACTIVATIONS[activation]()
    layers["out"] = nn.Linear(sizes[-2], sizes[-1])
    return nn.Sequential(layers)


def fill(layers: nn.Module, value: float) -> None:
    """Set all weights and biases to one value."""
    for tensor in layers.parameters():
        nn.init.constant_(tensor, value)


# Changes of PyTorch's default weights before training.
INITIALIZATIONS = {
    "baseline": lambda model: None,
    "zero_fc1": lambda model: fill(model.get_submodule("fc1"), 0),
    "all_zero": lambda model: fill(model, 0),
    "all_ones": lambda model: fill(model, 1),
}


def optimizer(model: nn.Module, name: str, lr: float, momentum: float = 0.0) -> Optimizer:
    """torch.optim's `adam`, or `sgd`, which alone has a momentum."""
    if name == "adam":
        return Adam(model.parameters(), lr=lr)
    return SGD(model.parameters(), lr=lr, momentum=momentum)


def train_epoch(model: nn.Module, optimizer: Optimizer, batches: Batches) -> tuple[float, float]:
    """Learn from every batch once; the mean loss and the accuracy, each taken before its step."""
    loss_sum, correct, count = 0.0, 0, 0
    for x, y in batches:
        optimizer.zero_grad()
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(y)
        correct += int((logits.argmax(1) == y).sum())
        count += len(y)
    return loss_sum / count, correct / count


@torch.no_grad()
def accuracy(model: nn.Module, batches: Batches) -> float:
    """The fraction of images whose largest logit is the label's."""
    hits = torch.cat([model(x).argmax(1) == y for x, y in batches])
    return int(hits.sum()) / len(hits)


class MNIST(datasets.MNIST):
    """torchvision's data set, read from a folder with the four files."""

    @property
    def raw_folder(self) -> str:
        return str(self.root)


def load(train: bool) -> DataLoader:
    """Batches of the training images, shuffled, or of the test images."""
    normalize = transforms.Normalize((0.1307,), (0.3081,))  # MNIST's mean and deviation
    transform = transforms.Compose([transforms.ToTensor(), normalize])
    return DataLoader(MNIST(DATA, train, transform), batch_size=64, shuffle=train)


def main() -> None:
    name = sys.argv[1] if sys.argv[1:] else "baseline"
    if name not in INITIALIZATIONS or not DATA.is_dir():
        sys.exit(f"usage, after `make repro`: python docs/plain.py [{'|'.join(INITIALIZATIONS)}]")
    torch.manual_seed(0)
    train_images, test_images = load(train=True), load(train=False)
    model = network(SIZES)
    INITIALIZATIONS[name](model)
    adam = optimizer(model, "adam", lr=0.001)
    for epoch in range(1, EPOCHS + 1):
        _, train_acc = train_epoch(model, adam, train_images)
        test_acc = accuracy(model, test_images)
        print(f"Epoch {epoch:2}/{EPOCHS} | Train Acc: {train_acc:.3f} | Test Acc: {test_acc:.3f}")


if __name__ == "__main__":
    main()
