"""`dvc repro` runs the stages that an edit concerns and no others, on a slice of the real data."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from stages.settings import yaml_file
from tests.conftest import accept_interrupts, executed

pytestmark = pytest.mark.slow

TRAININGS = ["train@baseline", "train@all_ones"]
ZERO_BIAS = {"all": {"weight": "ones", "bias": "zeros"}}


def snapshot(study) -> dict[Path, bytes]:
    """Every file that a run writes and a user keeps."""
    folders = [study.folder / "data", study.folder / "reports"]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return {file: file.read_bytes() for file in [*files, study.folder / "dvc.lock"]}


def lock_entries(study) -> dict:
    """The stages in dvc.lock."""
    return yaml_file.loads((study.folder / "dvc.lock").read_text())["stages"]


def test_second_run_executes_nothing_and_changes_no_file(finished_study, study):
    assert finished_study.executed == ["download@mnist", "check", *TRAININGS, "evaluate", "report"]
    before = snapshot(study)
    bytecode = list(study.folder.glob("stages/**/__pycache__"))
    assert bytecode  # Python writes it into the folders that stages depend on
    for folder in bytecode:
        shutil.rmtree(folder)
    assert study.repro() == []
    assert snapshot(study) == before
    assert study.is_clean()


def test_edited_added_and_removed_variants_leave_others_alone(study):
    params, lock = study.params, lock_entries(study)
    history = study.folder / "reports" / "history.csv"
    before = history.read_bytes()
    study.change("variants", all_ones=ZERO_BIAS)
    assert study.repro("train") == ["check", "train@all_ones"]
    study.change("variants", zero_out={"out": {"weight": "zeros", "bias": "zeros"}})
    assert study.repro("evaluate") == ["check", "train@zero_out", "evaluate"]
    assert history.read_bytes() != before

    study.params = params
    assert study.repro("evaluate") == ["check", "evaluate"]
    assert history.read_bytes() == before
    assert not (study.folder / "data" / "runs" / "zero_out").exists()
    restored = lock_entries(study)
    assert all(restored[stage] == lock[stage] for stage in [*TRAININGS, "evaluate"])


def test_renaming_a_label_runs_report_alone_even_from_a_subfolder(study):
    study.change("display", baseline={"label": "PyTorch's own"})
    result = subprocess.run(
        ["dvc", "repro", "--all-pipelines"],
        cwd=study.folder / "stages", env=study.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert executed(result) == ["check", "report"], result.stderr
    assert "PyTorch's own" in (study.folder / "reports" / "summary.md").read_text(encoding="utf-8")


def test_custom_initializer_trains_only_the_variants_that_use_it(study):
    folder = "stages/initializers"
    study.append(f"{folder}/shades.py", "DARK = -1\n")
    study.append(
        f"{folder}/checkered.py",
        "from stages.initializers.shades import DARK\n"
        "def fill(tensor, value):\n    tensor.fill_(value)[::2] = DARK * value\n",
    )
    study.change("variants", mine={"all": {"weight": {"checkered": {"value": 0.1}}}})
    assert study.repro("train") == ["check", "train@mine"]
    study.append(f"{folder}/shades.py", "# an edit of an imported file\n")
    assert study.repro("train") == ["check", "train@mine"]
    study.append(f"{folder}/hadamard.py", "# an edit of an unused file\n")
    assert study.repro("train") == ["check"]

    (study.folder / folder / "checkered.py").unlink()
    before = snapshot(study)
    result = study.run("dvc", "repro", expect=255)
    assert "variants.mine.all.weight = 'checkered'" in result.stderr
    assert "Traceback" not in result.stderr
    assert snapshot(study) == before


def test_shared_setting_trains_only_the_variants_without_their_own(study):
    study.change("variants", patient={"training": {"epochs": 2}})
    assert study.repro("train") == ["check", "train@patient"]
    study.change("training", epochs=3)
    assert study.repro("train") == ["check", *TRAININGS]
    study.change("training", epochs=1)
    one = {"constant": {"val": 1}}  # another notation for the same plan
    study.change("variants", all_ones={"all": {"weight": one, "bias": one}})
    assert study.repro("train") == ["check"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_training_leaves_no_result_and_no_process(study, number):
    lock, params = lock_entries(study), study.params
    study.change("training", epochs=5000)
    dvc = subprocess.Popen(
        ["dvc", "repro"], cwd=study.folder, text=True, start_new_session=True,
        env=study.environment | {"PYTHONUNBUFFERED": "1", "INITLAB_WORKERS": "2"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=accept_interrupts,
    )  # fmt: skip
    next(line for line in dvc.stdout if line.startswith("Epoch    2/5000"))
    started = psutil.Process(dvc.pid).children(recursive=True)
    training = next(process for process in started if "stages.train" in process.cmdline())
    assert len(training.children()) >= 2
    if number == signal.SIGINT:
        os.killpg(dvc.pid, signal.SIGINT)  # as a terminal does
    else:
        dvc.kill()
        training.kill()  # its workers get no signal
    output, _ = dvc.communicate(timeout=60)
    assert dvc.returncode != 0
    assert number == signal.SIGKILL or "Traceback" not in output
    assert psutil.wait_procs(started, timeout=20)[1] == []

    runs = study.folder / "data" / "runs"
    assert {path.name for path in runs.iterdir()} <= {"all_ones"}
    study.params = params
    study.repro()
    assert lock_entries(study) == lock
    assert {path.name for path in study.folder.glob("data/.*")} <= {".gitignore", ".kernel"}
