"""Faults that must not cost what is there: reports, results, DVC's cache, a user's own files."""

import hashlib
import shutil

import pytest

from tests.conftest import Clone, make
from tests.test_workflow import changing, edit

pytestmark = pytest.mark.slow


def there(study: Clone, folder: str) -> dict[str, bytes]:
    """Every file below a folder."""
    top = study.folder / folder
    files = (path for path in sorted(top.rglob("*")) if path.is_file())
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("file", "stage"),
    [("stages/evaluate.py", "evaluate"), ("stages/rendering/templates/note.md", "report")],
)
def test_a_stage_that_fails_leaves_what_an_earlier_run_made(study, file, stage):
    before = there(study, "reports"), there(study, "data/tables")
    edit(study, file, "\n1 / 0\n" if file.endswith(".py") else "{{ no_such_name }}\n")
    result = study.run("dvc", "repro", expect=None)
    assert result.returncode != 0
    assert f"Running stage '{stage}'" in result.stdout
    assert (there(study, "reports"), there(study, "data/tables")) == before


def test_a_stage_that_refuses_leaves_what_an_earlier_run_made(study):
    before = there(study, "reports")
    (study.folder / "data" / "runs" / ".DS_Store").write_text("a file manager's")
    changing(study, "display", baseline={"label": "another"})
    result = study.run("dvc", "repro", expect=None)
    assert result.returncode != 0
    assert "data/runs/.DS_Store: is not an initlab result" in result.stderr
    assert there(study, "reports") == before


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_what_dvc_links_to_its_cache_is_never_written_into(study, link):
    study.run("dvc", "config", "--local", "cache.type", link)
    study.run("dvc", "checkout", "--relink", "--force")
    objects = study.folder / ".dvc" / "cache" / "files" / "md5"
    changing(study, "variants", all_ones={"all": {"weight": "ones", "bias": "zeros"}})
    # Nothing of report's is in the cache.
    assert study.repro("evaluate") == ["check", "train@all_ones", "evaluate"]
    for path in objects.rglob("*"):
        if path.is_file() and not path.name.endswith(".dir"):
            name = path.parent.name + path.name
            assert hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == name


def test_a_damaged_object_in_the_cache_is_noticed_and_mended(study, tmp_path):
    """DVC restores it, and takes it for whole."""
    cache = study.folder / ".dvc" / "cache" / "files" / "md5"
    run, tables = study.folder / "data" / "runs" / "all_ones", there(study, "data/tables")
    sound = there(study, "data/runs/all_ones")
    weights = sound["weights.safetensors"]
    name = hashlib.md5(weights, usedforsecurity=False).hexdigest()
    damaged = cache / name[:2] / name[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    damaged.chmod(0o444)
    shutil.rmtree(run)
    study.run("dvc", "checkout")
    assert (run / "weights.safetensors").read_bytes() != weights

    edit(study, "stages/evaluate.py", "\n")
    result = study.run("dvc", "repro", expect=None)
    assert (
        "data/runs/all_ones/weights.safetensors: is damaged or missing, as SHA256SUMS beside it "
        "tells; delete data/runs/all_ones and run `dvc repro`, or `make repair` where that "
        "restores the damage" in result.stderr
    )
    assert "Traceback" not in result.stderr
    assert there(study, "data/tables") == tables

    assert f"{name[2:]}: not what its name says" in make(study, "repair").stdout
    assert "Run `dvc repro`" in study.run("make", "repair", "DELETE=yes").stdout
    assert "train@all_ones" in study.repro()
    assert there(study, "data/runs/all_ones") == sound
    assert "are what their names say" in make(study, "repair").stdout
    shutil.rmtree(run)
    study.run("dvc", "checkout")
    assert there(study, "data/runs/all_ones") == sound


def test_a_variant_that_is_gone_leaves_its_results_beside_the_runs(study):
    kept = there(study, "data/runs/all_ones")
    params = study.params
    del params["variants"]["all_ones"]
    study.params = params
    study.repro("evaluate")
    assert there(study, "data/removed/all_ones") == kept


def test_what_somebody_put_into_a_run_is_not_lost(study):
    note = study.folder / "data" / "runs" / "all_ones" / "note.txt"
    note.write_text("mine")
    changing(study, "variants", all_ones={"all": {"weight": "ones", "bias": "zeros"}})
    result = study.run("dvc", "repro", expect=None)
    assert "data/runs/all_ones/note.txt: is not an initlab result" in result.stderr
    assert note.read_text() == "mine"


def test_a_study_without_display_runs_to_its_end(study):
    params = study.params
    del params["display"]
    study.params = params
    assert study.repro() == ["check", "report"]
    assert study.repro() == []


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
    result = study.run("python", "-m", "stages.download", "mnist", env=nothing, expect=1)
    advice = next(line for line in result.stderr.splitlines() if "dvc checkout" in line)
    study.run(*advice.partition("try: ")[2].split())
    assert damaged.read_bytes() == content
