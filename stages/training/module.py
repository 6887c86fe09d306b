"""The engine of all other networks: a torch.nn.Module, trained with autograd and torch.optim."""

import importlib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.training import initialization, layers
from stages.training.data import TRAIN_IMAGES, Images
from stages.training.plan import MEAN, STD, Plan
from stages.training.probes import PROBED, View
from stages.training.seeds import Draws, generator
from stages.training.structure import Structure

CUSTOM = "stages.networks"
SCORE_ROWS = 256  # images that are scored at once
OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}


@dataclass(frozen=True)
class State:
    """A seed between two epochs, as bytes of torch.save, since it travels between processes.

    They hold the tensors `initial` and `now`, the `optimizer`, and by layer and kind the step at
    which a tensor first `moved`, and the number of `steps`.
    """

    seed: int
    next_epoch: int
    saved: bytes


class NetworkError(ValueError):
    """A file in stages/networks does not give a network that can be trained."""


def function(name: str) -> Callable[..., Any]:
    """The function `build` of a network's file; raises any error of it."""
    build: Callable[..., Any] = importlib.import_module(f"{CUSTOM}.{name}").build
    return build


def built(plan: Plan, seed: int) -> nn.Module:
    """The network of a plan with its own initialization, drawn from the seed.

    Raises any error of the file, and NetworkError if it gives no module.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "default").initial_seed())
        net = function(plan.network)(plan.shape, plan.classes, **plan.arguments)
    if not isinstance(net, nn.Module) or isinstance(net, layers.MIXING):
        raise NetworkError(
            f"build returned {type(net).__name__} instead of a torch.nn.Module that contains layers"
        )
    return net


def structure_of(plan: Plan) -> Structure:
    """The layers and tensors of the network, found by building it and taking examples through.

    Two, or one if an epoch has a batch of one. Raises any error of the file, and NetworkError if
    its outputs are no logits.
    """
    net, count = built(plan, 0), 0
    last = (plan.limit or TRAIN_IMAGES) % plan.batch_size or plan.batch_size
    rows = min(last, 2)
    if any(map(nn.parameter.is_lazy, net.parameters())):
        raise NetworkError("has lazy layers, which cannot be initialized; give their sizes")

    def add(_module: nn.Module, _inputs: object, output: object) -> None:
        nonlocal count
        count += output.numel() // rows if isinstance(output, Tensor) else 0

    handles = [module.register_forward_hook(add) for module in net.modules()]
    images = initialization.noise(math.prod(plan.shape)).first(rows)
    with torch.random.fork_rng(devices=[]):
        logits = net.train()(examples(plan, images))
    for handle in handles:
        handle.remove()
    shape = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if shape != (expected := [rows, plan.classes]):
        raise NetworkError(f"its outputs are {shape} instead of logits {expected}")
    if not logits.requires_grad:
        raise NetworkError("has no parameter that can be trained")
    return layers.structure(net, count)


def initial_weights(plan: Plan, seed: int, images: Images | None = None) -> dict[str, Tensor]:
    """Every parameter before training, by its name, and every buffer.

    `images` are for initializers with the argument `inputs`. Raises InitializationError.
    """
    return dict(_initialized(plan, seed, images).state_dict())


def _initialized(plan: Plan, seed: int, images: Images | None) -> nn.Module:
    net = built(plan, seed)
    with torch.no_grad():
        for name, tensor in net.named_parameters():
            inputs = partial(_inputs, plan, net, name, images)
            initialization.fill(plan.tensors[name], name, tensor.data, seed, inputs)
    return net


def _inputs(plan: Plan, net: nn.Module, name: str, images: Images | None) -> Tensor:
    """What the layer of a tensor gets for images: `[n, fan_in]`; the layers below are filled."""
    layer = net.get_submodule(name.rpartition(".")[0])
    if not isinstance(layer, nn.Linear):
        raise ValueError("looks at the inputs of a layer, which only linear layers provide")
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten(0, -2)))
    images = images or initialization.noise(math.prod(plan.shape))
    try:
        net.eval()(examples(plan, images))
    finally:
        handle.remove()
    if not seen:  # such as the last layer of nn.MultiheadAttention, whose tensors alone are used
        raise ValueError("looks at the inputs of a layer, and this one is never called")
    return seen[0]


def examples(plan: Plan, images: Images, rows: Tensor | slice = slice(None)) -> Tensor:
    """Some images as a network gets them: normalized, `[n, *shape]`."""
    pixels = images.pixels[rows].float().mul_(1 / (255 * STD)).sub_(MEAN / STD)
    return pixels.view(-1, *plan.shape)


def start(plan: Plan, train: Images, seed: int) -> State:
    """A seed before training; raises InitializationError."""
    net = _initialized(plan, seed, train.first(PROBED))
    learner = Learner(plan, seed, net, initial=_copies(net))
    learner.epoch = -1
    return learner.state()


def learner(plan: Plan, state: State) -> "Learner":
    """The network and the optimizer of a state."""
    saved = torch.load(io.BytesIO(state.saved), weights_only=True)
    net = built(plan, state.seed)
    net.load_state_dict(saved["now"])
    found = Learner(plan, state.seed, net, saved["initial"])
    found.optimizer.load_state_dict(saved["optimizer"])
    found.epoch, found.steps, found.moved = state.next_epoch, saved["steps"], saved["moved"]
    return found


def tensors_of(plan: Plan, state: State) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Every tensor before training and now, buffers included."""
    saved = torch.load(io.BytesIO(state.saved), weights_only=True)
    return saved["initial"], saved["now"]


def loaded(plan: Plan, tensors: Mapping[str, Tensor]) -> "Learner":
    """A network with these tensors, to be scored."""
    net = built(plan, 0)
    net.load_state_dict(dict(tensors))
    return Learner(plan, 0, net, {})


def _copies(net: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


class Learner:
    """A seed's network and optimizer, which training changes in place."""

    def __init__(self, plan: Plan, seed: int, net: nn.Module, initial: dict[str, Tensor]):
        self.plan, self.seed, self.net, self.initial = plan, seed, net, initial
        self.epoch = self.steps = 0
        self.moved: dict[str, int] = {}
        own: dict[str, Any] = {"lr": plan.lr, "weight_decay": plan.weight_decay, "fused": True}
        own |= {"momentum": plan.momentum} if plan.optimizer == "sgd" else {}
        trained = [tensor for tensor in net.parameters() if tensor.requires_grad]
        self.optimizer = OPTIMIZERS[plan.optimizer](trained, **own)
        self.layers = layers.of(net)

    def train(self, images: Images, draws: Draws, first: int | None = None) -> tuple[float, float]:
        """Train on every image once in a random order, or on the `first` so many of that order.

        The mean loss and the accuracy, counted on the way.
        """
        order = torch.from_numpy(draws.order(len(images.labels))[:first])
        total, right = 0.0, 0
        with torch.random.fork_rng(devices=[]):  # for dropout
            torch.manual_seed(int(draws.uniform(1)[0] * 2**52))
            self.net.train()
            for rows in order.split(self.plan.batch_size):
                labels = images.labels[rows]
                logits = self.net(examples(self.plan, images, rows))
                loss = functional.cross_entropy(logits, labels)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.steps += 1
                self._note_moves()
                total += loss.item() * len(rows)
                right += int((logits.argmax(1) == labels).sum())
        return total / len(order), right / len(order)

    def _note_moves(self) -> None:
        """Record the step at which a part of a tensor first differs from its initial values."""
        for part in self.layers:
            for kind, slices in part.kinds():
                key = f"{part.name}/{kind}"
                if key not in self.moved and any(
                    not torch.equal(s.of(self._now), s.of(self.initial)) for s in slices
                ):
                    self.moved[key] = self.steps

    @property
    def _now(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.net.named_parameters()}

    def score(self, images: Images) -> tuple[float, float, Tensor]:
        """The mean loss, the accuracy, and the logits `[n, classes]`."""
        self.net.eval()
        with torch.no_grad():
            logits = torch.cat([self.net(x) for x in self._batches(images)])
        loss = functional.cross_entropy(logits, images.labels).item()
        return loss, (logits.argmax(1) == images.labels).float().mean().item(), logits

    def _batches(self, images: Images) -> Iterator[Tensor]:
        for begin in range(0, len(images.labels), SCORE_ROWS):
            yield examples(self.plan, images, slice(begin, begin + SCORE_ROWS))

    def views(self, images: Images) -> list[View]:
        """Every layer, as seen with these images while training: with their own statistics."""
        buffers = {name: tensor.clone() for name, tensor in self.net.named_buffers()}
        self.net.train()
        self.optimizer.zero_grad()
        with torch.random.fork_rng(devices=[]), layers.Watch(self.net, self.layers) as watch:
            torch.manual_seed(0)
            logits = self.net(examples(self.plan, images))
            functional.cross_entropy(logits, images.labels).backward()
        for name, tensor in self.net.named_buffers():
            tensor.copy_(buffers[name])
        gradients = {
            name: torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            for name, tensor in self.net.named_parameters()
        }
        found = [
            part.view(watch, self._now, self.initial, gradients, self.moved) for part in self.layers
        ]
        self.optimizer.zero_grad()
        return found

    def state(self) -> State:
        """The state after one more epoch."""
        saved = {
            "initial": self.initial, "now": self.net.state_dict(), "steps": self.steps,
            "optimizer": self.optimizer.state_dict(), "moved": self.moved,
        }  # fmt: skip
        file = io.BytesIO()
        torch.save(saved, file)
        return State(self.seed, self.epoch + 1, file.getvalue())
