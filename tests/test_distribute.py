"""Trainings that other processes do give the bytes that `dvc repro` gives, whatever happens."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stages.training import seeds
from tests.conftest import Clone, heed_interrupts

pytestmark = pytest.mark.slow

COUNTED = '''"""Zeros, and a line in a file for every tensor: the seed of its random numbers."""

import os
from pathlib import Path

import torch


def fill(tensor: torch.Tensor, generator: torch.Generator) -> None:
    """b = 0."""
    tensor.zero_()
    if "COUNTED" in os.environ:
        with Path(os.environ["COUNTED"]).open("a") as file:
            file.write(f"{generator.initial_seed()}\\n")
'''
STUDY = {
    "data": {"name": "mnist", "limit": 6400},
    "seeds": 4,
    "network": {"hidden": [32, 16], "activation": "relu"},
    "training": {"epochs": 4, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
    "variants": {
        "baseline": {"out": {"bias": "counted"}},
        "all_ones": {"all": {"weight": "ones"}, "out": {"bias": "counted"}},
        "tanh": {"network": {"activation": "tanh"}, "out": {"bias": "counted"}},
    },
    "display": {},
    "sweeps": {
        "grid": {
            "axes": {
                "x": {"key": "all.weight.scaled_normal.variance", "values": [1, 4]},
                "y": {"key": "network.hidden.depth", "values": [3, 8]},
            },
            "seeds": 2,
            "base": {"network": {"hidden": {"width": 17}, "activation": "tanh"}},
            "steps": 100,
            "shows": "train_acc",
        }
    },
}
VARIANTS, SEEDS = 3, 4
COMMAND = (sys.executable, "-m", "tools.distribute")
DASK = str(Path(sys.executable).with_name("dask"))
# What only Linux's root can do: mounts of one process alone, network namespaces.
ROOT_ONLY = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="run as root on Linux: mounts are needed that only this process sees",
)
# In the suite once, and ten times with `-m soak`: what is killed at random is not always the same.
ROUNDS = pytest.mark.parametrize(
    "_round", [0, *(pytest.param(i, marks=pytest.mark.soak) for i in range(1, 10))]
)


@pytest.fixture(scope="module")
def cold(fresh_clone, tmp_path_factory) -> Clone:
    """A study that was never run, with a file that git does not know."""
    clone = fresh_clone.copy(tmp_path_factory.mktemp("cold") / "initlab")
    shutil.rmtree(clone.folder / "reports" / "sweeps", ignore_errors=True)
    (clone.folder / "stages/initializers/counted.py").write_text(COUNTED)
    clone.params = STUDY
    return clone


@pytest.fixture(scope="module")
def plain(cold, tmp_path_factory) -> Clone:
    """The same, as `dvc repro` alone makes it."""
    clone = cold.copy(tmp_path_factory.mktemp("plain") / "initlab")
    clone.repro()
    return clone


@pytest.fixture
def clone(cold, tmp_path) -> Clone:
    """A cold study of the test's own."""
    return cold.copy(tmp_path / "initlab")


def results(clone: Clone) -> dict[str, bytes]:
    """Every file that a run leaves, those of DVC's caches with them."""
    roots = [clone.folder / part for part in ("data", "reports", ".dvc/cache", "dvc.lock")]
    files = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
    return {path.relative_to(clone.folder).as_posix(): path.read_bytes() for path in files}


def assert_trained_as(plain: Clone, clone: Clone) -> None:
    """All is trained, recorded and tidied up, with the bytes that `dvc repro` gives."""
    parts = ("data/runs/", "data/.partial", "reports/sweeps/")
    there, here = results(plain), results(clone)
    assert {n for n in there if n.startswith(parts)} == {n for n in here if n.startswith(parts)}
    assert all(there[name] == here[name] for name in here if name.startswith(parts))
    assert clone.repro("train", "sweep") == []


def start(clone: Clone, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen:
    """The command, under way."""
    return subprocess.Popen(
        [*before, *COMMAND, *arguments],
        cwd=clone.folder,
        env=clone.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )


def end(process: subprocess.Popen, code: int) -> str:
    """What it prints until it ends."""
    output = process.communicate(timeout=180)[0]
    assert process.returncode == code, output
    assert "Traceback" not in output
    return output


class Cluster:
    """A Dask scheduler and workers, processes in folders of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        self.schedule()

    def schedule(self) -> None:
        """Start a scheduler."""
        self.file = self.folder / f"scheduler-{len(self.processes)}.json"
        self.scheduler = self.run(
            "scheduler", "--port", "0", "--scheduler-file", str(self.file), name="scheduler"
        )
        while not self.file.exists() or not self.file.read_text():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]

    def work(
        self, name: str, *arguments: str, env: dict | None = None, before: tuple = ()
    ) -> subprocess.Popen:
        """Start a worker."""
        return self.run(
            "worker", self.address, "--nthreads", "1", "--name", name, "--death-timeout", "60",
            *arguments, name=name, env=env, before=before,
        )  # fmt: skip

    def run(
        self, *arguments: str, name: str, env: dict | None = None, before: tuple = ()
    ) -> subprocess.Popen:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                [*before, DASK, *arguments, "--host", "127.0.0.1", "--no-dashboard"],
                cwd=folder, env={**os.environ, **(env or {})}, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            kill(process)


def kill(process: subprocess.Popen) -> None:
    """End a process with all that it started, at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder)
    yield cluster
    cluster.stop()


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    """The processes that compute, which a nanny starts."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def kept(clone: Clone) -> int:
    """How many networks were kept so far."""
    journal = clone.folder / "data/.partial-sweep-grid"
    seeds = len(list((clone.folder / "data/.partial-seeds").glob("*/[0-9]*")))
    return seeds + (len(journal.read_bytes().splitlines()) if journal.exists() else 0)


def a_moment(clone: Clone, process: subprocess.Popen, least: int = 0) -> None:
    """Wait until a random number of networks is kept, and for a moment more."""
    number, ends = random.randrange(least, VARIANTS * SEEDS), time.monotonic() + 120
    while kept(clone) < number:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < ends
        time.sleep(0.01)
    time.sleep(random.random() / 4)


def computed(file: Path) -> int:
    """How often a seed was computed; seed 0 is not counted, which workers are tried with."""
    names = {str(seeds.generator(seed, "init/out.bias").initial_seed()) for seed in range(1, SEEDS)}
    return sum(line in names for line in file.read_text().split())


ONCE = VARIANTS * (SEEDS - 1)


# --------------------------------------------------------------------------------- without a fault


def test_workers_give_the_bytes_that_dvc_repro_gives(clone, plain, cluster):
    for name in ("a", "b", "c", "d"):
        cluster.work(name)
    output = end(start(clone, "--scheduler", cluster.address), 0)
    assert "20 networks for 4 stages; about " in output
    assert "train@baseline: 4 seeds, test accuracy 0." in output
    assert "sweep@grid: 8 networks" in output
    assert results(clone) == results(plain)
    assert "networks" not in end(start(clone, "--scheduler", cluster.address), 0)


def test_this_machine_does_what_is_asked_for_alone(clone, plain):
    output = end(start(clone, "--local", "2", "train@tanh"), 0)
    assert "4 networks for 1 stages" in output
    assert [run.name for run in (clone.folder / "data/runs").iterdir()] == ["tanh"]
    # What DVC has from an earlier time is not trained.
    shutil.rmtree(clone.folder / "data/runs")
    (clone.folder / "dvc.lock").unlink()
    assert "networks" not in end(start(clone, "--local", "2", "train@tanh"), 0)
    there, here = results(plain), results(clone)
    runs = {name: here[name] for name in here if name.startswith("data/runs/")}
    assert runs == {name: there[name] for name in there if name.startswith("data/runs/tanh/")}
