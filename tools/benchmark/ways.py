"""Ways to train the lecture's network, each measured in a process of its own.

    python -m tools.benchmark.ways initlab 5    prints seconds per network and epoch

So each has the threads and kernels that it would have: the others torch's own choice, initlab what
stages/training pins. That is why nothing of initlab, and no torch, is imported up here.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "data" / "mnist"
COMMAND = (sys.executable, "-m", "tools.benchmark.ways")
SIZES = [784, 128, 64, 10]
EPOCHS = 10  # of initlab's runs, as in the study; the others take one

PRODUCTS = sum(i * o for i, o in pairwise(SIZES))
# A multiplication and an addition for every weight: forward, for the weights' gradient and
# for the inputs' gradient, which the first layer does not need. Forward alone for tests.
OPERATIONS = 60_000 * (6 * PRODUCTS - 2 * SIZES[0] * SIZES[1]) + 10_000 * 2 * PRODUCTS


def lecture() -> float:
    """The lecture's loop: DataLoader and transforms, image by image, batch by batch."""
    from docs import plain

    return _plain_epoch(plain.load(train=True), plain.load(train=False))


def tensors() -> float:
    """The same loop on whole-data-set tensors, without a DataLoader."""
    import torch

    (x, y), test = _tensors()
    return _plain_epoch(((x[b], y[b]) for b in torch.randperm(60_000).split(64)), [test])


def _plain_epoch(train, test) -> float:
    from docs import plain

    model = plain.network(SIZES)
    adam = plain.optimizer(model, "adam", lr=0.001)
    start = time.perf_counter()
    plain.train_epoch(model, adam, train)
    plain.accuracy(model, test)
    return time.perf_counter() - start


def ensemble() -> float:
    """Five seeds at once by torch.func: stacked modules, vmap, one fused Adam."""
    import torch
    from torch.func import functional_call, grad_and_value, stack_module_state, vmap

    from docs import plain

    seeds = 5
    train, test = _tensors()
    models = [plain.network(SIZES) for _ in range(seeds)]
    stacked, _ = stack_module_state(models)
    weights = {name: tensor.detach() for name, tensor in stacked.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=0.001, fused=True)

    def loss(weights, x, y):
        logits = functional_call(models[0], weights, (x,))
        return torch.nn.functional.cross_entropy(logits, y), logits

    step = vmap(grad_and_value(loss, has_aux=True))
    correct = 0
    start = time.perf_counter()
    orders = torch.stack([torch.randperm(60_000) for _ in range(seeds)])
    for batch in orders.split(64, dim=1):
        x, y = train[0][batch], train[1][batch]
        grads, (_, logits) = step(weights, x, y)
        for name, tensor in weights.items():
            tensor.grad = grads[name]
        optimizer.step()
        correct += (logits.argmax(2) == y).sum().item()
    with torch.no_grad():
        logits = vmap(lambda w: functional_call(models[0], w, (test[0],)))(weights)
        correct += (logits.argmax(2) == test[1]).sum().item()
    return (time.perf_counter() - start) / seeds


def initlab(seeds: int) -> float:
    """initlab's trainer, with the scores before training that it adds."""
    plan, dataset = _study(seeds)
    from stages.jobs import worker_count
    from stages.training import workers

    start = time.perf_counter()
    for _ in workers.train(plan, dataset, worker_count()):
        pass
    return (time.perf_counter() - start) / (seeds * EPOCHS)


def probes(stuck: int) -> float:
    """The share that the probes add to the work of an epoch, with and without them in turn.

    Of an ordinary network, or of one that is stuck: there every step is looked at, for the
    first one that moves something, and what gets no gradient is not computed, which saves more
    than the looking costs. Processor time of one core.
    """
    plan, dataset = _study(1)
    from stages.training import epoch
    from stages.training.plan import Fill

    if stuck:
        plan = replace(plan, tensors=dict.fromkeys(plan.tensors, Fill("constant", {"val": 0.0})))
    measure, still = epoch.probes.measure, epoch._still
    state, _ = epoch.run_epoch(plan, dataset, epoch.initial_state(plan, dataset.train, 0))
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(9):
        for probed in (True, False):
            epoch.probes.measure = measure if probed else lambda *_: ()
            epoch._still = still if probed else lambda *_: {}
            start = time.process_time()
            epoch.run_epoch(plan, dataset, state)
            seconds[probed].append(time.process_time() - start)
    return statistics.median(seconds[True]) / statistics.median(seconds[False]) - 1


def floor() -> float:
    """The operations alone, at the best rate of large products on all cores at once."""
    pipes = [
        subprocess.Popen([*COMMAND, "product"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in os.sched_getaffinity(0)
    ]
    return OPERATIONS / sum(json.loads(process.communicate()[0]) for process in pipes)


def product() -> float:
    """The best rate of 2048 × 2048 float32 products on one core, in operations per second."""
    from stages.training.network import torch  # by way of stages, which pins the arithmetic

    a = torch.randn(2048, 2048)
    out = torch.empty_like(a)
    best = min(_seconds(lambda: torch.mm(a, a, out=out)) for _ in range(20))
    return 2 * 2048**3 / best


def _tensors() -> list:
    """Images `[n, 784]`, normalized, and labels `[n]`, of both splits."""
    import torch

    from docs import plain

    splits = []
    for train in (True, False):
        images = plain.MNIST(DATA, train)
        x = images.data.view(-1, SIZES[0]).float().div_(255).sub_(0.1307).div_(0.3081)
        splits.append((x, images.targets.to(torch.int64)))
    return splits


def _study(seeds: int) -> tuple:
    """The lecture's network as a plan, and the data set."""
    from stages.training import data
    from stages.training.plan import DEFAULT, Plan, tensor_names

    plan = Plan(
        data="mnist", limit=None, seeds=seeds, hidden=tuple(SIZES[1:-1]), activation="relu",
        epochs=EPOCHS, batch_size=64, optimizer="adam", lr=0.001, momentum=0.0,
        tensors=dict.fromkeys(tensor_names(SIZES[1:-1]), DEFAULT), files={}, packages={},
    )  # fmt: skip
    return plan, data.load(DATA)


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


WAYS = {f.__name__: f for f in (lecture, tensors, ensemble, initlab, probes, floor, product)}

if __name__ == "__main__":
    way, *numbers = sys.argv[1:]
    print(json.dumps(WAYS[way](*map(int, numbers))))
