"""Distributed trainings give the bytes that `dvc repro` gives, whatever happens meanwhile."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from distributed import CancelledError

from tests.cluster import DASK, WORKER, Processes, kill
from tests.conftest import Clone
from tests.once import made_once
from tools.distribute import clusters, record, spread, work

pytestmark = pytest.mark.slow
extra = pytest.mark.extra

STUDY = {
    "data": {"name": "mnist", "limit": 6400},
    "seeds": 4,
    "network": {"hidden": [32, 16], "activation": "relu"},
    "training": {"epochs": 4, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
    "variants": {
        "baseline": {},
        "all_ones": {"all": {"weight": "ones"}},
        "tanh": {"network": {"activation": "tanh"}, "out": {"bias": "own"}},
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
OWN = '''"""An initializer that git does not know."""

import torch


def fill(tensor: torch.Tensor, inputs: torch.Tensor) -> None:
    """b = 0."""
    tensor.zero_()
'''
TRAININGS = ("train", "sweep")
KEPT = "finished results are kept; the same command continues from here"


IS_ROOT = sys.platform == "linux" and os.geteuid() == 0 and bool(shutil.which("ip"))
needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs Linux, root and iproute2")
# Processes are killed at random moments: once with `-m extra`, and nine times with `-m soak`.
rounds = pytest.mark.parametrize(
    "_round",
    [
        pytest.param(0, marks=extra),
        *(pytest.param(i, marks=pytest.mark.soak) for i in range(1, 10)),
    ],
)


@pytest.fixture(scope="module")
def cold(fresh_clone, tmp_path_factory) -> Clone:
    """A study without results."""
    clone = fresh_clone.copy(tmp_path_factory.mktemp("cold") / "initlab")
    shutil.rmtree(clone.folder / "reports" / "sweeps", ignore_errors=True)
    (clone.folder / "stages/initializers/own.py").write_text(OWN)
    clone.params = STUDY
    return clone


@pytest.fixture(scope="module")
def plain(cold, tmp_path_factory) -> Clone:
    """The same study, trained by `dvc repro`. Tests must not change it."""
    folder = made_once(
        tmp_path_factory, "plain", lambda folder: cold.copy(folder / "initlab").repro(*TRAININGS)
    )
    return Clone(folder / "initlab", Path(cold.environment["MNIST_MIRROR"]))


@pytest.fixture
def clone(cold, tmp_path) -> Clone:
    """A copy of the cold study, for one test."""
    return cold.copy(tmp_path / "initlab")


def results(clone: Clone) -> dict[str, bytes]:
    """Every file that a run leaves, including DVC's caches; without the compiled kernel."""
    roots = [clone.folder / part for part in ("data", "reports", ".dvc/cache", "dvc.lock")]
    files = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
    return {
        path.relative_to(clone.folder).as_posix(): path.read_bytes()
        for path in files
        if path.parent.name != ".kernel"
    }


@pytest.fixture
def local(clone, tmp_path) -> Iterator[Processes]:
    """The command on this machine."""
    (tmp_path / "cluster").mkdir()
    processes = Processes(clone, tmp_path / "cluster")
    yield processes
    for process in processes.started:
        kill(process)


@pytest.fixture
def cluster(local) -> Processes:
    """A scheduler without workers."""
    local.scheduler = local.schedule()
    return local


def test_local_workers_give_the_bytes_of_dvc_repro_whatever_dasks_settings(clone, plain, local):
    unfit = {"NANNY__PRELOAD": "['nothing']", "COMM__REQUIRE_ENCRYPTION": "True"}
    clone.environment |= {f"DASK_DISTRIBUTED__{key}": value for key, value in unfit.items()}
    output = local.end(local.run("--local", "2", *TRAININGS))
    assert "20 networks for 4 stages; about " in output
    assert "train@baseline: 4 seeds, test accuracy 0." in output
    assert "sweep@grid: 8 networks" in output
    assert results(clone) == results(plain)


@extra
def test_results_in_dvcs_cache_are_not_trained_again(plain, local):
    clone = local.clone = plain.copy(local.folder / "initlab")
    shutil.rmtree(clone.folder / "data/runs")
    (clone.folder / "dvc.lock").unlink()
    assert "networks" not in local.end(local.run("--local", "2", "train@tanh"))
    assert [run.name for run in (clone.folder / "data/runs").iterdir()] == ["tanh"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("system: [", ["while parsing"]),
        ("{system: slurm, jobs: 1}", ["options: Field required"]),
        ("{system: torque, jobs: 1, options: {}}", ["system = 'torque'", "'htcondor'"]),
        ("{system: slurm, jobs: 0, options: {}}", ["jobs = 0", "greater than 0"]),
        ("{system: slurm, jobs: 1, options: 3}", ["options = 3", "dictionary"]),
        ("{system: slurm, jobs: 1, options: {}, job: 2}", ["job = 2", "not permitted"]),
        ("{system: lsf, jobs: 1, options: {}}", ["system = 'lsf'", "no bsub"]),
    ],
)
def test_mistake_in_a_job_file_is_one_line(text, words, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    file = tmp_path / "jobs.yaml"
    file.write_text(text)
    with pytest.raises(SystemExit) as error:
        clusters.batch(file)
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in (str(file), *words))


def test_missing_scheduler_is_one_line(monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    with pytest.raises(SystemExit, match="no scheduler answers there"):
        clusters.remote("tcp://127.0.0.1:1")


@pytest.mark.parametrize(
    "joinable, problem, printed",
    [
        (False, f"no worker for 60 s on this machine, which may lack memory; {KEPT}", 0),
        (True, f"the scheduler is gone; {KEPT}", 1),
    ],
)
def test_lack_of_workers_is_reported_once(joinable, problem, printed, monkeypatch, capsys):
    monkeypatch.setattr(spread, "PAUSE", 0)
    monkeypatch.setattr(spread, "LONELY", -1)
    answers = Mock(side_effect=[{"workers": {}}] * 3 + [CancelledError("the scheduler ends")])
    training = Mock(plans=[])
    training.missing.return_value = [work.Task(training, 0, 1, 1.0, print)]
    run = spread.Spread(Mock(sync=answers), b"", [training], joinable)
    assert run.run() == [problem]
    assert capsys.readouterr().out.count("no worker for 60 s; the command waits") == printed


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from a package of DVC
def test_results_from_before_an_edit_do_not_keep_a_stage_from_training(study, monkeypatch):
    monkeypatch.chdir(study.folder)
    shutil.rmtree("data/runs")
    assert record.pending(["train"]) == []  # in the cache
    study.append("data/plans/all_ones.json", "\n")
    assert record.pending(["train"]) == ["train@all_ones"]


NETWORK = """
for name in $1 $2; do ip netns add $name; ip -n $name link set lo up; done
ip -n $1 link add eth0 type veth peer eth0 netns $2
ip -n $1 addr add 10.83.0.1/24 dev eth0; ip -n $1 link set eth0 up
ip -n $2 addr add 10.83.0.2/24 dev eth0; ip -n $2 link set eth0 up
"""


@extra
@needs_root
def test_machine_with_its_own_clone_gives_the_same_bytes(clone, plain, local, mnist_folder):
    here, there = [f"initlab-{os.getpid()}-{i}" for i in range(2)]
    try:
        subprocess.run(["sh", "-ec", NETWORK, "sh", here, there], check=True)
        local.schedule("10.83.0.1", inside(here))
        checkout = clone.copy(local.folder / there).folder
        shutil.copytree(mnist_folder, checkout / "data/mnist")
        local.work("other", *inside(there), *WORKER, host="10.83.0.2", cwd=checkout)
        local.end(local.run(*TRAININGS, before=inside(here)))
    finally:
        for process in local.started:
            kill(process)
        for name in (here, there):
            subprocess.run(["ip", "netns", "delete", name], check=False)
    assert results(clone) == results(plain)


def inside(namespace: str) -> tuple[str, ...]:
    """The start of a command that sees only a namespace's network."""
    return ("ip", "netns", "exec", namespace)


# A stand-in for Slurm's command, which runs the script elsewhere, and one that refuses the second.
SBATCH = """#!/bin/sh
cp "$1" script
(cd / && setsid sh "$OLDPWD/script" > "$OLDPWD/job.log" 2>&1 & echo "Submitted batch job $!")
"""
REFUSING = """#!/bin/sh
mkdir taken 2>/dev/null && echo "Submitted batch job 7" && exit
echo "sbatch: error: no more than one" >&2
exit 1
"""
SLURM = """
system: slurm
jobs: 1
options: {queue: long, account: lab, cores: 2, memory: 4GB, walltime: "01:00:00", interface: lo}
"""


def install_slurm(local: Processes, sbatch: str, scancel: str) -> None:
    """Give the command the two commands of Slurm, and a file that uses them."""
    for name, script in {"sbatch": sbatch, "scancel": scancel}.items():
        (local.folder / name).write_text(script)
        (local.folder / name).chmod(0o755)
    path = f"{local.folder}{os.pathsep}{local.clone.environment['PATH']}"
    local.clone.environment["PATH"] = path
    (local.clone.folder / "slurm.yaml").write_text(SLURM)


@extra
def test_slurm_jobs_give_the_same_bytes(clone, plain, local):
    install_slurm(local, SBATCH, "#!/bin/sh\nkill -- -$1\n")
    process = local.run("--jobqueue", "slurm.yaml", *TRAININGS)
    local.wait_for_results(process, least=1)
    process.send_signal(signal.SIGINT)
    assert f"interrupted; {KEPT}" in local.end(process, 1)
    local.end(local.run("--jobqueue", "slurm.yaml", *TRAININGS))
    assert results(clone) == results(plain)
    script = (clone.folder / "script").read_text()
    assert "#SBATCH -p long\n" in script
    assert re.search(r"distribute.worker tcp://127.0.0.1:\d+ .*--nworkers 2 ", script)


@extra
def test_job_that_slurm_refuses_takes_back_the_others(clone, local):
    install_slurm(local, REFUSING, "#!/bin/sh\necho $1 >> cancelled\n")
    (clone.folder / "slurm.yaml").write_text(SLURM.replace("jobs: 1", "jobs: 2"))
    output = local.end(local.run("--jobqueue", "slurm.yaml", "train@tanh"), 1)
    assert re.search(r"^slurm.yaml: options: .* no more than one$", output, re.MULTILINE)
    assert (clone.folder / "cancelled").read_text() == "7\n"


@rounds
def test_tasks_of_killed_workers_run_again(_round, clone, plain, cluster):
    process = cluster.run(*TRAININGS)
    workers = [cluster.work(name) for name in ("a", "b")]
    for worker in workers:  # one, and then all
        cluster.wait_for_results(process, least=1)
        kill(worker)
    cluster.work("c")
    assert "worker a: lost; other workers rerun its tasks" in cluster.end(process)
    assert results(clone) == results(plain)


@rounds
def test_killed_run_continues(_round, clone, plain, cluster):
    for name in ("a", "b"):
        cluster.work(name)
    process = cluster.run(*TRAININGS)
    cluster.wait_for_results(process, least=1)
    kill(process)
    before = cluster.kept()
    process = cluster.run(*TRAININGS)
    cluster.wait_for_results(process, least=before + 1)  # so it is connected
    cluster.scheduler.kill()
    output = cluster.end(process, 1)
    assert f"{before} already finished" in output
    assert f"the scheduler is gone; {KEPT}" in output
    cluster.schedule()
    cluster.work("c")
    cluster.end(cluster.run(*TRAININGS))
    assert results(clone) == results(plain)


@rounds
def test_unfit_workers_are_refused_by_name(_round, clone, plain, cluster, mnist_folder):
    other = clone.copy(cluster.folder / "other").folder
    shutil.copytree(mnist_folder, other / "data/mnist")
    empty = clone.copy(cluster.folder / "empty").folder
    old = cluster.folder / "torch-2.13.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Name: torch\nVersion: 2.13.0\n")
    with (other / "stages/training/epoch.py").open("a") as file:
        file.write("\n\ndef train_epoch(*_):\n    return 0.0, 0.0\n")
    process = cluster.run(*TRAININGS)
    time.sleep(5 * random.random())  # workers may come before it is connected, or after
    cluster.work("other", cwd=other)
    cluster.work("no-data", cwd=empty)
    cluster.work("old-torch", env={"PYTHONPATH": str(cluster.folder)})
    cluster.work("bare", DASK, "worker", "--nthreads", "1", cwd=cluster.folder)
    refused = {
        "other": "its stages/training/epoch.py differs; check out the same commit",
        "no-data": ".*/data/mnist/SHA256SUMS: .*; run `dvc repro download` or `dvc pull` there",
        "old-torch": "its torch is 2.13.0, and 2.14.1 is required",
        "bare": "start it with ",
    }
    hidden = {"NPY_DISABLE_CPU_FEATURES": "FMA3 AVX2 AVX512F AVX512CD AVX512_SKX"}
    cluster.work("old-processor", env=hidden)
    refused["old-processor"] = "this processor lacks fused multiply-add"
    for name, reason in refused.items():
        line = re.compile(f"worker {name} at tcp://127.0.0.1:[0-9]+: refused: {reason}")
        cluster.wait_until(lambda line=line: line.search(cluster.printed()), process)
    cluster.work("fit")
    output = cluster.end(process)
    assert output.count("refused: ") == len(refused)
    assert "worker fit" not in output
    assert results(clone) == results(plain)


@rounds
@needs_root
def test_full_disk_is_one_line_and_loses_no_result(_round, clone, plain, cluster):
    cluster.work("a")
    (clone.folder / "data/unfinished").mkdir()
    size = random.randrange(100, 2000)  # KiB; a seed takes some 210
    small = f"mount -t tmpfs -o size={size}k none data/unfinished"
    unshared = ("unshare", "--mount", "sh", "-c", f'{small} && exec "$@"', "sh")
    output = cluster.end(cluster.run(*TRAININGS, before=unshared), 1)
    assert re.search(f"data/unfinished/.*: No space left on device; {KEPT}", output)
    had_room = output.count("seeds, test accuracy")
    assert f"{20 - 4 * had_room} networks" in cluster.end(cluster.run(*TRAININGS))
    assert results(clone) == results(plain)


@rounds
def test_edit_meanwhile_is_not_recorded_under_old_results(_round, clone, plain, cluster):
    worker = cluster.work("a")
    process = cluster.run(*TRAININGS)
    cluster.wait_for_results(process, least=1)
    os.killpg(worker.pid, signal.SIGSTOP)  # so that it does not finish before the edit
    busy = clone.run("dvc", "repro", "train@tanh", expect=None)
    assert busy.returncode
    assert "python -m tools.distribute" in busy.stderr
    clone.change("variants", ones={"fc1": {"weight": "ones"}})
    code = clone.folder / "stages/training/seeds.py"
    before = code.read_text()
    code.write_text(f"{before}# An edit\n")
    os.killpg(worker.pid, signal.SIGCONT)
    output = cluster.end(process, 1)
    changed = "(failed|not recorded): data/plans/tanh.json, the data or the code changed meanwhile"
    assert re.search(f"train@tanh: {changed}", output)
    assert "params.yaml was edited meanwhile; run the same command again" in output
    code.write_text(before)
    clone.params = STUDY
    output = cluster.end(cluster.run(*TRAININGS))
    assert "20 already finished" in output
    assert results(clone) == results(plain)


RECORD_CHANGED = """
from types import SimpleNamespace
from tools.distribute import record, work

def check():
    raise work.ChangedError("the code changed meanwhile")

print(*record.commit([SimpleNamespace(name="train@all_ones", check=check)]))
"""


def test_a_result_of_changed_code_enters_neither_lock_nor_run_cache(study):
    """Otherwise DVC would restore the old result for the new code."""

    def recorded() -> dict[Path, bytes]:
        paths = (study.folder / "dvc.lock", *(study.folder / ".dvc/cache/runs").rglob("*"))
        return {path: path.read_bytes() for path in paths if path.is_file()}

    before = recorded()
    study.append("stages/training/seeds.py", "# An edit\n")
    printed = study.run(sys.executable, "-c", RECORD_CHANGED).stdout
    assert printed == "train@all_ones: not recorded: the code changed meanwhile\n"
    assert recorded() == before


FAILING = """    if len(inputs) > 256:  # in training, and not in check
        raise ValueError("no")
"""


@extra
def test_failing_variant_does_not_stop_the_others(clone, local):
    clone.append("stages/initializers/own.py", FAILING)
    output = local.end(local.run("--local", "2", *TRAININGS), 1)
    assert "train@tanh: failed: out.bias cannot be filled: no" in output
    assert f"1 failed: train@tanh; {KEPT}" in output
    assert clone.repro("train@baseline", "train@all_ones", "sweep") == []


@rounds
def test_ctrl_c_is_one_line_and_damaged_results_run_again(_round, clone, plain, local):
    process = local.run("--local", "2", *TRAININGS)
    local.wait_for_results(process, least=1)
    os.killpg(process.pid, signal.SIGINT)  # to all processes, as from a terminal
    assert local.end(process, 1).endswith(f"interrupted; {KEPT}\n")
    before = local.kept()
    damaged = list((clone.folder / "data/unfinished").glob("*/[0-9]"))[:1]  # if there is one
    for file in damaged:
        file.write_bytes(file.read_bytes()[:-1])
    output = local.end(local.run("--local", "2", *TRAININGS))
    there = before - len(damaged)
    assert (f"{there} already finished" in output) == (there > 0)
    assert results(clone) == results(plain)
