"""The same bytes with any number of threads, in any folder and shell; and tools/verify."""

import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from tests.conftest import ROOT, SMALL, make, plan_of
from tools import readme, verify

LABEL = SMALL["display"]["all_ones"]["label"]  # with letters beyond ASCII


@pytest.mark.slow
def test_torch_that_is_loaded_first_is_refused():
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", "import torch, stages.training"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert "import stages.training before torch" in result.stderr


def outputs(study) -> dict[str, bytes]:
    runs = study.folder / "data" / "runs"
    return {p.relative_to(runs).as_posix(): p.read_bytes() for p in runs.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"INITLAB_WORKERS": "4", "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"},
        {"INITLAB_WORKERS": "1", "ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Prescott"},
    ],
    ids=["threads", "instructions"],
)
def test_threads_and_settings_of_the_machine_change_no_byte(study, environment):
    before = outputs(study)
    for variant in SMALL["variants"]:
        study.run(sys.executable, "-m", "stages.train", variant, env=environment)
    assert outputs(study) == before


@pytest.mark.slow
def test_a_cold_run_in_another_folder_and_shell_gives_the_same_files(
    fresh_clone, finished_study, tmp_path
):
    other = fresh_clone.copy(tmp_path / "an other place" / "initlab")
    home = tmp_path / "home"
    home.mkdir()
    (home / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\n")
    shell = {
        "HOME": str(home), "USER": "someone", "MPLCONFIGDIR": str(home), "TZ": "Asia/Tokyo",
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "1",
        "PYTHONOPTIMIZE": "2", "PYTHONDEVMODE": "1", "PYTHONIOENCODING": "ascii",
        "PYTHONSAFEPATH": "1", "MPLBACKEND": "no such backend", "TERM": "dumb",
    }  # fmt: skip
    old = os.umask(0o077)
    try:
        result = make(other, "repro", env=shell)
    finally:
        os.umask(old)
    assert "Traceback" not in result.stdout + result.stderr
    assert LABEL in (other.folder / "reports" / "summary.md").read_text(encoding="utf-8")
    assert outputs(other) == outputs(finished_study)
    reports = [path for path in (finished_study.folder / "reports").rglob("*") if path.is_file()]
    for path in (finished_study.folder / "dvc.lock", *reports):
        file = path.relative_to(finished_study.folder)
        assert (other.folder / file).read_bytes() == path.read_bytes(), file


@pytest.mark.slow
def test_more_seeds_extend_a_study(study):
    few = outputs(study)
    study.params = study.params | {"seeds": 3}
    study.repro("train")
    many = outputs(study)
    for variant in SMALL["variants"]:
        assert many[f"{variant}/history.csv"].startswith(few[f"{variant}/history.csv"])
        weights = load_file(study.folder / "data" / "runs" / variant / "weights.safetensors")
        assert weights["fc1.weight"].shape[0] == 3


@pytest.mark.slow
def test_verify_names_the_processor_and_the_changed_files(study):
    study.append("dvc.lock", "# An edit\n")
    printed = study.run(sys.executable, "-m", "tools.verify", expect=1).stderr
    assert f"results differ from the committed ones (processor: {verify.processor()}):" in printed
    assert " M dvc.lock" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("", "training: 1 of 2 variants exactly, b (networks from files) within 0.001"),
        (
            " M dvc.lock",
            "b (networks from files): trained on another processor, they have other bits",
        ),
    ],
    ids=["equal", "changed"],
)
def test_verify_names_networks_whose_bits_depend_on_the_processor(
    tmp_path, monkeypatch, capsys, status, line
):
    (tmp_path / "plans").mkdir()
    for name, network in {"a": "mlp", "b": "residual"}.items():
        text = replace(plan_of(), network=network).as_json()
        (tmp_path / "plans" / f"{name}.json").write_text(text)
    monkeypatch.setattr(verify, "DATA", tmp_path)
    monkeypatch.setattr(verify, "git", lambda command, *_: status if command == "status" else "")
    monkeypatch.setattr(readme, "renewed", lambda: readme.README.read_text(encoding="utf-8"))
    with nullcontext() if not status else pytest.raises(SystemExit) as ended:
        verify.main()
    assert line in (str(ended.value) if status else capsys.readouterr().out)


@pytest.mark.slow
def test_settings_that_were_not_run_are_not_recorded(study):
    lock = (study.folder / "dvc.lock").read_bytes()
    study.change("training", lr=0.01)
    assert study.repro("--single-item", "evaluate") == []
    refused = make(study, "verify", expect=2)
    assert refused.stderr.startswith("params.yaml or the code of check has changed since")
    assert (study.folder / "dvc.lock").read_bytes() == lock
