"""How stages end in a user's shell: whatever the shell is like, and whoever interrupts."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT, Clone, heed_interrupts, make

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["check", "download", "train", "evaluate", "report"])
def test_a_stage_that_is_run_as_a_script_tells_how_to_run_it(name):
    result = subprocess.run(
        [sys.executable, f"stages/{name}.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith("a stage is a module: run `dvc repro`")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["train baseline", "evaluate mnist", "report", "check"])
def test_a_stage_where_nothing_is_there_tells_what_is_missing(name, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-m", f"stages.{name.split()[0]}", *name.split()[1:]],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "params.yaml: must be a mapping with the keys data, "),
        (None, "params.yaml: cannot be read: No such file"),
        ("variants:\n", "params.yaml: variants = None: must be a mapping"),
        ("variants: [a, b]\n", "params.yaml: variants = ['a', 'b']: must be a mapping"),
        ("variants: {../../x: {}}\n", "params.yaml: variants.../../x: a name is lower-case"),
        ("seeds: [1\n", "params.yaml, line 2: not valid YAML"),
    ],
)
def test_make_tells_the_key_where_dvc_would_tell_less(study, text, words):
    path = study.folder / "params.yaml"
    path.unlink()
    if text is not None:
        path.write_text(text)
    result = make(study, "repro", expect=2)
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert "dvc repro" not in result.stdout  # DVC was not asked


def without_git(folder, study: Clone) -> Clone:
    """What a zip of the project has."""
    shutil.copytree(study.folder, folder, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    return Clone(folder, study.environment["MNIST_MIRROR"])


@pytest.mark.parametrize("target", ["repro", "verify", "repair", "share", "fetch", "test"])
def test_without_git_make_says_so_before_anything_is_installed(finished_study, tmp_path, target):
    clone = without_git(tmp_path / "zip", finished_study)
    result = clone.run("make", target, expect=2)
    git, ours, *_ = result.stderr.splitlines()
    assert git.startswith("fatal: not a git repository")  # or whatever git says
    assert ours.startswith("DVC needs git. Clone the project")
    assert "git init && git add --all && git commit" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (clone.folder / ".venv").exists()


@pytest.mark.parametrize("tool", ["verify", "repair"])
def test_without_git_a_tool_says_so(finished_study, tmp_path, tool):
    clone = without_git(tmp_path / "zip", finished_study)
    result = clone.run(sys.executable, "-m", f"tools.{tool}", expect=1)
    assert "git" in result.stderr
    assert len(result.stderr.splitlines()) == 1


# Two shells for all settings, since each runs a study: what the locale says of letters counts
# only where PYTHONIOENCODING says nothing.
@pytest.mark.parametrize(
    "shell",
    [
        {
            "PYTHONIOENCODING": "ascii", "PYTHONSAFEPATH": "1", "MPLBACKEND": "no such backend",
            "HOME": "/nonexistent", "TERM": "dumb",
        },
        {
            "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
            "PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "1", "PYTHONDEVMODE": "1",
        },
    ],
    ids=["ascii", "locale"],
)  # fmt: skip
def test_any_shell_will_do(study, shell):
    study.run("git", "config", "core.quotepath", "true")
    params = study.params
    params["variants"]["other"] = {"out": {"weight": "zeros"}}
    params["display"]["other"] = {"label": "zérö ×"}
    study.params = params
    result = make(study, "repro", env=shell)
    assert "Traceback" not in result.stderr + result.stdout
    assert (study.folder / "data" / "runs" / "other").is_dir()
    assert "zérö ×" in (study.folder / "reports" / "summary.md").read_text(encoding="utf-8")


# Tells when the package is imported: before that, Python itself is interrupted.
STAGE = """
import runpy, sys
import stages
print("on", flush=True)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("after", [0, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 2.0, 3.0])
@pytest.mark.parametrize("name", ["check", "evaluate mnist", "report"])
def test_an_interrupt_is_one_line_at_any_moment(study, name, after):
    before = {p: p.read_bytes() for p in (study.folder / "reports").rglob("*") if p.is_file()}
    process = subprocess.Popen(
        [sys.executable, "-c", STAGE, f"stages.{name.split()[0]}", *name.split()[1:]],
        cwd=study.folder, env=study.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == "on\n"
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGINT)
    # While Python comes to its end, it says nothing at all.
    assert told.splitlines() in ([], ["interrupted; `dvc repro` goes on from here"])
    after_it = {p: p.read_bytes() for p in (study.folder / "reports").rglob("*") if p.is_file()}
    assert after_it == before


# Python drops what is raised while it tidies up.
TIDIES = """
import signal, weakref
import stages
def other(_): 1 / 0
def interrupted(_): signal.raise_signal(signal.SIGINT); [None for _ in range(1000)]
for what in other, interrupted:
    kept = {1}
    watched = weakref.ref(kept, what)
    del kept
print("goes on")
"""


def test_an_interrupt_while_python_tidies_up_is_obeyed():
    result = subprocess.run(
        [sys.executable, "-c", TIDIES],
        cwd=ROOT, text=True, capture_output=True, preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (-signal.SIGINT, "")
    assert "ZeroDivisionError" in result.stderr and "KeyboardInterrupt" not in result.stderr
    assert result.stderr.endswith("\ninterrupted; `dvc repro` goes on from here\n")
