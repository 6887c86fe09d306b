"""What spreading trainings costs and brings, as the tables of docs/cluster.md.

python -m tools.benchmark.cluster    three quarters of an hour, with the machine for itself
"""

import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from stages import writing
from stages.settings import yaml_file
from stages.training.plan import Plan
from tools.benchmark.__main__ import hardware
from tools.benchmark.edits import REPRO, Clone, clone
from tools.benchmark.ways import DATA
from tools.distribute import clusters, send, task
from tools.distribute.spread import Spread
from tools.distribute.work import Task

WORKERS = (1, 2, 4, 8, 16)
EMPTY, SEEDS, REAL = 2000, 500, 32  # tasks
SEED = 900_000  # bytes that a seed of the lecture's network gives
VARIANTS = (10, 100, 1000)
ROUNDS = 3
COLD = {1: ROUNDS, 10: 1}  # epochs, and rounds
DISTRIBUTE = ("-m", "tools.distribute", "--local", "2")


class Repeated:
    """Work that is one call, so many times; results that are bytes are kept, one over the other."""

    name, plans = "repeated", ()
    file = Path(tempfile.gettempdir(), "initlab-benchmark")

    def __init__(self, count: int, call: Callable[..., Any], *arguments: Any):
        self.count, self.call, self.arguments = count, call, arguments

    def missing(self) -> Iterator[Task]:
        work: Any = self
        return (Task(work, i, 1, 1.0, self.call, self.arguments) for i in range(self.count))

    def keep(self, part: int, result: Any) -> None:
        if result:
            writing.replace({self.file: sha256(result).digest() + result})

    def write(self) -> str:
        return ""


def main() -> None:
    print(f"{hardware()}; medians of {ROUNDS} rounds\n")
    plan = replace(Plan.read(Path("data/plans/baseline.json")), seeds=1, epochs=1)
    print("| workers | empty tasks a second | ms a task | 0.9 MB a second | networks a minute |")
    print("|---:|---:|---:|---:|---:|")
    for workers in WORKERS:
        empty = seconds(workers, plan, Repeated(EMPTY, bytes, 0)) / EMPTY
        kept = seconds(workers, plan, Repeated(SEEDS, bytes, SEED)) / SEEDS
        real = seconds(workers, plan, Repeated(REAL, task.train, plan, 0)) / REAL
        row = f"{1 / empty:.0f} | {1000 * empty:.1f} | {1 / kept:.0f} | {60 / real:.0f}"
        print(f"| {workers} | {row} |", flush=True)
    print("\n| 30 variants × 5 seeds, cold | `dvc repro` | `--local 2` | ratio |")
    print("|---|---:|---:|---:|")
    for epochs, count in COLD.items():
        rounds = [cold(epochs) for _ in range(count)]
        plain, spread = (statistics.median(each) for each in zip(*rounds, strict=True))
        ratio = statistics.median(one / other for one, other in rounds)
        print(f"| {epochs} epochs | {plain:.0f} s | {spread:.0f} s | {ratio:.2f} |", flush=True)
    print("\n| variants of 2 small seeds | seconds to train and record | coordinator's MiB |")
    print("|---:|---:|---:|")
    for count in VARIANTS:
        print("| {:,} | {:.0f} | {:.0f} |".format(count, *coordinator(count)))


def seconds(workers: int, plan: Plan, work: Any) -> float:
    """How long so many workers take for some work, once all are there; the median of ROUNDS."""
    taken = []
    with contextlib.redirect_stdout(io.StringIO()):
        client = clusters.local(workers)
        try:
            wanted = send.send(client, [plan])
            for _ in range(ROUNDS):
                spread = Spread(client, wanted, [work])
                while spread.crew.look()[0] < workers:
                    time.sleep(0.1)
                start = time.perf_counter()
                spread.run()
                taken.append(time.perf_counter() - start)
        finally:
            clusters.close(client)
    return statistics.median(taken)


def cold(epochs: int) -> tuple[float, float]:
    """Seconds of a study of 30 variants with `dvc repro`, and spread over two processes."""
    settings = small(30) | {"seeds": 5, "network": {"hidden": [128, 64], "activation": "relu"}}
    settings["data"] = {"name": "mnist", "limit": None}
    settings["training"] |= {"epochs": epochs}
    taken = []
    for command in (REPRO, DISTRIBUTE):
        with study(settings) as there:
            there.seconds(*REPRO, "download")
            taken.append(there.seconds(*command, "train"))
    return taken[0], taken[1]


def coordinator(variants: int) -> tuple[float, float]:
    """Seconds that a study of small networks takes, and the peak of the coordinator in MiB."""
    with study(small(variants)) as there:
        there.seconds(*REPRO, "download")
        start, peak = time.perf_counter(), 0
        process = subprocess.Popen(
            [sys.executable, *DISTRIBUTE, "train"],
            cwd=there.folder,
            env=os.environ | {"MNIST_MIRROR": str(DATA)},
            stdout=subprocess.DEVNULL,
        )
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                peak = max(peak, psutil.Process(process.pid).memory_info().rss)
            time.sleep(0.1)
        return time.perf_counter() - start, peak / 2**20


def small(variants: int) -> dict[str, Any]:
    """A study that trains in a moment."""
    return {
        "data": {"name": "mnist", "limit": 640},
        "seeds": 2,
        "network": {"hidden": [8], "activation": "relu"},
        "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
        "variants": {
            f"v{i}": {"all": {"weight": {"normal": {"std": (i + 1) / variants}}}}
            for i in range(variants)
        },
    }


@contextlib.contextmanager
def study(settings: dict[str, Any]) -> Iterator[Clone]:
    """A clone with another params.yaml."""
    with clone() as there:
        (there.folder / "params.yaml").write_text(yaml_file.dumps(settings), encoding="utf-8")
        yield there


if __name__ == "__main__":
    main()
