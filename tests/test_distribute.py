"""Trainings that other processes do give the bytes that `dvc repro` gives, whatever happens."""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stages.settings import yaml_file
from stages.training import ARITHMETIC, integrity, seeds
from tests.conftest import ROOT, Clone, heed_interrupts
from tests.once import made_once
from tools.distribute import clusters, send
from tools.distribute.spread import AHEAD

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
ROOT_ONLY = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="run as root on Linux: mounts are needed that only this process sees",
)
NETWORKS = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("ip"),
    reason="run as root on Linux with iproute2: networks are needed, one a worker",
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
    """The same, as `dvc repro` alone makes it; to be read."""
    folder = made_once(
        tmp_path_factory, "plain", lambda folder: cold.copy(folder / "initlab").repro()
    )
    return Clone(folder / "initlab", Path(cold.environment["MNIST_MIRROR"]))


@pytest.fixture
def clone(cold, tmp_path) -> Iterator[Clone]:
    """A cold study of the test's own, without what was started in it and still runs."""
    clone = cold.copy(tmp_path / "initlab")
    yield clone
    for process in STARTED:
        kill(process)
    STARTED.clear()


STARTED: list[subprocess.Popen] = []


def results(clone: Clone) -> dict[str, bytes]:
    """Every file that a run leaves, those of DVC's caches with them."""
    roots = [clone.folder / part for part in ("data", "reports", ".dvc/cache", "dvc.lock")]
    files = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
    return {path.relative_to(clone.folder).as_posix(): path.read_bytes() for path in files}


def assert_trained_as(plain: Clone, clone: Clone) -> None:
    """All is trained, recorded and tidied up, with the bytes that `dvc repro` gives."""
    here, there = results(clone), results(plain)
    assert not [name for name in here if name.startswith(("data/.partial", "data/unfinished"))]
    for name, content in there.items():
        if name.startswith(("data/runs/", "reports/sweeps/")):
            assert here[name] == content, name
    mine, its = (yaml_file.loads(each["dvc.lock"].decode())["stages"] for each in (here, there))
    trained = {stage for stage in its if stage.startswith(("train@", "sweep@"))}
    assert {stage: mine[stage] for stage in trained} == {stage: its[stage] for stage in trained}


def start(clone: Clone, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen:
    """The command, under way."""
    with log_of(clone).open("w") as log:
        process = subprocess.Popen(
            [*before, *COMMAND, *arguments],
            cwd=clone.folder,
            env=clone.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )
    STARTED.append(process)
    return process


def log_of(clone: Clone) -> Path:
    """What the command last printed."""
    return clone.folder.with_suffix(".log")


def end(clone: Clone, process: subprocess.Popen, code: int) -> str:
    """What a command prints until it ends."""
    process.wait(timeout=180)
    output = log_of(clone).read_text()
    assert process.returncode == code, output
    assert "Traceback" not in output
    return output


def run(clone: Clone, *arguments: str) -> str:
    """What a command prints that does all it should."""
    return end(clone, start(clone, *arguments), 0)


def wait_until(so: Callable[[], object], clone: Clone, process: subprocess.Popen) -> None:
    """Wait for something that a command does."""
    ends = time.monotonic() + 120
    while not so():
        assert process.poll() is None, log_of(clone).read_text()
        assert time.monotonic() < ends, log_of(clone).read_text()
        time.sleep(0.01)


class Cluster:
    """A Dask scheduler and workers, processes in folders of their own."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", before: tuple[str, ...] = ()):
        self.folder, self.host, self.before = folder, host, before
        self.environment: dict[str, str] = {}
        self.processes: list[subprocess.Popen] = []
        self.schedule()

    def schedule(self) -> None:
        """Start a scheduler."""
        file = self.folder / f"scheduler-{len(self.processes)}.json"
        where = ("--host", self.host, "--port", "0", "--scheduler-file", str(file))
        self.scheduler = self.run("scheduler", *where, name="scheduler", before=self.before)
        while not file.exists() or not file.read_text():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def work(
        self, name: str, *arguments: str, host: str = "127.0.0.1", **options
    ) -> subprocess.Popen:
        """Start a worker."""
        alone = ("--nthreads", "1", "--name", name, "--host", host, "--local-directory", ".")
        return self.run("worker", self.address, *alone, *arguments, name=name, **options)

    def run(
        self, *arguments: str, name: str, env: dict | None = None, before: tuple[str, ...] = ()
    ) -> subprocess.Popen:
        """Start what Dask's command does, in a folder of its own."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        unpinned = {key: os.environ[key] for key in os.environ if key not in ARITHMETIC}
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                [*before, DASK, *arguments, "--no-dashboard"],
                cwd=folder,
                env=unpinned | self.environment | (env or {}),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
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
    found = []
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.Error):  # one that was killed and is still listed
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def kept(clone: Clone) -> int:
    """How many networks were kept so far."""
    journal = clone.folder / "data/.partial-sweep-grid"
    seeds = len(list((clone.folder / "data/unfinished").glob("*/[0-9]*")))
    return seeds + (len(journal.read_bytes().splitlines()) if journal.exists() else 0)


def a_moment(clone: Clone, process: subprocess.Popen, least: int) -> None:
    """Wait until so many networks are kept, or up to three more, and for a moment more."""
    number = least + random.randrange(4)
    wait_until(lambda: kept(clone) >= number, clone, process)
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
    output = run(clone, "--scheduler", cluster.address)
    assert "20 networks for 4 stages; about " in output
    assert "train@baseline: 4 seeds, test accuracy 0." in output
    assert "sweep@grid: 8 networks" in output
    assert results(clone) == results(plain)
    assert "networks" not in run(clone, "--scheduler", cluster.address)


def test_this_machine_does_what_is_asked_for_alone(clone, plain):
    output = run(clone, "--local", "2", "train@tanh")
    assert "4 networks for 1 stage; " in output
    assert [run.name for run in (clone.folder / "data/runs").iterdir()] == ["tanh"]
    # What DVC has from an earlier time is not trained.
    shutil.rmtree(clone.folder / "data/runs")
    (clone.folder / "dvc.lock").unlink()
    assert "networks" not in run(clone, "--local", "2", "train@tanh")
    there, here = results(plain), results(clone)
    runs = {name: here[name] for name in here if name.startswith("data/runs/")}
    assert runs == {name: there[name] for name in there if name.startswith("data/runs/tanh/")}


@NETWORKS
def test_machines_of_their_own_give_the_same_bytes(clone, plain, tmp_path):
    names = [f"initlab-{os.getpid()}-{i}" for i in range(5)]
    hub, others = names[0], names[1:]
    cluster = None
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", hub, "addr", "add", "10.83.0.1/24", "dev", "bridge")
        ip("-n", hub, "link", "set", "bridge", "up")
        for i, name in enumerate(others, start=2):
            ip("-n", hub, "link", "add", f"port{i}", "type", "veth", "peer", "eth0", "netns", name)
            ip("-n", hub, "link", "set", f"port{i}", "master", "bridge", "up")
            ip("-n", name, "addr", "add", f"10.83.0.{i}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        (tmp_path / "cluster").mkdir()
        cluster = Cluster(tmp_path / "cluster", "10.83.0.1", inside(hub))
        for i, name in enumerate(others, start=2):
            cluster.work(name, host=f"10.83.0.{i}", before=inside(name))
        process = start(clone, "--scheduler", cluster.address, "train", "sweep", before=inside(hub))
        end(clone, process, 0)
    finally:
        if cluster:
            cluster.stop()
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)
    assert_trained_as(plain, clone)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def inside(namespace: str) -> tuple[str, ...]:
    """What a command begins with to see a namespace's network alone."""
    return ("ip", "netns", "exec", namespace)


# As Slurm's: takes a script, runs it elsewhere, says its number.
SBATCH = """#!/bin/sh
cp "$1" script
setsid sh script > job.log 2>&1 &
echo "Submitted batch job $!"
"""
SLURM = """
system: slurm
jobs: 1
options: {queue: long, account: lab, cores: 2, processes: 2, memory: 4GB, walltime: "01:00:00",
  interface: lo}
"""


@pytest.fixture
def slurm(clone, tmp_path) -> Callable[[str, str], None]:
    """Gives the clone's machine the two commands of Slurm."""

    def install(sbatch: str, scancel: str) -> None:
        (tmp_path / "bin").mkdir()
        for name, script in {"sbatch": sbatch, "scancel": scancel}.items():
            (tmp_path / "bin" / name).write_text(script)
            (tmp_path / "bin" / name).chmod(0o755)
        clone.environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{clone.environment['PATH']}"
        (clone.folder / "slurm.yaml").write_text(SLURM)

    return install


def test_slurm_runs_it(clone, plain, slurm):
    slurm(SBATCH, "#!/bin/sh\nkill -- -$1\n")
    process = start(clone, "--jobqueue", "slurm.yaml", "train", "sweep")
    a_moment(clone, process, least=1)
    process.send_signal(signal.SIGINT)
    assert "interrupted; what is finished is kept" in end(clone, process, 1)
    run(clone, "--jobqueue", "slurm.yaml", "train", "sweep")
    assert_trained_as(plain, clone)
    script = (clone.folder / "script").read_text()
    for line in ("-p long", "-A lab", "-n 1", "--cpus-per-task=2", "--mem=4G", "-t 01:00:00"):
        assert f"#SBATCH {line}\n" in script
    assert re.search(r"dask_worker tcp://127.0.0.1:\d+ .*--nthreads 1 .*--nworkers 2 ", script)


REFUSING = """#!/bin/sh
mkdir taken 2>/dev/null && echo "Submitted batch job 7" && exit
echo "sbatch: error: no more than one" >&2
exit 1
"""


def test_a_job_that_slurm_refuses_is_told_and_the_others_are_taken_back(clone, slurm):
    slurm(REFUSING, "#!/bin/sh\necho $1 >> cancelled\n")
    (clone.folder / "slurm.yaml").write_text(SLURM.replace("jobs: 1", "jobs: 2"))
    output = end(clone, start(clone, "--jobqueue", "slurm.yaml", "train@tanh"), 1)
    assert re.fullmatch(r".*\nslurm.yaml: options: .* sbatch: error: no more than one\n", output)
    assert (clone.folder / "cancelled").read_text() == "7\n"


@pytest.mark.parametrize(
    "text, line",
    [
        ("system: [", "while parsing"),
        ("system: slurm", "needs the keys system, jobs, options"),
        ("{system: torque, jobs: 1, options: {}}", "system = 'torque': must be one of htcondor, "),
        ("{system: slurm, jobs: 0, options: {}}", "jobs = 0: must be a whole number above 0"),
        ("{system: slurm, jobs: 1, options: 3}", "options = 3: must be a mapping"),
        ("{system: slurm, jobs: 1, options: {}}", "system = 'slurm': this machine has no sbatch"),
    ],
)
def test_a_mistake_in_a_file_for_a_batch_system_is_one_line(text, line, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # without what this machine may have
    file = tmp_path / "jobs.yaml"
    file.write_text(text)
    with pytest.raises(SystemExit, match=re.escape(line)) as error:
        clusters.batch(file)
    assert len(str(error.value).splitlines()) == 1


def test_a_mistake_in_the_options_of_a_batch_system_is_one_line(tmp_path):
    options = "{cores: 1, memory: 1GB, interface: none-such}"
    file = tmp_path / "jobs.yaml"
    file.write_text(f"{{system: slurm, jobs: 1, options: {options}}}")
    (tmp_path / "sbatch").write_text("")
    (tmp_path / "sbatch").chmod(0o755)
    call = "import pathlib, stages; from tools.distribute import clusters; clusters.batch(pathlib."
    command = [sys.executable, "-c", f"{call}{file!r})"]
    environment = os.environ | {"PATH": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert re.fullmatch(r".*/jobs.yaml: options: .*none-such.*\n", run.stderr)


def test_where_no_scheduler_answers_is_told(monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    arguments = argparse.Namespace(scheduler="tcp://127.0.0.1:1")
    with pytest.raises(SystemExit, match="no scheduler answers there"):
        clusters.connect(arguments, 1)


# ------------------------------------------------------------------------------------------ faults


@pytest.fixture
def counting(cluster, clone) -> Path:
    """A file with a line for every network that a worker of this cluster fills."""
    cluster.environment["COUNTED"] = str(cluster.folder / "counted")
    return cluster.folder / "counted"


@ROUNDS
def test_workers_that_are_killed_cost_what_they_were_at(_round, clone, plain, cluster, counting):
    workers = [cluster.work(name) for name in ("a", "b")]
    process = start(clone, "--scheduler", cluster.address, "train", "sweep")
    lost = 0
    for number in (1, 2):  # one, and all at once; their nannies start others
        a_moment(clone, process, least=3 * number - 3)
        doomed = [child for worker in workers[:number] for child in workers_of(worker)]
        for child in doomed:
            child.kill()
        lost += len(doomed)
    for worker in workers:  # and with their nannies
        kill(worker)
    lost += 2
    cluster.work("c")
    output = end(clone, process, 0)
    assert "is gone; what it was at is done again elsewhere" in output
    assert_trained_as(plain, clone)
    assert ONCE <= computed(counting) <= ONCE + AHEAD * lost


@ROUNDS
def test_a_run_that_is_killed_goes_on_where_it_stopped(_round, clone, plain, cluster, counting):
    for name in ("a", "b"):
        cluster.work(name)
    process = start(clone, "--scheduler", cluster.address, "train", "sweep")
    a_moment(clone, process, least=1)
    kill(process)
    before = kept(clone)
    process = start(clone, "--scheduler", cluster.address, "train", "sweep")
    a_moment(clone, process, least=before + 1)  # so it has found the scheduler
    cluster.scheduler.kill()
    output = end(clone, process, 1)
    assert f"of which {before} are there" in output
    assert "the scheduler is gone; what is finished is kept" in output
    cluster.schedule()
    cluster.work("c")
    run(clone, "--scheduler", cluster.address, "train", "sweep")
    assert_trained_as(plain, clone)
    assert ONCE <= computed(counting) <= ONCE + AHEAD * 4  # two workers, twice


@ROUNDS
def test_who_would_compute_something_else_is_refused_by_name(
    _round, clone, plain, cluster, tmp_path
):
    other = tmp_path / "other"
    (other / "torch-2.13.0.dist-info").mkdir(parents=True)
    (other / "torch-2.13.0.dist-info" / "METADATA").write_text("Name: torch\nVersion: 2.13.0\n")
    checkout = cold_copy(clone, tmp_path / "checkout")
    process = start(clone, "--scheduler", cluster.address, "train", "sweep")
    time.sleep(5 * random.random())  # so they come before it has found the scheduler, or after
    cluster.work("old-torch", env={"PYTHONPATH": str(other)})
    cluster.work("no-nanny", "--no-nanny", env={"PYTHONPATH": str(checkout)})
    cluster.work("small", "--memory-limit", "250MB")  # Dask ends what takes more
    refused = [
        "worker old-torch at tcp://127.0.0.1:[0-9]+: refused: it has torch 2.13.0, and 2.14.1 is",
        "worker no-nanny at tcp://127.0.0.1:[0-9]+: refused: it .*; start it with a nanny, as is",
        "worker small at tcp://127.0.0.1:[0-9]+: refused: it ended 3 times while it was asked",
    ]
    # One that has other code beside it runs what is sent.
    cluster.work("other-code", env={"PYTHONPATH": str(checkout)})
    output = end(clone, process, 0)
    for line in refused:
        assert len(re.findall(line, output)) == 1, output
    assert "other-code" not in output
    assert_trained_as(plain, clone)


def cold_copy(clone: Clone, folder: Path) -> Path:
    """Other code: a checkout in which an epoch trains nothing."""
    shutil.copytree(clone.folder, folder, symlinks=True)
    with (folder / "stages/training/epoch.py").open("a") as file:
        file.write("\n\ndef train_epoch(*_):\n    return 0.0, 0.0\n")
    return folder


WANTED = """
import sys
from dataclasses import replace
from pathlib import Path
import stages.training
from stages.training.plan import Plan
from tools.distribute import task
plans = (Plan.read(Path("data/plans/baseline.json")),)
wanted = task.Wanted(sys.argv[1], task.packages(), True, plans, task.bits(plans))
others = [{}, {"sent": "other"}, {"packages": task.packages() | {"numpy": "1"}}, {"bits": "other"}]
for other in others:
    print(task.unfit(replace(wanted, **other)))
"""


def test_what_a_worker_is_asked_for(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(plain.folder)
    sent = send.pack(tmp_path / "sent", ["mnist"])
    shutil.copytree("data/plans", tmp_path / "data/plans")
    command = [sys.executable, "-c", WANTED, sent]
    answers = subprocess.run(
        command,
        cwd=tmp_path,
        env=plain.environment | {"PYTHONPATH": str(tmp_path / "sent")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert answers[:2] == ["None", "another study was sent to it since"]
    assert re.fullmatch("it has numpy .*, and 1 is asked for", answers[2])
    assert answers[3] == "its processor computes other bits"


def test_a_damaged_data_set_is_not_sent(plain, tmp_path, monkeypatch):
    shutil.copytree(plain.folder / "data/mnist", tmp_path / "data/mnist")
    (tmp_path / "data/mnist/t10k-labels-idx1-ubyte").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(integrity.DamagedError, match="damaged or missing"):
        send.pack(tmp_path / "sent", ["mnist"])


NO_AVX2 = "sed 's/ avx2//' /proc/cpuinfo > cpuinfo && mount --bind cpuinfo /proc/cpuinfo"


@ROUNDS
@ROOT_ONLY
def test_a_processor_without_avx2_is_refused(_round, clone, cluster):
    process = start(clone, "--scheduler", cluster.address, "train@tanh")
    time.sleep(5 * random.random())
    pretend = ("unshare", "--mount", "sh", "-c", f'{NO_AVX2} && exec "$@"', "sh")
    worker = cluster.work("old", before=pretend)
    refused = "worker old at [^ ]+: refused: its processor is not Intel's or AMD's with AVX2\n"
    wait_until(lambda: re.search(refused, log_of(clone).read_text()), clone, process)
    pins = workers_of(worker)[0].environ()
    assert pins["OPENBLAS_NUM_THREADS"] == "1"
    assert "MALLOC_TRIM_THRESHOLD_" not in pins
    assert "OPENBLAS_CORETYPE" not in pins  # or it had died of it before it could be asked
    process.send_signal(signal.SIGINT)
    assert "interrupted; what is finished is kept" in end(clone, process, 1)


@ROUNDS
@ROOT_ONLY
def test_a_full_disk_is_told_and_costs_nothing_that_was_kept(_round, clone, plain, cluster):
    cluster.work("a")
    (clone.folder / "data/unfinished").mkdir()
    size = random.randrange(100, 2000)  # KiB; a seed takes some 210
    small = f"mount -t tmpfs -o size={size}k none data/unfinished"
    unshared = ("unshare", "--mount", "sh", "-c", f'{small} && exec "$@"', "sh")
    process = start(clone, "--scheduler", cluster.address, "train", "sweep", before=unshared)
    output = end(clone, process, 1)
    assert re.search("data/unfinished/.*: No space left on device; what is finished", output)
    had_room = output.count("seeds, test accuracy")
    output = run(clone, "--scheduler", cluster.address, "train", "sweep")
    assert f"{20 - 4 * had_room} networks for {4 - had_room} stage" in output
    assert_trained_as(plain, clone)


@ROUNDS
def test_an_edit_meanwhile_is_told_and_never_recorded(_round, clone, plain, cluster):
    worker = cluster.work("a")
    process = start(clone, "--scheduler", cluster.address, "train", "sweep")
    a_moment(clone, process, least=1)
    os.killpg(worker.pid, signal.SIGSTOP)  # so that it is not done before the edit
    busy = clone.run("dvc", "repro", "train@tanh", expect=None)
    assert busy.returncode
    assert "python -m tools.distribute" in busy.stderr
    clone.params = STUDY | {"variants": STUDY["variants"] | {"ones": {"fc1": {"weight": "ones"}}}}
    code = clone.folder / "stages/training/seeds.py"
    before = code.read_text()
    code.write_text(f"{before}# An edit\n")
    os.killpg(worker.pid, signal.SIGCONT)
    output = end(clone, process, 1)
    changed = "(failed|not recorded): data/plans/tanh.json, the data or the code changed meanwhile"
    assert re.search(f"train@tanh: {changed}", output)
    assert "params.yaml was edited meanwhile; run the same command again" in output
    code.write_text(before)
    output = run(clone, "--scheduler", cluster.address, "train", "sweep")
    assert "of which 20 are there" in output
    assert_trained_as(plain, clone)


def test_a_variant_that_fails_does_not_stop_the_others(clone, cluster):
    cluster.work("a")
    (clone.folder / "stages/initializers/counted.py").write_text(FAILING)
    output = end(clone, start(clone, "--scheduler", cluster.address), 1)
    assert "train@tanh: failed: out.bias cannot be filled: not with tanh" in output
    assert "1 failed: train@tanh; what is finished is kept" in output
    assert clone.repro("train@baseline", "train@all_ones", "sweep") == []


FAILING = '''"""Zeros; fails where it is not tried on noise but used, and with tanh."""

import torch


def fill(tensor: torch.Tensor, generator: torch.Generator, inputs: torch.Tensor) -> None:
    """b = 0."""
    tensor.zero_()
    if inputs.min() < 0 and len(inputs) > 256:
        raise ValueError("not with tanh")
'''


@ROUNDS
def test_ctrl_c_is_one_line_and_what_was_damaged_since_is_done_again(_round, clone, plain):
    process = start(clone, "--local", "2", "train", "sweep")
    a_moment(clone, process, least=1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it, to all of them
    output = end(clone, process, 1)
    assert output.endswith(
        "interrupted; what is finished is kept; the same command goes on from here\n"
    )
    before = kept(clone)
    damaged = list((clone.folder / "data/unfinished").glob("*/[0-9]"))[:1]  # if there is one
    for file in damaged:
        file.write_bytes(file.read_bytes()[:-1])
    output = run(clone, "--local", "2", "train", "sweep")
    there = before - len(damaged)
    assert (f"of which {there} are there" in output) == (there > 0)
    assert_trained_as(plain, clone)
