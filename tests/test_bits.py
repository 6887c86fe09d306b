"""The same bytes whoever runs it, where, and with how many threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stages import training
from stages.settings import yaml_file
from stages.training import BITS_PROMISED
from stages.training.results import HISTORY_COLUMNS
from tests.conftest import ROOT, SMALL
from tools import verify

pinned = pytest.mark.skipif(
    not BITS_PROMISED, reason="bits are promised on Linux on Intel and AMD with AVX2 only"
)


@pinned
def test_torch_computes_as_it_is_told():
    assert torch.backends.cpu.get_cpu_capability() == "AVX2"
    assert torch.get_num_threads() == 1


def test_torch_loaded_first_is_refused():
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", "import torch, stages.training"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "import stages.training before torch" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells of processors")
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
    told = f"vendor_id\t: {vendor}\nflags\t\t: fpu {flags} aes\n"
    monkeypatch.setattr(Path, "read_text", lambda path: told)
    monkeypatch.setattr(training.platform, "machine", lambda: "x86_64")
    assert training._promises_bits() == promised


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"INITLAB_WORKERS": "1"},
        {"INITLAB_WORKERS": "2", "OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "2"},
        {"INITLAB_WORKERS": "4", "OMP_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE"},
        {"ATEN_CPU_CAPABILITY": "default", "MKL_DYNAMIC": "FALSE"},
        {
            "OPENBLAS_CORETYPE": "Prescott",
            "OPENBLAS_NUM_THREADS": "2",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
        },
    ],
    ids=lambda environment: "-".join(environment.values()),
)
def test_threads_and_settings_of_the_machine_change_no_byte(study, environment):
    before = outputs(study)
    assert before
    for variant in SMALL["variants"]:
        study.run(sys.executable, "-m", "stages.train", variant, env=environment)
    assert outputs(study) == before


@pytest.mark.slow
def test_a_cold_run_elsewhere_gives_the_same_lock_and_reports(
    fresh_clone, finished_study, tmp_path
):
    """Another folder, and what differs between two users' shells."""
    other = fresh_clone.copy(tmp_path / "an other place" / "initlab")
    home = tmp_path / "home"
    home.mkdir()
    shell = {"HOME": str(home), "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
    other.environment |= shell | {"USER": "someone", "MPLCONFIGDIR": str(home)}
    old = os.umask(0o077)
    try:
        other.repro()
    finally:
        os.umask(old)
    assert outputs(other) == outputs(finished_study)
    for file in ("dvc.lock", *reports(finished_study)):
        assert (other.folder / file).read_bytes() == (finished_study.folder / file).read_bytes()


@pytest.mark.slow
def test_more_seeds_extend_a_study(study):
    few = outputs(study)
    params = study.params
    params["seeds"] = 5
    study.params = params
    study.repro("train")
    many = outputs(study)
    for name, content in few.items():
        if name.endswith("history.csv"):
            assert many[name].startswith(content)
            assert content.startswith(",".join(HISTORY_COLUMNS).encode())
    tensors = [load(study, variant)["fc1.weight"] for variant in SMALL["variants"]]
    assert all(tensor.shape[0] == 5 for tensor in tensors)


def load(study, variant: str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(study.folder / "data" / "runs" / variant / "weights.safetensors")


def outputs(study) -> dict[str, bytes]:
    runs = study.folder / "data" / "runs"
    return {p.relative_to(runs).as_posix(): p.read_bytes() for p in runs.rglob("*") if p.is_file()}


def reports(study) -> list[str]:
    folder = study.folder / "reports"
    return [p.relative_to(study.folder).as_posix() for p in folder.rglob("*") if p.is_file()]


@pytest.mark.slow
def test_a_full_disk_is_told_and_leaves_nothing(study):
    """A limit on the size of files stands for the disk: every write past it fails."""
    run = study.folder / "data" / "runs" / "baseline"
    before = outputs(study)
    code = (
        "import resource, signal, stages.train, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "sys.argv = ['train', 'baseline']; stages.train.main()"
    )
    result = study.run(sys.executable, "-c", code, expect=1)
    assert "data/runs/baseline: nothing was written" in result.stderr
    assert "Traceback" not in result.stderr
    assert outputs(study) == before
    assert not list(run.parent.parent.glob(".partial-*"))


def test_accuracies_are_compared_where_bits_are_not_promised():
    committed = verify.accuracies("variant,test_acc_mean\na,0.9774\nb,0.1135\n")
    assert verify.differences(committed, committed) == []
    assert verify.differences(committed, {"a": 0.975, "b": 0.1135}) == []
    assert verify.differences(committed, {"a": 0.97, "c": 0.5}) == [
        "a: test accuracy 0.97, committed 0.9774",
        "b: only on one side",
        "c: only on one side",
    ]
    assert verify.differences({"a": 0.5}, {"a": float("nan")})


def lock(**outputs: str) -> dict:
    """The stages of a dvc.lock; `report` was made from what evaluate left."""
    deps = {"evaluate": "tables", "report": outputs["evaluate"]}
    return {
        stage.replace("_", "@"): {
            "cmd": stage, "deps": deps.get(stage, "plan"), "outs": [{"path": stage, "md5": md5}]
        }
        for stage, md5 in outputs.items()
    }  # fmt: skip


def test_a_broken_promise_is_named_and_what_follows_from_it_is_not():
    committed = lock(train_a="1", train_b="1", evaluate="1", report="1")
    assert verify.broken(committed, lock(train_a="1", train_b="2", evaluate="1", report="1")) == [
        "broken: a plan gives the same network on every Intel and AMD processor with AVX2 (train@b)"
    ]
    assert verify.broken(committed, lock(train_a="1", train_b="1", evaluate="2", report="2")) == [
        "broken: the same networks give the same tables (evaluate)"
    ]
    edited = lock(train_a="1", train_b="1", evaluate="1", report="2")
    edited["report"]["deps"] = "another page"
    assert verify.broken(committed, edited)[0].startswith("no promise is broken")


@pytest.mark.slow
def test_verify_names_the_processor_and_the_promise(study):
    lock = study.folder / "dvc.lock"
    values = yaml_file.loads(lock.read_text(encoding="utf-8"))
    values["stages"]["report"]["outs"][0]["md5"] = "another"
    lock.write_text(yaml_file.dumps(values), encoding="utf-8")
    result = study.run(sys.executable, "-m", "tools.verify", expect=1)
    assert f"not what is committed, on {verify.processor()}:" in result.stderr
    assert " M dvc.lock" in result.stderr
    assert "broken: the same tables give the same figures and page (report)" in result.stderr
    assert "Traceback" not in result.stderr
