"""The same bytes with any number of threads, in any folder and shell; and tools/verify."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stages import training
from stages.training import BITS_PROMISED
from tests.conftest import ROOT, SMALL, make
from tools import verify


@pytest.mark.skipif(not BITS_PROMISED, reason="bits are promised on Linux, Intel or AMD, AVX2")
def test_torch_uses_the_pinned_instructions_and_one_thread():
    assert torch.backends.cpu.get_cpu_capability() == "AVX2"
    assert torch.get_num_threads() == 1


def test_torch_that_is_loaded_first_is_refused():
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", "import torch, stages.training"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert "import stages.training before torch" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's description of processors")
@pytest.mark.parametrize(
    ("vendor", "flags", "promised"),
    [
        ("GenuineIntel", "fma avx2 bmi2", True),
        ("AuthenticAMD", "fma avx2 bmi2", True),
        ("HygonGenuine", "fma avx2 bmi2", False),
        ("GenuineIntel", "sse4_2 avx popcnt", False),
    ],
)
def test_bits_are_promised_for_both_makers_and_avx2(monkeypatch, vendor, flags, promised):
    cpuinfo = f"vendor_id\t: {vendor}\nflags\t\t: fpu {flags} aes\n"
    monkeypatch.setattr(Path, "read_text", lambda _: cpuinfo)
    monkeypatch.setattr(training.platform, "machine", lambda: "x86_64")
    assert training._promises_bits() == promised


def outputs(study) -> dict[str, bytes]:
    runs = study.folder / "data" / "runs"
    return {p.relative_to(runs).as_posix(): p.read_bytes() for p in runs.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"INITLAB_WORKERS": "4", "OMP_NUM_THREADS": "4", "MKL_CBWR": "COMPATIBLE"},
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
        "PYTHONOPTIMIZE": "2", "PYTHONDEVMODE": "1",
    }  # fmt: skip
    old = os.umask(0o077)
    try:
        make(other, "repro", env=shell)
    finally:
        os.umask(old)
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


def test_accuracies_are_compared_where_bits_are_not_promised():
    committed = verify.accuracies("variant,test_acc_mean\na,0.9774\nb,0.1135\n")
    assert verify.differences(committed, {"a": 0.975, "b": 0.1135}) == []
    assert verify.differences(committed, {"a": 0.97, "c": 0.5}) == [
        "a: test accuracy 0.97, committed 0.9774",
        "b: only on one side",
        "c: only on one side",
    ]
    assert verify.differences({"a": 0.5}, {"a": float("nan")})


@pytest.mark.slow
def test_verify_names_the_processor_and_the_changed_files(study):
    file = study.folder / "dvc.lock"
    file.write_text(file.read_text(encoding="utf-8").replace("test_acc", "test_accuracy"))
    printed = study.run(sys.executable, "-m", "tools.verify", expect=1).stderr
    assert f"not those that are committed, on {verify.processor()}:" in printed
    assert " M dvc.lock" in printed
    assert "Traceback" not in printed
