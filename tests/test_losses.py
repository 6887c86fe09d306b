"""Faults under DVC that must not cost reports, results, the cache or a user's own files."""

import hashlib
import shutil

import pytest

from tests.conftest import Clone, make

pytestmark = pytest.mark.slow


def contents(study: Clone, folder: str) -> dict[str, bytes]:
    """Every file below a folder."""
    top = study.folder / folder
    files = (path for path in sorted(top.rglob("*")) if path.is_file())
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in files}


def test_a_stage_that_fails_leaves_the_outputs_of_an_earlier_run(study):
    before = contents(study, "reports"), contents(study, "data/tables")
    study.append("stages/evaluate.py", "\n1 / 0\n")
    study.append("stages/rendering/templates/note.md", "{{ no_such_name }}\n")
    for stage in ("evaluate", "report"):
        result = study.run("dvc", "repro", "--single-item", stage, expect=None)
        assert result.returncode != 0
        assert f"Running stage '{stage}'" in result.stdout
        assert (contents(study, "reports"), contents(study, "data/tables")) == before


def test_files_that_dvc_links_to_its_cache_are_never_written_into(study):
    study.run("dvc", "config", "--local", "cache.type", "hardlink")
    study.run("dvc", "checkout", "--relink", "--force")
    objects = study.folder / ".dvc" / "cache" / "files" / "md5"
    study.change("variants", all_ones={"all": {"weight": "ones", "bias": "zeros"}})
    assert study.repro("evaluate") == ["check", "train@all_ones", "evaluate"]
    for path in objects.rglob("*"):
        if path.is_file() and not path.name.endswith(".dir"):
            name = path.parent.name + path.name
            assert hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == name


def test_a_damaged_object_in_the_cache_is_noticed_and_repaired(study):
    """DVC restores it without checking it."""
    cache = study.folder / ".dvc" / "cache" / "files" / "md5"
    run, tables = study.folder / "data" / "runs" / "all_ones", contents(study, "data/tables")
    sound = contents(study, "data/runs/all_ones")
    weights = sound["weights.safetensors"]
    name = hashlib.md5(weights, usedforsecurity=False).hexdigest()
    damaged = cache / name[:2] / name[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    damaged.chmod(0o444)
    shutil.rmtree(run)
    study.run("dvc", "checkout")
    assert (run / "weights.safetensors").read_bytes() != weights

    study.append("stages/evaluate.py", "\n")
    result = study.run("dvc", "repro", expect=None)
    assert "data/runs/all_ones/weights.safetensors: does not match" in result.stderr
    assert "delete data/runs/all_ones and run `dvc repro`; if" in result.stderr
    assert "Traceback" not in result.stderr
    assert contents(study, "data/tables") == tables

    assert f"{name[2:]}: does not match its checksum" in make(study, "repair").stdout
    assert "Run `dvc repro`" in make(study, "repair", "DELETE=yes").stdout
    assert "train@all_ones" in study.repro()
    assert contents(study, "data/runs/all_ones") == sound
    assert "match their checksums" in make(study, "repair").stdout
    shutil.rmtree(run)
    study.run("dvc", "checkout")
    assert contents(study, "data/runs/all_ones") == sound


def test_a_damaged_data_set_comes_back_from_the_cache(study, tmp_path):
    damaged = study.folder / "data" / "mnist" / "train-labels-idx1-ubyte"
    content = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(content[:-1])
    # An empty mirror, and a PATH without npm; torchvision's servers do not answer a proxy's name.
    nothing = {
        "MNIST_MIRROR": str(tmp_path), "PATH": study.environment["PATH"].split(":")[0],
        "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9",
    }  # fmt: skip
    result = study.run("python", "-m", "stages.download", "mnist", env=nothing)
    assert "data/mnist: from DVC's cache" in result.stdout
    assert damaged.read_bytes() == content
