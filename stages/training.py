"""Trains all seeds of a variant on all cores.

Every seed is a network of its own, and an epoch of one seed is the unit of work: worker
processes take whichever epoch is next, and hand the weights back. So the arithmetic of a
seed is the same whichever worker does it, however many there are, and whatever other
seeds run beside it. Measured on two cores, this is faster than one batched network over
all seeds: batched products of this size gain nothing from a second thread.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace

import numpy as np
import torch

from stages import mnist, network, probes
from stages.initializers import initial_weights
from stages.params import Network, Training, Variant
from stages.seeds import generator

ONE = torch.tensor(1.0)  # adding a tensor takes half as long as adding a number
SCORED_BEFORE = 10_000  # training images that are scored before training: as many as for tests
GATHERED = 32  # batches fetched at once: calls are few, and the copy stays in the cache
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}  # torch.optim.Adam's defaults


@dataclass(frozen=True)
class Study:
    """Everything that a variant's training depends on, beside the seed."""

    variant: Variant
    network: Network
    training: Training
    train: mnist.Images
    test: mnist.Images

    @property
    def sizes(self) -> list[int]:
        return [mnist.PIXELS, *self.network.hidden, mnist.CLASSES]


@dataclass(frozen=True)
class Row:
    """One seed after one epoch; epoch 0 is before training.

    Losses are mean cross-entropies in nats, accuracies fractions. The training figures
    are counted while the epoch runs, each batch before it is learned from; those of epoch 0
    are over the first SCORED_BEFORE images. `layers` is what the network then looks like.
    """

    seed: int
    epoch: int
    train_loss: float
    train_acc: float
    test_loss: float
    test_acc: float
    layers: tuple[probes.Layer, ...]


@dataclass(frozen=True)
class State:
    """A seed between two epochs: its flat weights now and at the start, and its optimizer.

    NumPy arrays, because they travel between processes as plain bytes. `moved_at` has the
    step at which each tensor that ever moved first differed from its start.
    """

    seed: int
    next_epoch: int
    initial: np.ndarray
    weights: np.ndarray
    moments: tuple[np.ndarray, np.ndarray]
    steps: int
    moved_at: dict[str, int]


def initial_state(study: Study, seed: int, dtype: torch.dtype = torch.float32) -> State:
    """A seed before training; raises InitializerError."""
    net = network.allocate(study.sizes, dtype)
    named = net.named()
    images = study.train.first(probes.PROBED)
    weights = initial_weights(study.sizes, study.variant, seed, study.network.activation, images)
    for name, values in weights.items():
        named[name].copy_(values)
    flat = net.flat.numpy()
    zeros = np.zeros_like(flat)
    return State(seed, 0, flat, flat, (zeros, zeros), 0, {})


@torch.inference_mode()  # 5 % faster than merely having no gradients to record
def run_epoch(study: Study, state: State) -> tuple[State, Row]:
    """Take a seed through its next epoch; epoch 0 trains nothing and only scores."""
    net = network.Tensors(study.sizes, torch.tensor(state.weights))
    initial = network.Tensors(study.sizes, torch.from_numpy(state.initial))
    if state.next_epoch == 0:
        after, (loss, accuracy) = state, _score(study, net, study.train.first(SCORED_BEFORE))
    else:
        moments = [torch.tensor(moment) for moment in state.moments]
        steps = torch.tensor(float(state.steps))
        moved_at = dict(state.moved_at)
        loss, accuracy = _train_epoch(study, state, net, initial, moments, steps, moved_at)
        after = replace(
            state,
            weights=net.flat.numpy(),
            moments=(moments[0].numpy(), moments[1].numpy()),
            steps=int(steps),
            moved_at=moved_at,
        )
    scores = _score(study, net, study.test)
    layers = probes.look(net, initial, study.network.activation, study.train, after.moved_at)
    row = Row(state.seed, state.next_epoch, loss, accuracy, *scores, layers)
    return replace(after, next_epoch=state.next_epoch + 1), row


def _train_epoch(
    study: Study,
    state: State,
    net: network.Tensors,
    initial: network.Tensors,
    moments: list[torch.Tensor],
    steps: torch.Tensor,
    moved_at: dict[str, int],
) -> tuple[float, float]:
    """Train on every image once, in place; the loss and accuracy counted on the way."""
    images, size = study.train, study.training.batch_size
    count = len(images.labels)
    order = torch.randperm(count, generator=generator(state.seed, f"order/{state.next_epoch}"))
    labels = images.labels[order]
    targets = torch.nn.functional.one_hot(labels, mnist.CLASSES).to(net.flat.dtype)
    logits = torch.empty_like(targets)
    grads = network.allocate(study.sizes, net.flat.dtype)
    activation = network.ACTIVATIONS[study.network.activation]
    buffers = None
    still = _still(net, initial, moved_at)
    pixels = _gather(images.pixels, order, size)
    for batch, out, target in zip(pixels, logits.split(size), targets.split(size), strict=True):
        if buffers is None or buffers.rows != len(batch):
            buffers = network.Buffers(len(batch), study.sizes, activation, net.flat.dtype)
        mnist.normalize(batch, buffers.x)
        network.forward(net, buffers, out)
        network.backward(net, grads, buffers, out, target)
        update(study.training, net.flat, grads.flat, moments, steps)
        if still:
            for name in _moving(still, buffers):
                moved_at[name] = int(steps)
                del still[name]
    return network.loss_and_accuracy(logits, labels)


# A tensor that has not moved: its layer, its values now and at the start.
Still = tuple[int, torch.Tensor, torch.Tensor]


def _still(
    net: network.Tensors, initial: network.Tensors, moved_at: dict[str, int]
) -> dict[str, Still]:
    """The tensors that have not moved so far, by name."""
    pairs = zip(net.named().items(), initial.named().values(), strict=True)
    return {
        name: (i // 2, now, before)
        for i, ((name, now), before) in enumerate(pairs)
        if name not in moved_at
    }


def _moving(still: dict[str, Still], buffers: network.Buffers) -> list[str]:
    """Those that the last step moved.

    From the output down: where no gradient arrives at a layer's units, none arrives below
    them, and those of their weights are exactly 0. So a stuck network, which is looked at
    every step, is seen to be stuck by its small tensors.
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
    training: Training,
    weights: torch.Tensor,
    grads: torch.Tensor,
    moments: list[torch.Tensor],
    steps: torch.Tensor,
) -> None:
    """One step of torch.optim.Adam or torch.optim.SGD on flat tensors, in place.

    The fused kernels that those classes call, without the Python around them.
    """
    steps.add_(ONE)
    if training.optimizer == "adam":
        torch._fused_adam_(
            [weights], [grads], [moments[0]], [moments[1]], [], [steps],
            lr=training.lr, weight_decay=0.0, amsgrad=False, maximize=False, **ADAM,
        )  # fmt: skip
    else:
        torch._fused_sgd_(
            [weights], [grads], [moments[0]] if training.momentum else [],
            weight_decay=0.0, momentum=training.momentum, lr=training.lr, dampening=0.0,
            nesterov=False, maximize=False, is_first_step=int(steps) == 1,
        )  # fmt: skip


def _score(study: Study, net: network.Tensors, images: mnist.Images) -> tuple[float, float]:
    logits = network.predict(net, study.network.activation, images)
    return network.loss_and_accuracy(logits, images.labels)


def train(study: Study, seeds: int, workers: int) -> Iterator[tuple[State, Row]]:
    """Train seeds 0 … seeds − 1, yielding each one's state and row as its epochs end.

    The order depends on the workers' speed; what is yielded does not.
    """
    states = [initial_state(study, seed) for seed in range(seeds)]
    workers = min(workers, seeds)
    if workers == 1:
        for _ in range(study.training.epochs + 1):
            for seed in range(seeds):
                states[seed], row = run_epoch(study, states[seed])
                yield states[seed], row
        return
    with _pool(study, workers) as pool:
        yield from _interleave(pool, states, study.training.epochs, workers)


def _interleave(
    pool: Executor, states: list[State], epochs: int, workers: int
) -> Iterator[tuple[State, Row]]:
    """Keep every worker busy with the seed that is furthest behind."""
    waiting = list(states)
    running: set[Future] = set()
    while waiting or running:
        while waiting and len(running) < workers:
            behind = min(waiting, key=lambda state: (state.next_epoch, state.seed))
            waiting.remove(behind)
            running.add(pool.submit(_run_epoch_in_worker, behind))
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for state, row in (future.result() for future in done):
            if state.next_epoch <= epochs:
                waiting.append(state)
            yield state, row


_study: Study  # a worker's own, set once when it starts


def _pool(study: Study, workers: int) -> ProcessPoolExecutor:
    # A forked worker shares the images and the loaded torch with its parent; elsewhere
    # forking is not safe, and a worker loads torch itself and gets the images sent.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    return ProcessPoolExecutor(workers, context, _start_worker, (study,))


def _start_worker(study: Study) -> None:
    global _study
    _study = study
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this worker when its parent is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_epoch_in_worker(state: State) -> tuple[State, Row]:
    return run_epoch(_study, state)
