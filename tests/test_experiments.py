"""DVC's experiments, as docs/experiments.md uses them, and the output of a training."""

import csv
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, Clone, executed, make, needs_chromium
from tests.once import made_once

VERDICTS = ("holds", "understated", "in_part", "fails", "undecided", "untested")
HEADLINES = ["accuracy.baseline", "accuracy.all_ones", "learn", "stuck"]
HEADLINES += [f"{of}.{end}" for of in ("lecture", "literature", "study") for end in VERDICTS]
WEIGHT = "variants.all_ones.all.weight"
# pip installs it next to Python, which may not be on PATH.
ACTIONLINT = shutil.which("actionlint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def table(text: str) -> list[list[str]]:
    """The cells of a table that DVC prints, by row."""
    return [line.split() for line in text.splitlines()]


@pytest.fixture
def compared(finished_study, tmp_path_factory, tmp_path) -> Clone:
    """A copy of the small study with an experiment `twos`, in which all_ones has weights of 2."""

    def run(folder: Path) -> None:
        study = finished_study.copy(folder / "initlab")
        setting = f"{WEIGHT}={{constant:{{val:2.0}}}}"
        result = study.run("dvc", "exp", "run", "--name", "twos", "-S", setting)
        assert executed(result) == ["check", "train@all_ones", "evaluate", "report"]

    folder = made_once(tmp_path_factory, "compared", run)
    mirror = finished_study.environment["MNIST_MIRROR"]
    return Clone(folder / "initlab", mirror).copy(tmp_path / "initlab")


@pytest.mark.slow
def test_an_experiment_is_compared_and_kept(compared):
    rows = csv.DictReader(compared.run("dvc", "exp", "show", "--csv").stdout.splitlines())
    row = next(row for row in rows if row["Experiment"] == "twos")
    assert [column for column in row if column in HEADLINES] == HEADLINES
    assert 0 < float(row["accuracy.baseline"]) < 1
    head = compared.run("git", "rev-parse", "HEAD").stdout
    (compared.folder / ".git" / "shallow").write_text(head)  # as after `git clone --depth 1`
    listed = make(compared, "experiments", env={"COLUMNS": "200"})
    (compared.folder / ".git" / "shallow").unlink()
    assert "git fetch --unshallow" in listed.stderr
    short = listed.stdout
    assert f"{WEIGHT}" in short and " accuracy.all_ones " in short
    assert "seeds" not in short and ".yaml" not in short

    changes = table(compared.run("dvc", "params", "diff").stdout)
    assert ["params.yaml", f"{WEIGHT}.constant.val", "-", "2.0"] in changes
    target = ["--all", "--targets", "reports/accuracy.json"]
    accuracies = table(compared.run("dvc", "metrics", "diff", "HEAD", "twos", *target).stdout)
    assert {row[1] for row in accuracies[1:]} == {"all_ones", "baseline"}
    columns = table(compared.run("dvc", "metrics", "show").stdout)[0]
    assert set(columns[1:]) == set(HEADLINES)

    compared.run("git", "checkout", "--quiet", ".")
    compared.run("dvc", "exp", "apply", "twos")
    assert compared.repro() == []
    compared.run("dvc", "exp", "branch", "twos", "kept")
    assert "kept" in compared.run("git", "branch").stdout


@pytest.mark.slow
@needs_chromium
def test_plots_of_two_revisions_are_drawn_without_a_network(compared, browser):
    make(compared, "offline")
    compared.run("dvc", "plots", "diff", "HEAD", "twos")
    page = browser.new_context(viewport={"width": 1600, "height": 1000}, offline=True).new_page()
    messages, requests = [], []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((compared.folder / "dvc_plots" / "index.html").as_uri())
    page.wait_for_function("document.querySelectorAll('.vega-embed svg.marks').length == 7")
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    for chart in page.locator(".vega-embed").all():
        assert chart.locator("[class*=role-mark] path").count() > 10
    text = page.locator("body").inner_text()
    for word in ("HEAD", "twos", "baseline", "all_ones", "Test accuracy"):
        assert word in text
    widths = [picture.evaluate("img => img.naturalWidth") for picture in page.locator("img").all()]
    figures = list((compared.folder / "reports" / "figures").glob("*.png"))
    assert len(widths) == 2 * len(figures) and all(widths)


@pytest.mark.slow
def test_the_queue_runs_an_experiment_outside_the_checkout(study):
    command = ["dvc", "exp", "run", "--queue", "--name", "queued", "-S", f"{WEIGHT}=zeros"]
    study.run(*command, "train@all_ones")
    try:
        # Not through a pipe: the worker keeps its output open for as long as it lives.
        output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        start = ["dvc", "queue", "start"]
        subprocess.run(start, cwd=study.folder, env=study.environment, check=True, **output)
        deadline = time.monotonic() + 120
        while "queued" not in study.run("git", "for-each-ref", "refs/exps").stdout:
            assert time.monotonic() < deadline, study.run("dvc", "queue", "status").stdout
            time.sleep(0.2)
    finally:
        study.run("dvc", "queue", "stop", "--kill")
    assert study.is_clean()
    study.run("dvc", "exp", "apply", "queued")
    assert study.repro("train@all_ones") == []


@pytest.mark.slow
def test_training_prints_a_line_per_epoch_and_a_bar_only_on_a_terminal(study):
    study.change("training", epochs=3)
    study.run("python", "-m", "stages.check")
    result = study.run("python", "-m", "stages.train", "baseline")
    log = result.stdout + result.stderr
    assert "%|" not in log and "\r" not in log

    # A new terminal has no size, so no room for a bar.
    command = ["sh", "-c", "stty cols 80 rows 24; python -m stages.train baseline"]
    terminal = study.run("python", "-c", f"import pty; pty.spawn({command})").stdout
    assert re.search(r"\d+%\|.*\| *\d+/6 ", terminal)  # two seeds, three epochs each
    for text in (log, terminal):
        assert re.findall(r"Epoch (\d)/3 \|", text) == ["1", "2", "3"]


@pytest.mark.skipif(ACTIONLINT is None, reason="install actionlint: no such command")
def test_the_workflow_for_github_is_valid():
    subprocess.run([ACTIONLINT], cwd=ROOT, check=True)
