"""The promise of the workflow, with real `dvc repro` on a slice of the real data."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from stages.settings import yaml_file

pytestmark = pytest.mark.slow

STAGES = ["check", "download", "train@baseline", "train@all_ones", "evaluate", "report"]
TRAININGS = [stage for stage in STAGES if stage.startswith("train@")]


def changing(study, section: str, **values) -> None:
    params = study.params
    params[section] = params[section] | values
    study.params = params


def test_a_cold_run_executes_every_stage_and_a_second_none(finished_study, study):
    assert finished_study.executed == STAGES
    assert study.repro() == []
    lock = (study.folder / "dvc.lock").read_text()
    assert study.repro() == []
    assert (study.folder / "dvc.lock").read_text() == lock
    assert study.run("git", "status", "--porcelain").stdout == ""


def test_changing_one_variant_trains_that_one_alone(study):
    changing(study, "variants", all_ones={"all": {"weight": "ones", "bias": "zeros"}})
    assert study.repro() == ["check", "train@all_ones", "evaluate", "report"]


def test_adding_and_removing_a_variant_touches_no_other(study):
    lock = (study.folder / "dvc.lock").read_text()
    history = (study.folder / "reports" / "history.csv").read_text()
    changing(study, "variants", zero_out={"out": {"weight": "zeros", "bias": "zeros"}})
    assert study.repro("evaluate") == ["check", "train@zero_out", "evaluate"]
    assert (study.folder / "data" / "runs" / "zero_out").is_dir()

    params = study.params
    del params["variants"]["zero_out"]
    study.params = params
    assert not set(study.repro()) & {*TRAININGS, "train@zero_out"}
    assert not (study.folder / "data" / "runs" / "zero_out").exists()
    assert (study.folder / "reports" / "history.csv").read_text() == history
    # What is left in dvc.lock of the variant that is gone is DVC's to keep.
    kept = yaml_file.loads((study.folder / "dvc.lock").read_text())["stages"]
    kept.pop("train@zero_out", None)
    assert kept == yaml_file.loads(lock)["stages"]


def test_renaming_a_label_trains_nothing(study):
    changing(study, "display", baseline={"label": "as PyTorch has it"})
    assert study.repro() == ["check", "report"]
    for file in ("summary.md", "index.html"):
        assert "as PyTorch has it" in (study.folder / "reports" / file).read_text(encoding="utf-8")


def edit(study, file: str, line: str) -> None:
    with (study.folder / file).open("a") as opened:
        opened.write(line)


def test_a_custom_initializer_trains_only_the_variants_that_use_it(study):
    folder = "stages/initializers"
    edit(study, f"{folder}/shades.py", "DARK = -1\n")
    edit(
        study,
        f"{folder}/checkered.py",
        "from stages.initializers.shades import DARK\n"
        "def fill(tensor, value):\n    tensor.fill_(value)[::2] = DARK * value\n",
    )
    assert study.repro("train") == ["check"]

    checkered = {"all": {"weight": {"checkered": {"value": 0.1}}}}
    changing(study, "variants", mine=checkered)
    assert study.repro("train") == ["check", "train@mine"]
    edit(study, f"{folder}/checkered.py", "# an edit\n")
    assert study.repro("train") == ["check", "train@mine"]
    edit(study, f"{folder}/shades.py", "# of what the other imports\n")
    assert study.repro("train") == ["check", "train@mine"]
    edit(study, f"{folder}/hadamard.py", "# of what nobody uses\n")
    assert study.repro("train") == ["check"]

    (study.folder / folder / "checkered.py").unlink()
    result = study.run("dvc", "repro", expect=None)
    assert "variants.mine.all.weight = {'checkered': {'value': 0.1}}: no such" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_shared_setting_trains_only_the_variants_that_have_no_own(study):
    changing(study, "variants", patient={"training": {"epochs": 2}})
    study.repro("train")
    params = study.params
    params["training"]["epochs"] = 3
    params["variants"]["patient"]["all"] = {"bias": {"constant": {"val": 0}}}
    study.params = params
    assert study.repro("train@patient") == ["check", "train@patient"]
    # The same experiment in other words.
    params["variants"]["patient"]["all"] = {"bias": "zeros"}
    params["training"]["epochs"] = 1
    study.params = params
    executed = study.repro("train")
    assert executed == ["check"]


def test_a_stage_leaves_bytecode_that_is_no_dependency(study):
    """In a shell like anyone's Python writes it beside the code."""
    assert list(study.folder.glob("stages/*/__pycache__"))
    for folder in study.folder.rglob("__pycache__"):
        shutil.rmtree(folder)
    assert study.repro() == []
    assert study.run("git", "status", "--porcelain").stdout == ""


def test_results_that_are_left_of_another_branch_are_told_and_removed(study):
    runs = study.folder / "data" / "runs"
    shutil.copytree(runs / "all_ones", runs / "left_over")
    told = study.run("dvc", "repro", expect=None).stderr
    assert "data/runs/left_over: params.yaml has no such variant" in told
    study.run("dvc", "repro", "--force", "--single-item", "check")
    assert not (runs / "left_over").exists()
    assert study.repro() == []


def test_another_learning_rate_trains_all_and_going_back_trains_none(study):
    before = study.params
    reports = {p: p.read_bytes() for p in (study.folder / "reports").rglob("*") if p.is_file()}
    changing(study, "training", lr=0.01)
    assert study.repro("evaluate") == ["check", *TRAININGS, "evaluate"]
    assert (study.folder / "reports" / "history.csv").read_bytes() not in reports.values()
    study.params = before
    # What persists where a stage fails is no result that DVC's run cache brings back.
    assert study.repro() == ["check", "evaluate"]
    assert {path: path.read_bytes() for path in reports} == reports
    assert study.run("git", "status", "--porcelain").stdout == ""


def test_a_broken_params_yaml_stops_everything_and_changes_nothing(study):
    changing(study, "variants", wrong={"all": {"weight": "zeross"}})
    before = snapshot(study)
    result = study.run("dvc", "repro", expect=None)
    assert result.returncode != 0
    assert "variants.wrong.all.weight = 'zeross': no such initializer" in result.stderr
    assert "Traceback" not in result.stderr
    assert snapshot(study) == before


def snapshot(study) -> dict[Path, bytes]:
    folders = [study.folder / "data", study.folder / "reports"]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return {file: file.read_bytes() for file in [*files, study.folder / "dvc.lock"]}


def test_from_a_subfolder_with_dvcs_own_option(study):
    changing(study, "display", baseline={"label": "from below"})
    result = subprocess.run(
        ["dvc", "repro", "--all-pipelines"],
        cwd=study.folder / "stages",
        env=study.environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "from below" in (study.folder / "reports" / "summary.md").read_text()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_training_leaves_nothing_and_the_next_run_completes_it(study, how):
    expected = (study.folder / "dvc.lock").read_text()
    fresh = study.params
    changing(study, "training", epochs=5000)
    dvc = subprocess.Popen(
        ["dvc", "repro"],
        cwd=study.folder,
        env=study.environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # What a script starts in the background ignores it, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in dvc.stdout:
        if line.startswith("Epoch    2/5000"):
            break
    os.killpg(dvc.pid, how)
    rest = dvc.stdout.read()  # ends when the last of its processes has ended
    dvc.stdout.close()
    assert dvc.wait(timeout=60) != 0
    if how == signal.SIGINT:
        assert "Traceback" not in rest
    runs = study.folder / "data" / "runs"
    assert not (runs / "baseline").exists()
    assert {path.name for path in runs.iterdir()} <= {"all_ones"}
    study.params = fresh
    study.repro()
    assert (study.folder / "dvc.lock").read_text() == expected
    leftovers = [p.name for p in (study.folder / "data").iterdir() if p.name.startswith(".")]
    assert leftovers in ([], [".gitignore"])


def test_workers_end_with_their_parent(study):
    """A training that is killed leaves no worker behind."""
    changing(study, "training", epochs=5000)
    study.run("python", "-m", "stages.check")
    environment = study.environment | {"PYTHONUNBUFFERED": "1", "INITLAB_WORKERS": "2"}
    parent = subprocess.Popen(
        ["python", "-m", "stages.train", "baseline"],
        cwd=study.folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in parent.stdout:
        if line.startswith("Epoch    2/5000"):
            break
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(alive(pid) for pid in children)


def alive(pid: str) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_dvc_shows_metrics_and_plots(study, tmp_path):
    metrics = study.run("dvc", "metrics", "show", "--md").stdout
    assert "baseline" in metrics and "lecture.fails" in metrics
    study.run("dvc", "plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    for title in (
        "Test accuracy by epoch",
        "What is taken for what",
        "Symmetry gap",
        "Largest move",
    ):
        assert title in page
