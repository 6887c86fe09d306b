"""Fifty rounds of work: caches grow only by new results. Run by `make soak`."""

import random
import resource
from pathlib import Path

import pytest

from tests.conftest import Clone

pytestmark = [pytest.mark.slow, pytest.mark.soak]

ROUNDS = 50
VALUES = [0.0, 0.01, 0.1, 1.0, -0.1]  # of a constant; few, so most rounds repeat one


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def results(study: Clone) -> set[Path]:
    """The files in a study's cache, without the run cache."""
    return files(study.folder / ".dvc" / "cache" / "files")


def test_caches_grow_only_by_new_results(finished_study, tmp_path):
    a = finished_study.copy(tmp_path / "a")
    remote = tmp_path / "remote"
    a.run("dvc", "remote", "add", "--local", "--default", "soak", str(remote))
    a.run("dvc", "push", "--run-cache")
    b = a.copy(tmp_path / "b")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    for clone in (a, b):
        clone.environment["TMPDIR"] = str(temporary)
    random_ = random.Random(0)
    weights: dict[float, bytes] = {}  # the first result of each value
    states: dict[float, set[Path]] = {}  # the cache after gc, for each value
    memory = []  # peaks of the largest process so far
    for _ in range(ROUNDS):
        value = random_.choice(VALUES)
        new = value not in weights
        params = a.params
        params["variants"]["constant"] = {"out": {"weight": {"constant": {"val": value}}}}
        a.params = params
        there, sent = results(a), files(remote)
        assert ("train@constant" in a.repro()) == new
        trained = (a.folder / "data" / "runs" / "constant" / "weights.safetensors").read_bytes()
        assert weights.setdefault(value, trained) == trained
        assert bool(results(a) - there) == new
        a.run("dvc", "push", "--run-cache")
        assert bool(files(remote) - sent) == new

        b.params = params
        b.run("dvc", "pull", "--run-cache", "--allow-missing")
        assert "train@constant" not in b.repro("--pull", "--allow-missing")
        b.run("dvc", "gc", "--workspace", "--force")
        assert states.setdefault(value, results(b)) == results(b)

        for clone in (a, b):
            assert not [path for path in files(clone.folder) if ".partial" in path.name]
            status = clone.run("git", "status", "--porcelain", "--untracked-files=all").stdout
            assert not [line for line in status.splitlines() if line.startswith("??")], status
        memory.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    assert not files(temporary)
    assert memory[-1] <= 1.05 * memory[ROUNDS // 5]
    assert not [*Path("/dev/shm").glob("torch_*")]
