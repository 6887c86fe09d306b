"""DVC's experiments, as the README uses them."""

import csv
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import time

import pytest

from stages import ROOT
from tests.conftest import make

pytestmark = pytest.mark.slow

HEADLINES = ["baseline", "all_ones", "best", "mean", "learn", "stuck", "claims_hold", "claims_fail"]
TWOS = "variants.all_ones.all.weight={constant:{val:2.0}}"


def executed(result: subprocess.CompletedProcess) -> list[str]:
    return re.findall(r"^Running stage '(.*)'", result.stdout, flags=re.MULTILINE)


def shown(study) -> list[dict[str, str]]:
    """The rows of `dvc exp show --csv`."""
    return list(csv.DictReader(study.run("dvc", "exp", "show", "--csv").stdout.splitlines()))


def test_an_experiment_trains_what_it_changes_and_can_be_compared_and_kept(study):
    ran = study.run("dvc", "exp", "run", "--name", "twos", "-S", TWOS)
    assert executed(ran) == ["check", "train@all_ones", "evaluate", "report"]
    params = study.run("dvc", "params", "diff").stdout
    assert "variants.all_ones.all.weight.constant.val" in params

    rows = {row["Experiment"] or row["rev"]: row for row in shown(study)}
    assert len(rows) == 3
    assert {"workspace", "twos"} < rows.keys()
    columns = [name for name in rows["twos"] if name in HEADLINES]
    assert columns == HEADLINES
    assert 0 < float(rows["twos"]["baseline"]) < 1
    lines = study.run("dvc", "metrics", "show").stdout.splitlines()
    assert len(lines) == 2
    assert sorted(lines[0].split()[1:]) == sorted(HEADLINES)

    by_variant = ["dvc", "metrics", "diff", "HEAD", "twos", "--targets", "reports/accuracy.json"]
    changed = study.run(*by_variant).stdout
    assert "all_ones" in changed
    assert "baseline" not in changed

    study.run("git", "checkout", "--quiet", ".")
    study.run("dvc", "checkout")
    study.run("dvc", "exp", "apply", "twos")
    assert study.params["variants"]["all_ones"]["all"]["weight"] == {"constant": {"val": 2.0}}
    assert study.repro() == []
    study.run("dvc", "exp", "save", "--name", "kept")
    study.run("dvc", "exp", "branch", "kept", "twos-branch")
    assert "twos-branch" in study.run("git", "branch").stdout
    assert study.run("dvc", "exp", "list", "--name-only").stdout.split() == ["kept", "twos"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("trainig.lr=0.1", "Key 'trainig' is not in struct"),
        ("training.lrr=0.1", "Key 'lrr' is not in struct"),
        ("variants.al_ones.all.weight=zeros", "Key 'al_ones' is not in struct"),
        ("+training.lrr=0.1", "params.yaml: training.lrr: unknown key"),
        ("+variants.mine.all.weight=zeross", "variants.mine.all.weight = 'zeross': no such"),
        ("training.optimizer=adm", "params.yaml: training.optimizer = 'adm'"),
    ],
)
def test_a_mistyped_setting_is_refused_before_anything_trains(study, setting, words):
    result = study.run("dvc", "exp", "run", "-S", setting, expect=None)
    assert result.returncode != 0
    assert words in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not set(executed(result)) - {"check"}


def test_a_grid_runs_from_the_queue(study):
    study.run("dvc", "exp", "run", "--queue", "-S", "training.lr=0.1,0.01")
    assert study.run("dvc", "queue", "status").stdout.count("Queued") == 2
    try:
        study.run("dvc", "queue", "start")
        deadline = time.monotonic() + 240
        status = ""
        while status.count("Success") < 2 and time.monotonic() < deadline:
            time.sleep(1)
            status = study.run("dvc", "queue", "status").stdout
            assert "Failed" not in status
        assert status.count("Success") == 2
    finally:
        study.run("dvc", "queue", "stop")
    rates = {row["training.lr"] for row in shown(study)}
    assert rates == {"0.001", "0.1", "0.01"}
    # The checkout is as it was.
    assert study.run("git", "status", "--porcelain").stdout == ""
    table = make(study, "experiments", env={"COLUMNS": "200"}).stdout
    assert " baseline " in table and " training.lr " in table
    assert "seeds" not in table and ".yaml" not in table


@pytest.mark.parametrize("terminal", [True, False])
def test_a_person_sees_epochs_and_a_bar_and_a_log_has_a_line_an_epoch(study, terminal):
    command = ["dvc", "repro", "--force", "--single-item", "train@baseline"]
    params = study.params
    params["training"]["epochs"] = 3
    study.params = params
    study.repro("train@all_ones")
    log = study.folder / "log"
    if terminal:
        reader, writer = pty.openpty()
        size = struct.pack("HHHH", 24, 80, 0, 0)  # a new one has none, and no room for a bar
        fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
        with subprocess.Popen(
            command, cwd=study.folder, env=study.environment, stdout=writer, stderr=writer
        ) as process:
            os.close(writer)
            chunks = []
            while True:
                try:
                    chunk = os.read(reader, 65536)
                except OSError:  # how Linux says that the other end is closed
                    break
                if not chunk:
                    break
                chunks.append(chunk)
        os.close(reader)
        assert process.returncode == 0
        text = b"".join(chunks).decode()
        assert re.search(r"\d+%\|.*\| *\d+/6 ", text)  # two seeds, three epochs each
    else:
        with log.open("w") as file:
            subprocess.run(
                command,
                cwd=study.folder,
                env=study.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=True,
            )
        text = log.read_text()
        assert "%|" not in text
        assert "\r" not in text
    assert [f"Epoch {epoch}/3" in text for epoch in (1, 2, 3)] == [True] * 3
    assert len(re.findall(r"Epoch \d/3 \|", text)) == 3


@pytest.mark.skipif(
    shutil.which("actionlint") is None, reason="install actionlint: no such command"
)
def test_the_workflow_for_github_is_sound():
    subprocess.run(["actionlint"], cwd=ROOT, check=True)
