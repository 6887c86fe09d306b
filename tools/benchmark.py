"""Measures the cost of training a network and of an edit, as the tables of docs/performance.md.

    python -m tools.benchmark           or `make bench`: half an hour, on an idle machine
    python -m tools.benchmark WAY …     seconds per network and epoch of one way to train

Each way to train is a process of its own, with the threads and kernels that it has by itself:
torch's own choice, or the one that stages/training pins. So neither is imported at the top.
Figures are medians of several rounds. A ratio is taken within a round: a machine's speed drifts.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "mnist"
SIZES = [784, 128, 64, 10]
EPOCHS = 10  # of initlab, as in the study; the other ways train for one
LECTURE, FLOOR = "lecture's loop (DataLoader)", "arithmetic floor"
TABLE = {
    LECTURE: ("lecture",),
    "plain tensor loop": ("tensors",),
    "torch.func, 5 seeds": ("ensemble",),
    **{f"initlab, {n} seed{'s' if n > 1 else ''}": ("initlab", str(n)) for n in (1, 5, 20)},
    FLOOR: ("floor",),
}

PRODUCTS = sum(i * o for i, o in pairwise(SIZES))
# A multiplication and an addition for every weight: forward, for the gradient of the weights, and
# for the gradient of the inputs, which the first layer does not need. Forward alone for tests.
OPERATIONS = 60_000 * (6 * PRODUCTS - 2 * SIZES[0] * SIZES[1]) + 10_000 * 2 * PRODUCTS

EDITS = {  # a file, a text in it, and its replacement
    "the code of check changed": ("stages/check.py", "\n\n\n", "\n\n\n# An edit\n\n\n"),
    "a label changed": ("params.yaml", "label: all ones", "label: every value 1"),
    "one variant changed": ("params.yaml", "weight: ones, bias: ones", "weight: ones, bias: zeros"),
}


def lecture() -> float:
    """The lecture's loop: DataLoader and transforms, image by image, batch by batch."""
    from docs import plain

    return _plain_epoch(plain.load(train=True), plain.load(train=False))


def tensors() -> float:
    """The same loop on tensors of the whole data set, without a DataLoader."""
    import torch

    (x, y), test = _splits()
    return _plain_epoch(((x[b], y[b]) for b in torch.randperm(60_000).split(64)), [test])


def _plain_epoch(train: Iterable, test: Iterable) -> float:
    from docs import plain

    model = plain.network(SIZES)
    adam = plain.optimizer(model, "adam", lr=0.001)
    return _seconds(lambda: (plain.train_epoch(model, adam, train), plain.accuracy(model, test)))


def ensemble() -> float:
    """Five seeds at once by torch.func: stacked modules, vmap, one fused Adam."""
    import torch
    from torch.func import functional_call, grad_and_value, stack_module_state, vmap

    from docs import plain

    seeds = 5
    (x, y), (test_x, test_y) = _splits()
    models = [plain.network(SIZES) for _ in range(seeds)]
    stacked, _ = stack_module_state(models)
    weights = {name: tensor.detach() for name, tensor in stacked.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=0.001, fused=True)

    def loss(weights, x, y):
        logits = functional_call(models[0], weights, (x,))
        return torch.nn.functional.cross_entropy(logits, y), logits

    step = vmap(grad_and_value(loss, has_aux=True))
    predict = vmap(lambda weights: functional_call(models[0], weights, (test_x,)))

    def epoch() -> None:
        orders = torch.stack([torch.randperm(60_000) for _ in range(seeds)])
        correct = 0
        for batch in orders.split(64, dim=1):
            labels = y[batch]
            gradients, (_, logits) = step(weights, x[batch], labels)
            for name, tensor in weights.items():
                tensor.grad = gradients[name]
            optimizer.step()
            correct += (logits.argmax(2) == labels).sum().item()
        with torch.no_grad():
            correct += (predict(weights).argmax(2) == test_y).sum().item()

    return _seconds(epoch) / seeds


def initlab(seeds: int) -> float:
    """initlab's trainer, with the scores before training that it adds."""
    from stages.training import data, workers
    from stages.training.plan import DEFAULT, Plan, layer_names, tensor_names
    from stages.training.workers import worker_count

    layers = dict(zip(layer_names(SIZES[1:-1]), SIZES[1:], strict=True))
    plan = Plan(
        data="mnist", shape=(1, 28, 28), classes=10, examples=60_000, limit=None, seeds=seeds,
        hidden=tuple(SIZES[1:-1]), layers=layers,
        activation="relu", epochs=EPOCHS, batch_size=64, optimizer="adam", lr=0.001, momentum=0.0,
        tensors=dict.fromkeys(tensor_names(SIZES[1:-1]), DEFAULT), files={}, packages={},
    )  # fmt: skip
    dataset, cores = data.load(DATA), worker_count()
    return _seconds(lambda: sum(1 for _ in workers.train(plan, dataset, cores))) / (seeds * EPOCHS)


def floor() -> float:
    """The operations alone, at the best rate of large products on all cores at once."""
    cores = os.sched_getaffinity(0)
    with ProcessPoolExecutor(len(cores)) as pool:
        return OPERATIONS / sum(pool.map(_rate, cores))


def _rate(_core: int) -> float:
    """The best rate of 2048 × 2048 float32 products on one core, in operations per second."""
    import torch

    torch.set_num_threads(1)
    a = torch.randn(2048, 2048)
    out = torch.empty_like(a)
    return 2 * 2048**3 / min(_seconds(lambda: torch.mm(a, a, out=out)) for _ in range(20))


def _splits() -> list:
    """Images `[n, 784]`, normalized, and labels `[n]`, of both splits."""
    from docs import plain

    splits = [plain.MNIST(DATA, train) for train in (True, False)]
    return [((s.data.flatten(1) / 255 - 0.1307) / 0.3081, s.targets) for s in splits]


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def edits() -> dict[str, float]:
    """Seconds of `dvc repro` of the committed study: cold, with nothing to do, and edited."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "initlab")
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        environment = os.environ | {"MNIST_MIRROR": str(DATA)}
        repro = [sys.executable, "-m", "dvc", "repro", "--quiet"]
        run = partial(subprocess.run, repro, cwd=folder, env=environment, check=True)
        seconds = partial(_seconds, run)
        taken = {"cold": seconds(), "nothing to do": seconds()}
        for name, (file, old, new) in EDITS.items():
            text = (folder / file).read_text(encoding="utf-8")
            if old not in text:
                raise SystemExit(f"{file}: does not have {old!r}; correct EDITS")
            (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
            taken[name] = seconds()
        return taken


def tables(count: int) -> None:
    """Measure everything and print it."""
    if not DATA.is_dir():
        raise SystemExit(f"{DATA}: does not exist; run `make repro` first, then `make bench`")
    cores, python = len(os.sched_getaffinity(0)), platform.python_version()
    print(f"{cores} cores, Python {python}, torch {version('torch')}; medians of {count} rounds\n")
    print("| `dvc repro`, once | seconds |\n|---|---:|")
    for name, seconds in edits().items():
        print(f"| {name} | {seconds:.1f} |", flush=True)
    rounds = [{name: measured(*way) for name, way in TABLE.items()} for _ in range(count)]
    print("\n| per network and epoch | seconds | lecture's / this | this / floor |")
    print("|---|---:|---:|---:|")
    for name in TABLE:
        seconds = statistics.median(each[name] for each in rounds)
        gain = statistics.median(each[LECTURE] / each[name] for each in rounds)
        excess = statistics.median(each[name] / each[FLOOR] for each in rounds)
        print(f"| {name} | {seconds:.3f} | {gain:.1f} | {excess:.2f} |")


def measured(*way: str) -> float:
    """Seconds per network and epoch, from a process of its own."""
    command = [sys.executable, "-m", "tools.benchmark", *way]
    result = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout)


WAYS = {way.__name__: way for way in (lecture, tensors, ensemble, initlab, floor)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("way", nargs="?", choices=WAYS)
    parser.add_argument("seeds", nargs="*", type=int)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(WAYS[arguments.way](*arguments.seeds)))
    else:
        tables(arguments.rounds)
