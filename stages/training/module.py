"""The engine of all other networks: a torch.nn.Module, trained with autograd and torch.optim."""

import errno
import io
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.training import layers
from stages.training.building import built, examples, initial_weights, initialized, structure_of
from stages.training.data import Images
from stages.training.initialization import first_line, noise
from stages.training.plan import Plan
from stages.training.probes import PROBED, View
from stages.training.seeds import Draws

__all__ = ["initial_weights", "structure_of"]  # of this engine

EXACT = False  # torch's bits depend on the processor
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


def begin(plan: Plan, train: Images, seed: int) -> "Learner":
    """A seed before training; raises InitializationError."""
    net = initialized(plan, seed, train.first(PROBED))
    return Learner(plan, seed, net, initial=_copies(net))


def start(plan: Plan, train: Images, seed: int) -> State:
    """The state of a seed before training; raises InitializationError."""
    learner = begin(plan, train, seed)
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
    for moved in found.moved:
        del found._unmoved[moved]
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
        trainable = {name for name, tensor in net.named_parameters() if tensor.requires_grad}
        self._unmoved = {
            f"{part.name}/{kind}": slices
            for part in self.layers
            for kind, slices in part.kinds()
            if any(one.name in trainable for one in slices)
        }

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
                logits = self._logits(examples(self.plan, images, rows))
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
        if not self._unmoved:
            return
        now = self._now
        for key, slices in list(self._unmoved.items()):
            if any(not torch.equal(one.of(now), one.of(self.initial)) for one in slices):
                self.moved[key] = self.steps
                del self._unmoved[key]

    @property
    def _now(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.net.named_parameters()}

    def score(self, images: Images) -> tuple[float, float, Tensor]:
        """The mean loss, the accuracy, and the logits `[n, classes]`."""
        self.net.eval()
        with torch.no_grad():
            logits = torch.cat([self._logits(x) for x in self._batches(images)])
        loss = functional.cross_entropy(logits, images.labels).item()
        return loss, (logits.argmax(1) == images.labels).float().mean().item(), logits

    def _logits(self, x: Tensor) -> Tensor:
        """The outputs; raises OSError, which names the file, for any error of the network."""
        try:
            logits: Tensor = self.net(x)
        except Exception as error:
            reason = f"fails for {len(x)} examples: {first_line(error)}"
            raise OSError(errno.EINVAL, reason, f"stages/networks/{self.plan.network}.py") from None
        return logits

    def _batches(self, images: Images) -> Iterator[Tensor]:
        for begin in range(0, len(images.labels), SCORE_ROWS):
            yield examples(self.plan, images, slice(begin, begin + SCORE_ROWS))

    def views(self, images: Images) -> list[View]:
        """Every layer, as seen with these images while training: with their own statistics."""
        return self._views(self._pass(images))

    def values(self) -> list[View]:
        """Every layer without images: no outputs, and gradients of 0."""
        self.optimizer.zero_grad()
        return self._views(layers.Watch(self.net, self.layers))

    def _pass(self, images: Images) -> layers.Watch:
        """What layers show during a pass forward and back, which leaves gradients."""
        buffers = {name: tensor.clone() for name, tensor in self.net.named_buffers()}
        self.net.train()
        self.optimizer.zero_grad()
        with torch.random.fork_rng(devices=[]), layers.Watch(self.net, self.layers) as watch:
            torch.manual_seed(0)
            logits = self._logits(examples(self.plan, images))
            functional.cross_entropy(logits, images.labels).backward()
        for name, tensor in self.net.named_buffers():
            tensor.copy_(buffers[name])
        return watch

    def _views(self, watch: layers.Watch) -> list[View]:
        gradients = {
            name: torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            for name, tensor in self.net.named_parameters()
            if tensor.requires_grad
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


def seconds(plan: Plan, steps: int, images: int, scored: int) -> float:
    """Seconds that one core takes to train on some images in some steps, and to score others.

    Of two steps, the second one is timed. Scoring takes a third of training.
    """
    key = repr((plan.network, plan.arguments, plan.batch_size))
    if key not in _timed:
        net, examples_ = built(plan, 0), noise(math.prod(plan.shape))
        one = Learner(plan, 0, net, _copies(net))
        for _ in range(2):
            begun = time.perf_counter()
            one.train(examples_, Draws(0, "timed"), plan.batch_size)
            _timed[key] = (time.perf_counter() - begun) / min(
                plan.batch_size, len(examples_.labels)
            )
    return _timed[key] * (images + scored / 3)


_timed: dict[str, float] = {}  # seconds for an example
