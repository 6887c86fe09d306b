"""What a trained network costs, against the lecture's loop and against the arithmetic.

`make bench` prints a table; it takes about twenty-five minutes and wants the machine for itself.
Every figure is the median of several rounds, every ratio is taken within a round: a
machine's speed drifts. Whole commands are run once, before the rounds. Each measurement is
a process of its own, so that each way of training has the threads and kernels that it would
have: the others torch's own choice, initlab what stages/__init__.py pins.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "mnist"
SIZES = [784, 128, 64, 10]
SEEDS = (1, 5, 20)
EPOCHS = 10  # of initlab's runs, as in the study; the others take one

PRODUCTS = sum(i * o for i, o in pairwise(SIZES))
# A multiplication and an addition for every weight: forward, for the weights' gradient and
# for the inputs' gradient, which the first layer does not need. Forward alone for tests.
OPERATIONS = 60_000 * (6 * PRODUCTS - 2 * SIZES[0] * SIZES[1]) + 10_000 * 2 * PRODUCTS


# Ways to train, each measured in a process of its own: seconds per network and epoch.


def lecture() -> float:
    """The lecture's loop: DataLoader and transforms, image by image, batch by batch."""
    import torch
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for file in DATA.iterdir():
            (raw / file.name).symlink_to(file)
        normalize = transforms.Normalize((0.1307,), (0.3081,))
        transform = transforms.Compose([transforms.ToTensor(), normalize])
        train = datasets.MNIST(folder, train=True, transform=transform)
        test = datasets.MNIST(folder, train=False, transform=transform)
    model = torch.nn.Sequential(torch.nn.Flatten(), *_layers())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    correct = 0
    start = time.perf_counter()
    for x, y in DataLoader(train, batch_size=64, shuffle=True):
        optimizer.zero_grad()
        logits = model(x)
        torch.nn.functional.cross_entropy(logits, y).backward()
        optimizer.step()
        correct += (logits.argmax(1) == y).sum().item()
    with torch.no_grad():
        for x, y in DataLoader(test, batch_size=64):
            correct += (model(x).argmax(1) == y).sum().item()
    return time.perf_counter() - start


def plain() -> float:
    """The same on whole-data-set tensors, without a DataLoader."""
    import torch

    train, test = _tensors()
    model = torch.nn.Sequential(*_layers())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    correct = 0
    start = time.perf_counter()
    for batch in torch.randperm(60_000).split(64):
        x, y = train[0][batch], train[1][batch]
        optimizer.zero_grad()
        logits = model(x)
        torch.nn.functional.cross_entropy(logits, y).backward()
        optimizer.step()
        correct += (logits.argmax(1) == y).sum().item()
    with torch.no_grad():
        correct += (model(test[0]).argmax(1) == test[1]).sum().item()
    return time.perf_counter() - start


def ensemble() -> float:
    """Five seeds at once by torch.func: stacked modules, vmap, one fused Adam."""
    import torch
    from torch.func import functional_call, grad_and_value, stack_module_state, vmap

    seeds = 5
    train, test = _tensors()
    models = [torch.nn.Sequential(*_layers()) for _ in range(seeds)]
    weights, _ = stack_module_state(models)
    weights = {name: tensor.detach() for name, tensor in weights.items()}
    for tensor in weights.values():
        tensor.grad = torch.zeros_like(tensor)
    optimizer = torch.optim.Adam(weights.values(), lr=0.001, fused=True)
    base = models[0]

    def loss(weights, x, y):
        logits = functional_call(base, weights, (x,))
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
        logits = vmap(lambda w: functional_call(base, w, (test[0],)))(weights)
        correct += (logits.argmax(2) == test[1]).sum().item()
    return (time.perf_counter() - start) / seeds


def initlab(seeds: int) -> float:
    """initlab's trainer, with the scores before training that it adds."""
    study, train, workers = _study()
    start = time.perf_counter()
    for _ in train(study, seeds, workers):
        pass
    return (time.perf_counter() - start) / (seeds * EPOCHS)


def probes(stuck: int) -> float:
    """The share that the probes add to the work of an epoch, with and without them in turn.

    Of an ordinary network, or of one that is stuck: there every step is looked at, for the
    first one that moves something. Processor time of one core.
    """
    from stages import params, training

    look, still = training.probes.look, training._still
    entries = {"all": {"weight": "zeros", "bias": "zeros"}} if stuck else {}
    study = replace(_study()[0], variant=params.Variant.model_validate(entries))
    state, _ = training.run_epoch(study, training.initial_state(study, 0))
    seconds = {True: [], False: []}
    for _ in range(9):
        for probed in (True, False):
            training.probes.look = look if probed else lambda *_: ()
            training._still = still if probed else lambda *_: {}
            start = time.process_time()
            training.run_epoch(study, state)
            seconds[probed].append(time.process_time() - start)
    return statistics.median(seconds[True]) / statistics.median(seconds[False]) - 1


def floor() -> float:
    """The operations alone, at the best rate of large products on all cores at once."""
    rates = _on_every_core("product")
    return OPERATIONS / sum(rates)


def product() -> float:
    """The best rate of 2048 × 2048 float32 products on one core, in operations per second."""
    from stages.network import torch  # by way of stages, which pins the arithmetic

    a = torch.randn(2048, 2048)
    out = torch.empty_like(a)
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        torch.mm(a, a, out=out)
        best = min(best, time.perf_counter() - start)
    return 2 * 2048**3 / best


def _layers() -> list:
    import torch

    return [
        torch.nn.Linear(784, 128), torch.nn.ReLU(),
        torch.nn.Linear(128, 64), torch.nn.ReLU(),
        torch.nn.Linear(64, 10),
    ]  # fmt: skip


def _tensors() -> list:
    import numpy as np
    import torch

    splits = []
    for split in ("train", "t10k"):
        pixels = np.fromfile(DATA / f"{split}-images-idx3-ubyte", dtype=np.uint8)[16:]
        labels = np.fromfile(DATA / f"{split}-labels-idx1-ubyte", dtype=np.uint8)[8:]
        x = torch.from_numpy(pixels).view(-1, 784).float().div_(255).sub_(0.1307).div_(0.3081)
        splits.append((x, torch.from_numpy(labels).long()))
    return splits


def _study() -> tuple:
    from stages import mnist, params
    from stages.train import worker_count
    from stages.training import Study, train

    study = Study(
        variant=params.Variant(),
        network=params.Network(hidden=SIZES[1:-1], activation="relu"),
        training=params.Training(epochs=EPOCHS, batch_size=64, optimizer="adam", lr=0.001),
        train=mnist.load(DATA, "train"),
        test=mnist.load(DATA, "test"),
    )
    return study, train, worker_count()


# Whole commands.


def in_clone(measure: Callable[[Path], dict[str, float]]) -> dict[str, float]:
    """Measure in a clone with the committed study, the data at hand and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "initlab"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        return measure(clone)


def repro(clone: Path) -> dict[str, float]:
    """Seconds of `dvc repro`: cold, with one variant changed, and with nothing to do."""
    environment = os.environ | {"MNIST_MIRROR": str(DATA)}

    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run(
            ["dvc", "repro"], cwd=clone, env=environment, check=True, capture_output=True
        )
        return time.perf_counter() - start

    taken = {"cold": seconds(), "nothing to do": seconds()}
    path = clone / "params.yaml"
    text = path.read_text(encoding="utf-8")
    changed = text.replace("all: {weight: ones, bias: ones}", "all: {weight: ones, bias: zeros}")
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    return taken | {"one variant changed": seconds()}


def peak_memory() -> float:
    """Peak MiB of a training stage and its workers with five seeds, shared pages counted once."""
    import psutil

    command = [sys.executable, __file__, "--only", "initlab", "5"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    peak = 0
    while process.poll() is None:
        total = 0
        try:
            tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
            total = sum(each.memory_full_info().pss for each in tree)
        except psutil.Error:
            pass  # one ended meanwhile
        peak = max(peak, total)
        time.sleep(0.05)
    return peak / 2**20


def startup() -> dict[str, float]:
    """Seconds until each stage has imported what it uses."""
    taken = {}
    for stage in ("check", "download", "train", "evaluate", "report"):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import stages.{stage}"], cwd=ROOT, check=True)
        taken[stage] = time.perf_counter() - start
    return taken


# The table.

WAYS = {f.__name__: f for f in (lecture, plain, ensemble, initlab, probes, floor, product)}


def measured(way: str, *arguments: int) -> float:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--only", way, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(result.stdout)


def _on_every_core(way: str) -> list[float]:
    command = [sys.executable, __file__, "--only", way]
    count = len(os.sched_getaffinity(0))
    pipes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    return [json.loads(process.communicate()[0]) for process in pipes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if arguments.only:
        way, *numbers = arguments.only
        print(json.dumps(WAYS[way](*map(int, numbers))))
        return
    if shutil.which("dvc") is None or not DATA.is_dir():
        raise SystemExit("run `make repro` first, then `make bench`")

    ways = {
        "lecture's loop (DataLoader)": ("lecture",),
        "plain tensor loop": ("plain",),
        "torch.func, 5 seeds": ("ensemble",),
        **{f"initlab, {n} seed{'s' if n > 1 else ''}": ("initlab", n) for n in SEEDS},
        "arithmetic floor": ("floor",),
    }
    print("`dvc repro` …", file=sys.stderr)
    whole = in_clone(repro)
    rounds, starts, peaks, probed = [], [], [], []
    for i in range(arguments.rounds):
        print(f"round {i + 1} of {arguments.rounds} …", file=sys.stderr)
        rounds.append({name: measured(*way) for name, way in ways.items()})
        probed.append([measured("probes", stuck) for stuck in (0, 1)])
        starts.append(startup())
        peaks.append(peak_memory())

    def middle(of: Callable[[int], float]) -> float:
        return statistics.median(of(i) for i in range(arguments.rounds))

    print(f"{_hardware()}; medians of {arguments.rounds} rounds\n")
    print("| per network and epoch | seconds | lecture's / this | this / floor |")
    print("|---|---:|---:|---:|")
    for name in ways:
        seconds = middle(lambda i, name=name: rounds[i][name])
        gain = middle(
            lambda i, name=name: rounds[i]["lecture's loop (DataLoader)"] / rounds[i][name]
        )
        excess = middle(lambda i, name=name: rounds[i][name] / rounds[i]["arithmetic floor"])
        print(f"| {name} | {seconds:.3f} | {gain:.1f} | {excess:.2f} |")
    ordinary, stuck = (100 * middle(lambda i, s=s: probed[i][s]) for s in (0, 1))
    print(f"\nThe probes add {ordinary:.1f} % to an epoch, {stuck:.1f} % where nothing moves")
    print("\n| `dvc repro` of the default study, once | seconds | per network, lecture's / this |")
    print("|---|---:|---:|")
    for name, seconds in whole.items():
        # Networks like the lecture's; the deep ones come on top.
        networks = {"cold": _lectures_networks(), "one variant changed": 5}.get(name)
        gain = "–"
        if networks:
            lectures = middle(lambda i: rounds[i]["lecture's loop (DataLoader)"])
            gain = f"{EPOCHS * lectures * networks / seconds:.1f}"
        print(f"| {name} | {seconds:.1f} | {gain} |")
    print(f"\nPeak memory of a training stage, 5 seeds: {middle(lambda i: peaks[i]):.0f} MiB")
    starting = (f"{stage} {middle(lambda i, s=stage: starts[i][s]):.1f}" for stage in starts[0])
    print(f"Start-up in seconds: {', '.join(starting)}")


def _lectures_networks() -> int:
    from stages import params

    settings = params.load()
    alike = [v for v in settings.variants if settings.network_of(v).hidden == SIZES[1:-1]]
    return len(alike) * settings.seeds


def _hardware() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {model}, Python {platform.python_version()}, torch {version('torch')}"


if __name__ == "__main__":
    main()
