"""DVC's experiments, as docs/experiments.md uses them, and what a person sees of a run."""

import csv
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from stages.training import integrity
from tests.conftest import ROOT, Clone, make

pytestmark = pytest.mark.slow

VERDICTS = ("holds", "in_part", "fails", "undecided", "untested")
HEADLINES = [
    "accuracy.baseline", "accuracy.all_ones", "learn", "stuck",
    *(f"{which}.{verdict}" for which in ("lecture", "literature", "study") for verdict in VERDICTS),
]  # fmt: skip
WEIGHT = "variants.all_ones.all.weight"
# pip puts it beside Python, which need not be on a shell's path.
ACTIONLINT = shutil.which("actionlint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def executed(result: subprocess.CompletedProcess) -> list[str]:
    """The stages that `dvc exp run` executed, not restored."""
    return re.findall(r"^Running stage '(.*)'", result.stdout, flags=re.MULTILINE)


def shown(study: Clone) -> dict[str, dict[str, str]]:
    """The rows of `dvc exp show --csv` by the experiment's name."""
    rows = csv.DictReader(study.run("dvc", "exp", "show", "--csv").stdout.splitlines())
    return {row["Experiment"] or row["rev"]: row for row in rows}


def table(text: str) -> list[list[str]]:
    """The cells of a table of DVC's, by row."""
    return [line.split() for line in text.splitlines()]


def test_an_experiment_trains_what_it_changes(study):
    setting = f"{WEIGHT}={{constant:{{val:2.0}}}}"
    # Without evaluate and report, which the queue's test runs.
    ran = study.run("dvc", "exp", "run", "--name", "twos", "-S", setting, "train@all_ones")
    assert executed(ran) == ["check", "train@all_ones"]
    changes = table(study.run("dvc", "params", "diff").stdout)
    assert ["params.yaml", f"{WEIGHT}.constant.val", "-", "2.0"] in changes
    study.run("dvc", "exp", "save", "--name", "mine")
    listed = study.run("dvc", "exp", "list").stdout
    assert "[twos]" in listed and "[mine]" in listed


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("trainig.lr=0.1", "Could not override 'trainig.lr'"),
        ("+variants.mine.all.weight=zeross", "did you mean 'zeros'?"),
    ],
)
def test_a_mistyped_setting_is_refused_before_anything_trains(study, setting, words):
    result = study.run("dvc", "exp", "run", "-S", setting, expect=None)
    assert result.returncode != 0
    assert words in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not set(executed(result)) - {"check"}


def test_a_grid_runs_from_the_queue_and_can_be_compared_and_kept(study):
    study.run("dvc", "exp", "run", "--queue", "-S", f"{WEIGHT}=zeros,normal")
    queued = table(study.run("dvc", "queue", "status").stdout)
    assert [row[-1] for row in queued[1:3]] == ["Queued", "Queued"]
    # One is enough to see it run.
    study.run("dvc", "queue", "remove", queued[1][0])
    name = queued[2][1]
    run_queue(study, name)
    assert study.run("git", "status", "--porcelain").stdout == ""  # the checkout is as it was

    # The headlines, in order; and every variant's accuracy.
    row = shown(study)[name]
    assert [column for column in row if column in HEADLINES] == HEADLINES
    assert 0 < float(row["accuracy.baseline"]) < 1
    short = make(study, "experiments", env={"COLUMNS": "200"}).stdout
    assert f"{WEIGHT} " in short and " accuracy.all_ones " in short
    assert "seeds" not in short and ".yaml" not in short
    columns = table(study.run("dvc", "metrics", "show").stdout)[0]
    assert sorted(columns[1:]) == sorted(HEADLINES)
    between = ["dvc", "metrics", "diff", "HEAD", name]
    assert "reports/metrics.json" in study.run(*between).stdout
    changes = table(study.run(*between, "--targets", "reports/accuracy.json").stdout)
    assert [row[1] for row in changes[1:]] == ["all_ones"]

    study.run("dvc", "exp", "apply", name)
    assert study.params["variants"]["all_ones"]["all"]["weight"] == row[WEIGHT]
    assert study.repro() == []
    study.run("dvc", "exp", "branch", name, "kept")
    assert "kept" in study.run("git", "branch").stdout


def run_queue(study: Clone, name: str) -> None:
    """Start the queue, and wait until the experiment of this name, its only one, has run."""
    # The worker keeps its output open for as long as it lives: a pipe would wait for that.
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = ["dvc", "queue", "start"]
    try:
        subprocess.run(start, cwd=study.folder, env=study.environment, check=True, **quiet)
        deadline = time.monotonic() + 120
        # To ask git takes no time from what runs, and to ask DVC takes seconds.
        while name not in study.run("git", "for-each-ref", "refs/exps").stdout:
            if time.monotonic() > deadline:
                pytest.fail(study.run("dvc", "queue", "status").stdout)
            time.sleep(0.2)
        while "Success" not in (status := study.run("dvc", "queue", "status").stdout):
            assert time.monotonic() < deadline, status
    finally:
        study.run("dvc", "queue", "stop", "--kill")


@pytest.fixture
def training(study) -> list[str]:
    """The command that trains two seeds for three epochs."""
    file = study.folder / "data" / "plans" / "baseline.json"
    plan = integrity.read_json(file) | {"epochs": 3}
    file.chmod(0o644)
    file.write_text(integrity.as_json(plan), encoding="utf-8")
    return [sys.executable, "-m", "stages.train", "baseline"]


def has_a_line_an_epoch(text: str) -> bool:
    return re.findall(r"Epoch (\d)/3 \|", text) == ["1", "2", "3"]


def test_a_terminal_shows_a_line_an_epoch_and_a_bar(study, training):
    reader, writer = pty.openpty()
    size = struct.pack("HHHH", 24, 80, 0, 0)  # a new one has none, and no room for a bar
    fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
    with subprocess.Popen(
        training, cwd=study.folder, env=study.environment, stdout=writer, stderr=writer
    ) as process:
        os.close(writer)
        text = b"".join(chunks(reader)).decode()
    os.close(reader)
    assert process.returncode == 0
    assert has_a_line_an_epoch(text)
    assert re.search(r"\d+%\|.*\| *\d+/6 ", text)  # two seeds, three epochs each


def chunks(reader: int):
    """What comes from a terminal, until the other end is closed."""
    while True:
        try:
            chunk = os.read(reader, 65536)
        except OSError:  # how Linux says that it is
            return
        if not chunk:
            return
        yield chunk


def test_a_log_has_a_line_an_epoch_and_no_bar(study, training):
    result = study.run(*training)
    text = result.stdout + result.stderr
    assert has_a_line_an_epoch(text)
    assert "%|" not in text and "\r" not in text


@pytest.mark.skipif(ACTIONLINT is None, reason="install actionlint: no such command")
def test_the_workflow_for_github_is_sound():
    subprocess.run([ACTIONLINT], cwd=ROOT, check=True)
