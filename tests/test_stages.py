"""How stages end in a user's shell."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest

from stages import running
from tests.conftest import ROOT, Clone, accept_interrupts, make

pytestmark = pytest.mark.slow

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


@pytest.mark.parametrize("name", ["check", "report"])
def test_a_stage_run_as_a_script_prints_the_right_command(name):
    result = subprocess.run(
        [sys.executable, f"stages/{name}.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith("a stage is a module: run `dvc repro`")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("train baseline", {}),
        ("evaluate mnist", {}),
        ("report", {"PYTHONOPTIMIZE": "2"}),
        ("check", {"PYTHONPATH": f"{ROOT}{os.pathsep}early", "OMP_NUM_THREADS": "2"}),
    ],
)
def test_a_stage_in_an_empty_folder_names_a_missing_file(name, settings, tmp_path):
    (tmp_path / "early").mkdir()
    (tmp_path / "early/sitecustomize.py").write_text("import numpy")
    result = subprocess.run(
        [sys.executable, "-m", f"stages.{name.split()[0]}", *name.split()[1:]],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["early"]


def test_make_names_a_user_whom_the_environment_does_not():
    """DVC fails without a name, in a container for instance."""
    nobody = {name: value for name, value in os.environ.items() if name not in NAMES}
    command = ["make", "--eval", "name: ; @echo $$USER", "name"]
    result = subprocess.run(command, cwd=ROOT, env=nobody, capture_output=True, text=True)
    assert result.stdout.strip(), result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "params.yaml: cannot be read: No such file"),
        ("variants: [a, b]\n", "params.yaml: variants = ['a', 'b']: must be a mapping"),
        ("seeds: [1\n", "params.yaml, line 2: not valid YAML"),
    ],
)
def test_make_names_the_wrong_key_before_dvc_runs(study, text, words):
    path = study.folder / "params.yaml"
    path.unlink()
    if text is not None:
        path.write_text(text)
    result = make(study, "repro", expect=2)
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert "dvc repro" not in result.stdout  # DVC was not asked


@pytest.mark.parametrize(
    ("script", "renewed"),
    [("#!/bin/sh\necho 4\n", False), ("#!/no/such/.venv/bin/python\n", True), (None, True)],
)
def test_make_renews_an_environment_whose_scripts_do_not_start(script, renewed, tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    command = tmp_path / ".venv" / "bin" / "tqdm"
    command.parent.mkdir(parents=True)
    if script:
        command.write_text(script)
        command.chmod(0o755)
    (tmp_path / ".venv" / "installed").touch()
    dry_run = ["make", "--dry-run", "env"]
    plan = subprocess.run(dry_run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert ("venv --clear" in plan) == renewed


def without_git(folder, study: Clone) -> Clone:
    """The content of a zip of the project."""
    shutil.copytree(study.folder, folder, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    return Clone(folder, study.environment["MNIST_MIRROR"])


@pytest.mark.parametrize("target", ["repro", "verify"])
def test_make_without_git_gives_advice_before_it_installs(finished_study, tmp_path, target):
    clone = without_git(tmp_path / "zip", finished_study)
    result = clone.run("make", target, expect=2)
    git, ours, *_ = result.stderr.splitlines()
    assert git.startswith("fatal: not a git repository")  # or whatever git says
    assert ours.startswith("DVC needs git. Clone the project")
    assert "git init && git add --all && git commit" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (clone.folder / ".venv").exists()


# Runs a stage until it calls a method, which prints a line and waits for Ctrl-C.
STAGE = """
import importlib, pkgutil, sys, time
from stages import running
owner, _, method = sys.argv[1].rpartition(".")
stage = importlib.import_module(sys.argv[2])
def wait(*_):
    print("on", flush=True)
    time.sleep(60)
setattr(pkgutil.resolve_name(owner), method, wait)
del sys.argv[:2]
running.run(stage.main)
"""


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("check", "pathlib.Path.replace"),  # when all files are written and none is in place
        ("train baseline", "stages.training.results.Trained.add"),
        ("evaluate mnist", "pathlib.Path.replace"),
        ("report", "pathlib.Path.replace"),
    ],
)
def test_an_interrupt_is_one_line_and_leaves_all_outputs(study, name, method):
    def outputs() -> dict:
        folders = [study.folder / name for name in ("reports", "data")]
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files}

    before = outputs()
    process = subprocess.Popen(
        [sys.executable, "-c", STAGE, method, *f"stages.{name}".split()],
        cwd=study.folder, env=study.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=accept_interrupts,
    )  # fmt: skip
    assert process.stdout and "on\n" in iter(process.stdout.readline, "")
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert (process.returncode, printed) == (running.INTERRUPTED, f"{running.CONTINUES}\n")
    assert outputs() == before


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FileNotFoundError(2, "No such file", "data/plans"), "data/plans: is missing; `dvc repro`"),
        (FileExistsError(17, "File exists", "a"), "a: File exists; move away"),
        (PermissionError(13, "Permission denied", "a"), "a: Permission denied"),
        (OSError(28, "No space left on device"), "nothing was written: No space left"),
        (MemoryError(), "a process was killed"),
        (BrokenProcessPool(), "a process was killed"),
    ],
)
def test_a_fault_of_the_machine_is_one_line(error, line):
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        running.run(main)
    assert end.value.code.startswith(line)
