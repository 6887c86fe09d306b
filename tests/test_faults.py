"""Damaged or missing files and full disks: one line, and nothing is lost."""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages import check, evaluate, jobs, report, running, train
from stages.training import results
from stages.training.plan import Plan
from tests.conftest import SMALL, as_yaml

pytestmark = pytest.mark.slow

STAGES = {
    "check": (check, []),
    "train": (train, ["baseline"]),
    "evaluate": (evaluate, ["mnist"]),
    "report": (report, []),
}
RUN = "data/runs/baseline"


def last_line(stage: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """The line that a stage ends with; empty where it succeeds."""
    module, usual = STAGES[stage]
    monkeypatch.setattr(sys, "argv", [stage, *(arguments or usual)])
    try:
        running.run(module.main)
    except SystemExit as error:
        assert isinstance(error.code, str)
        return error.code
    return ""


@pytest.fixture(scope="module")
def finished(mnist_folder, tmp_path_factory) -> Iterator[Path]:
    """A folder in which all stages of the small study ran, without figures."""
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("INITLAB_WORKERS", "1")
        patch.setattr(report.drawing, "pictures", lambda _: {})
        Path("params.yaml").write_text(as_yaml(SMALL), encoding="utf-8")
        Path("data", "mnist").mkdir(parents=True)
        for file in mnist_folder.iterdir():
            Path("data", "mnist", file.name).symlink_to(file)
        assert last_line("check", patch) == ""
        for variant in SMALL["variants"]:
            assert last_line("train", patch, variant) == ""
        for stage in ("evaluate", "report"):
            assert last_line(stage, patch) == ""
        yield folder


@pytest.fixture
def folder(finished, tmp_path, monkeypatch) -> Path:
    """A copy of it to damage."""
    shutil.copytree(finished, tmp_path / "study", symlinks=True)
    monkeypatch.chdir(tmp_path / "study")
    monkeypatch.setenv("INITLAB_WORKERS", "1")
    monkeypatch.setattr(report.drawing, "pictures", lambda _: {})
    return Path()


@pytest.fixture
def edited(folder) -> None:
    """The parameters have an edit that check writes down."""
    Path("params.yaml").write_text(as_yaml(SMALL | {"seeds": 3}), encoding="utf-8")


def contents() -> dict[str, bytes]:
    """Every file here, without the data set."""
    files = (path for path in Path().rglob("*") if path.is_file() and "mnist" not in path.parts)
    return {path.as_posix(): path.read_bytes() for path in files}


def replaced(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """A damage of a file's content; the file can be a link to what others need."""

    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(change(content))

    return damage


def instead(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """A damage that puts something else in a file's place."""

    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


MISSING = Path.unlink
CUT = replaced(lambda content: content[: len(content) // 2])
ONE_LINE_LESS = replaced(lambda content: content[: content.rstrip().rindex(b"\n") + 1])
GARBAGE = replaced(lambda _: bytes(range(256)) * 9)
ONE_BIT = replaced(lambda content: bytes([content[0] ^ 1]) + content[1:])
A_FOLDER = instead(Path.mkdir)
A_LINK_TO_NOTHING = instead(lambda path: path.symlink_to("nothing"))
A_PIPE = instead(lambda path: os.mkfifo(path))
ENDLESS = instead(lambda path: path.symlink_to("/dev/zero"))
IMAGES = "data/mnist/train-images-idx3-ubyte"


@pytest.mark.parametrize(
    ("stage", "file", "damage"),
    [
        ("train", IMAGES, ONE_BIT),
        ("train", "data/mnist/SHA256SUMS", MISSING),
        ("train", "data/plans/baseline.json", CUT),
        ("train", "data/plans/baseline.json", ENDLESS),
        ("evaluate", "data/mnist/t10k-labels-idx1-ubyte", A_LINK_TO_NOTHING),
        ("evaluate", "data/plans/baseline.json", A_FOLDER),
        ("evaluate", "data/variants.txt", MISSING),
        ("evaluate", f"{RUN}/history.csv", ONE_LINE_LESS),
        ("evaluate", f"{RUN}/weights.safetensors", MISSING),
        ("evaluate", f"{RUN}/SHA256SUMS", ONE_LINE_LESS),
        ("evaluate", f"{RUN}/SHA256SUMS", GARBAGE),
        ("report", "data/study.json", GARBAGE),
        ("report", "reports/history.csv", A_PIPE),
    ],
)
def test_a_damaged_file_is_named_with_advice_and_nothing_is_lost(
    folder, stage, file, damage, monkeypatch
):
    damage(Path(file))
    before = contents()
    line = last_line(stage, monkeypatch)
    # Where the sums are damaged, any file beside them can be the one that is named.
    assert str(Path(file).parent) in line
    assert Path(file).name in line or "SHA256SUMS" in file
    assert any(words in line for words in ("dvc repro", "make repair", "move it away"))
    assert line.isprintable()
    assert contents() == before


def test_the_results_of_another_variant_are_refused(folder, monkeypatch):
    shutil.rmtree("data/runs/all_ones")
    shutil.copytree(RUN, "data/runs/all_ones")
    line = last_line("evaluate", monkeypatch)
    assert line.startswith("data/plans/all_ones.json: ")
    assert "data/runs/all_ones was made from an older version" in line


def test_a_fingerprint_covers_all_code_of_a_training(folder):
    plan = Path("data/plans/baseline.json")
    found = jobs.fingerprint(plan, [Plan.read(plan)], "train")
    assert {"training/mlp/kernel.c", "training/epoch.py", "train.py"} <= set(found.split())


@pytest.mark.parametrize("file", ["data/plans/baseline.json", "data/mnist/SHA256SUMS"])
def test_an_edit_while_a_variant_trains_ends_the_stage(folder, file, monkeypatch):
    """DVC would record the results as those of the edited file."""

    def edit(*_) -> results.Trained:
        replaced(lambda content: content + b"\n")(Path(file))
        return results.Trained()

    before = contents()
    monkeypatch.setattr(train, "run", edit)
    assert "changed during training" in last_line("train", monkeypatch)
    assert {**contents(), file: b""} == {**before, file: b""}


def test_the_dry_run_of_check_writes_nothing(edited, monkeypatch):
    before = contents()
    assert last_line("check", monkeypatch, "--dry-run") == ""
    assert contents() == before
    assert last_line("check", monkeypatch, "--dry").startswith("usage: ")


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("check", "data/plans/old/notes.txt"),
        ("evaluate", "data/tables/notes.txt"),
        ("report", "reports/figures/mine.png"),
    ],
)
def test_a_users_own_files_stay(folder, stage, file, monkeypatch):
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text("mine")
    assert last_line(stage, monkeypatch) == ""
    assert Path(file).read_text() == "mine"


def test_a_run_replaces_a_link(folder, tmp_path, monkeypatch):
    before = contents()
    shutil.move(RUN, tmp_path / "elsewhere")
    Path(RUN).symlink_to(tmp_path / "elsewhere")
    assert last_line("train", monkeypatch) == ""
    assert contents() == before
    assert not Path(RUN).is_symlink()


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        ("check", "data/plans/baseline.json"),
        ("evaluate", "data/tables/probes.csv"),
        ("report", "reports/note.md"),
    ],
)
def test_a_folder_in_the_place_of_an_output_leaves_all_others(edited, stage, place, monkeypatch):
    A_FOLDER(Path(place))
    before = contents()
    assert last_line(stage, monkeypatch).startswith(f"{place}: Is a directory; move away what is")
    assert contents() == before


@pytest.mark.parametrize(
    ("stage", "n"), [("check", 0), ("check", 3), ("evaluate", 12), ("report", 7)]
)
def test_a_full_disk_leaves_every_output_as_it_was(edited, stage, n, monkeypatch):
    """The n-th file that is written fails."""
    left, write, before = iter(range(n)), Path.write_bytes, contents()

    def fail(path: Path, content: bytes) -> int:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fail)
    assert os.strerror(errno.ENOSPC) in last_line(stage, monkeypatch)
    assert contents() == before


@pytest.mark.parametrize("function", ["_write_csv", "save"])
def test_a_full_disk_leaves_the_last_results_of_a_training(folder, function, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents()
    monkeypatch.setattr(results, function, fail)
    assert last_line("train", monkeypatch) == f"nothing was written: {os.strerror(errno.ENOSPC)}"
    assert contents() == before


@pytest.mark.parametrize(
    ("stage", "arguments", "words"),
    [
        ("train", ("a", "b"), "usage: python -m stages.train "),
        ("evaluate", ("a", "b"), "usage: python -m stages.evaluate "),
        ("train", ("../baseline",), "no plan in data/plans; there are: all_ones, baseline"),
    ],
)
def test_a_wrong_argument_gets_one_line(folder, stage, arguments, words, monkeypatch):
    assert words in last_line(stage, monkeypatch, *arguments)
