"""One epoch of one seed: the unit of work, the same bits whoever does it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from stages.training import data, network, probes
from stages.training.data import Dataset, Images
from stages.training.initialization import initial_weights
from stages.training.plan import CLASSES, Plan
from stages.training.seeds import generator

ONE = torch.tensor(1.0)  # adding a tensor takes half as long as adding a number
SCORED_BEFORE = 10_000  # training images that are scored before training: as many as for tests
GATHERED = 32  # batches fetched at once: calls are few, and the copy stays in the cache


@dataclass(frozen=True)
class Scores:
    """One seed after one epoch; epoch 0 is before training.

    Losses are mean cross-entropies in nats, accuracies fractions. The training figures
    are counted while the epoch runs, each batch before it is learned from; those of epoch 0
    are over the first SCORED_BEFORE images. `layers` are the probes of the network then.
    """

    seed: int
    epoch: int
    train_loss: float
    train_acc: float
    test_loss: float
    test_acc: float
    layers: tuple[probes.Layer, ...]


# All tensors of a network, one after the other, in the type that it is trained in.
Flat: TypeAlias = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class State:
    """A seed between two epochs: its flat weights now and before training, and its optimizer.

    NumPy arrays, because they travel between processes as plain bytes. `moved_at` has the
    step at which each tensor that ever moved first differed from its initial values.
    """

    seed: int
    next_epoch: int
    initial: Flat
    weights: Flat
    moments: tuple[Flat, Flat]
    steps: int
    moved_at: dict[str, int]


def initial_state(
    plan: Plan, train: Images, seed: int, dtype: torch.dtype = torch.float32
) -> State:
    """A seed before training; raises InitializationError."""
    net = network.allocate(plan.sizes, dtype)
    named = net.named()
    for name, values in initial_weights(plan, seed, train.first(probes.PROBED)).items():
        named[name].copy_(values)
    flat = net.flat.numpy()
    zeros = np.zeros_like(flat)
    return State(seed, 0, flat, flat, (zeros, zeros), 0, {})


@dataclass
class Learner:
    """A state as tensors, which training changes in place."""

    net: network.Tensors
    initial: network.Tensors
    moments: list[torch.Tensor]
    steps: torch.Tensor
    moved_at: dict[str, int]

    @classmethod
    def of(cls, plan: Plan, state: State) -> "Learner":
        """Copies of a state's arrays, and a view of the initial ones."""
        return cls(
            network.Tensors(plan.sizes, torch.tensor(state.weights)),
            network.Tensors(plan.sizes, torch.from_numpy(state.initial)),
            [torch.tensor(moment) for moment in state.moments],
            torch.tensor(float(state.steps)),
            dict(state.moved_at),
        )

    def after(self, state: State) -> State:
        """The state that follows `state`, with what was learned."""
        first, second = self.moments
        return replace(
            state,
            next_epoch=state.next_epoch + 1,
            weights=self.net.flat.numpy(),
            moments=(first.numpy(), second.numpy()),
            steps=int(self.steps),
            moved_at=self.moved_at,
        )


@torch.inference_mode()  # 5 % faster than merely having no gradients to record
def run_epoch(plan: Plan, dataset: Dataset, state: State) -> tuple[State, Scores]:
    """Take a seed through its next epoch; epoch 0 trains nothing and only scores."""
    learner = Learner.of(plan, state)
    net = learner.net
    if state.next_epoch == 0:
        train_scores = score(plan, net, dataset.train.first(SCORED_BEFORE))
    else:
        random = generator(state.seed, f"order/{state.next_epoch}")
        train_scores = train_epoch(plan, dataset.train, learner, random)
    test_scores = score(plan, net, dataset.test)
    layers = probes.measure(net, learner.initial, plan.activation, dataset.train, learner.moved_at)
    row = Scores(state.seed, state.next_epoch, *train_scores, *test_scores, layers)
    return learner.after(state), row


def train_epoch(
    plan: Plan,
    images: Images,
    learner: Learner,
    random: torch.Generator,
    first: int | None = None,
) -> tuple[float, float]:
    """Train on every image once, in a random order; the loss and accuracy counted on the way.

    Or only on the `first` so many images of that order.
    """
    net, size = learner.net, plan.batch_size
    order = torch.randperm(len(images.labels), generator=random)[:first]
    labels = images.labels[order]
    targets = torch.nn.functional.one_hot(labels, CLASSES).to(net.flat.dtype)
    logits = torch.empty_like(targets)
    grads = network.allocate(plan.sizes, net.flat.dtype)
    buffers = None
    still = _still(learner)
    pixels = _gather(images.pixels, order, size)
    for batch, out, target in zip(pixels, logits.split(size), targets.split(size), strict=True):
        if buffers is None or buffers.rows != len(batch):
            activation = network.KERNELS[plan.activation]
            buffers = network.Buffers(len(batch), plan.sizes, activation, net.flat.dtype)
        data.normalize(batch, buffers.x)
        network.forward(net, buffers, out)
        # While a tensor has not moved, every step is checked; later that would cost more than it
        # saves.
        network.backward(net, grads, buffers, target, may_end=bool(still))
        update(plan, net.flat, grads.flat, learner.moments, learner.steps)
        if still:
            for name in _moving(still, buffers):
                learner.moved_at[name] = int(learner.steps)
                del still[name]
    return network.loss_and_accuracy(logits, labels)


# A tensor that has not moved: its layer, its values now and before training.
Still = tuple[int, torch.Tensor, torch.Tensor]


def _still(learner: Learner) -> dict[str, Still]:
    """The tensors that have not moved so far, by name."""
    pairs = zip(learner.net.named().items(), learner.initial.named().values(), strict=True)
    return {
        name: (i // 2, now, before)
        for i, ((name, now), before) in enumerate(pairs)
        if name not in learner.moved_at
    }


def _moving(still: dict[str, Still], buffers: network.Buffers) -> list[str]:
    """The tensors that the last step moved, from the output down.

    Where no gradient arrives at a layer's units, none arrives below them, and the gradients of
    their weights are exactly 0. So the check of a stuck network, at every step, reads its small
    tensors only.
    """
    moved, layer = [], len(buffers.delta) - 1  # at the output a gradient always arrives
    for name, (i, now, before) in reversed(still.items()):
        if i != layer and not buffers.delta[i].numpy().any():
            break
        layer = i
        if not torch.equal(now, before):
            moved.append(name)
    return moved


def _gather(pixels: torch.Tensor, order: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    """Batches of images in an order, fetched from all over memory some dozens at a time."""
    for rows in order.split(GATHERED * size):
        yield from pixels.index_select(0, rows).split(size)


def update(
    plan: Plan,
    weights: torch.Tensor,
    grads: torch.Tensor,
    moments: list[torch.Tensor],
    steps: torch.Tensor,
) -> None:
    """One step of torch.optim.Adam or torch.optim.SGD on flat tensors, in place.

    The fused kernels that those classes call, without the Python around them.
    """
    steps.add_(ONE)
    if plan.optimizer == "adam":
        torch._fused_adam_(
            [weights], [grads], [moments[0]], [moments[1]], [], [steps],
            lr=plan.lr, beta1=0.9, beta2=0.999, eps=1e-8,  # torch.optim.Adam's defaults
            weight_decay=0.0, amsgrad=False, maximize=False,
        )  # fmt: skip
    else:
        torch._fused_sgd_(
            [weights], [grads], [moments[0]] if plan.momentum else [],
            weight_decay=0.0, momentum=plan.momentum, lr=plan.lr, dampening=0.0,
            nesterov=False, maximize=False, is_first_step=int(steps) == 1,
        )  # fmt: skip


def score(plan: Plan, net: network.Tensors, images: Images) -> tuple[float, float]:
    """The mean loss and the accuracy on images."""
    logits = network.predict(net, plan.activation, images)
    return network.loss_and_accuracy(logits, images.labels)
