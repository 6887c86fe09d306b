"""Files that are damaged or missing, and disks that are full: a line, and nothing is lost."""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stages
from stages import check, evaluate, jobs, report, train
from stages.settings import yaml_file
from stages.training import results, sums
from stages.training.plan import Plan
from tests.conftest import SMALL

pytestmark = pytest.mark.slow

STAGES = {
    "check": (check, []),
    "train": (train, ["baseline"]),
    "evaluate": (evaluate, ["mnist"]),
    "report": (report, []),
}


def ended(stage: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The line that a stage ends with, as its user sees it; nothing where it does its work."""
    module, arguments = STAGES[stage]
    monkeypatch.setattr(sys, "argv", [stage, *arguments])
    try:
        module.main()
    except SystemExit as error:
        assert isinstance(error.code, str)
        return error.code
    except Exception as error:
        line = stages.one_line(error)
        if line is None:
            raise
        return line
    return ""


@pytest.fixture(scope="module")
def finished(mnist_folder, tmp_path_factory) -> Iterator[Path]:
    """A folder in which all stages of the small study ran, but for the figures."""
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("INITLAB_WORKERS", "1")
        patch.setattr(report, "draw", lambda *_: iter(()))
        Path("params.yaml").write_text(yaml_file.dumps(SMALL), encoding="utf-8")
        Path("data", "mnist").mkdir(parents=True)
        for file in mnist_folder.iterdir():
            Path("data", "mnist", file.name).symlink_to(file)
        for variant in SMALL["variants"]:
            patch.setitem(STAGES, variant, (train, [variant]))
        for stage in ("check", *SMALL["variants"], "evaluate", "report"):
            assert ended(stage, patch) == ""
        yield folder


@pytest.fixture
def folder(finished, tmp_path, monkeypatch) -> Path:
    """A copy of it to damage."""
    shutil.copytree(finished, tmp_path / "study", symlinks=True)
    monkeypatch.chdir(tmp_path / "study")
    monkeypatch.setenv("INITLAB_WORKERS", "1")
    monkeypatch.setattr(report, "draw", lambda *_: iter(()))
    return Path()


def contents() -> dict[str, bytes]:
    """Every file here, but for the data set."""
    files = (path for path in Path().rglob("*") if path.is_file() and "mnist" not in path.parts)
    return {path.as_posix(): path.read_bytes() for path in files}


def replaced(path: Path, content: bytes) -> None:
    path.unlink()  # it can be a link to what others need
    path.write_bytes(content)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    replaced(path, content)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


DAMAGES = {
    "missing": Path.unlink,
    "empty": lambda path: replaced(path, b""),
    "cut": lambda path: replaced(path, path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: replaced(path, bytes(range(256)) * 9),
    "a folder": folder_instead,
    "a link to nothing": link_to_nothing,
    "a bit": flip,
}
RUN = "data/runs/baseline"
MNIST = [f"data/mnist/{name}" for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", sums.FILE)]  # fmt: skip
READ = {
    "train": [*MNIST, "data/plans/baseline.json"],
    "evaluate": [
        *MNIST, "data/plans/baseline.json", "data/variants.txt",
        *(f"{RUN}/{name}" for name in sorted(results.FILES)),
    ],
    "report": [
        "data/study.json", "data/plans/baseline.json", "data/variants.txt",
        *(f"data/tables/{name}" for name in (*report.TABLE_FILES, sums.FILE)),
        *(f"reports/{name}.csv" for name in evaluate.PLOTTED),
    ],
}  # fmt: skip
# Where it is another file that is named: one of which these tell, or the variant.
NAMED = {sums.FILE: "data/", "variants.txt": "data/", "baseline.json": "baseline"}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("stage", "file"), [(s, file) for s in READ for file in READ[s]])
def test_a_damaged_file_is_named_and_nothing_is_lost(folder, stage, file, damage, monkeypatch):
    DAMAGES[damage](Path(file))
    before = contents()
    line = ended(stage, monkeypatch)
    assert NAMED.get(Path(file).name, file) in line
    assert line.isprintable()
    assert any(
        words in line
        for words in ("dvc repro", "make repair", "there are: ", "move it away", "Is a d")
    )
    assert contents() == before


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("trap", [pipe, endless])
@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("train", MNIST[0]), ("train", MNIST[-1]), ("train", "data/plans/baseline.json"),
        ("evaluate", f"{RUN}/history.csv"), ("evaluate", f"{RUN}/SHA256SUMS"),
        ("report", "data/study.json"), ("report", "reports/seeds.csv"),
    ],
)  # fmt: skip
def test_what_would_wait_for_ever_is_not_read(folder, stage, file, trap, monkeypatch):
    trap(Path(file))
    assert Path(file).name.partition(".")[0] in ended(stage, monkeypatch)


def test_the_results_of_another_variant_are_not_taken_for_its_own(folder, monkeypatch):
    shutil.rmtree("data/runs/all_ones")
    shutil.copytree(RUN, "data/runs/all_ones")
    line = ended("evaluate", monkeypatch)
    assert line.startswith("data/plans/all_ones.json: is not what data/runs/all_ones was made with")


def test_sums_that_are_cut_by_their_last_line_are_noticed(folder, monkeypatch):
    for stage, file in (("evaluate", f"{RUN}/SHA256SUMS"), ("report", "data/tables/SHA256SUMS")):
        lines = Path(file).read_text().splitlines(keepends=True)
        for i in range(len(lines)):
            Path(file).write_text("".join(lines[:i]))
            assert ended(stage, monkeypatch)
        Path(file).write_text("".join(lines))


@pytest.mark.parametrize("file", ["data/plans/baseline.json", "stages/training/epoch.py"])
def test_what_changes_while_it_trains_ends_it(folder, file, monkeypatch):
    """DVC would record it as what was trained."""
    before, of = contents(), sums.of

    def changed(place: Path, paths) -> str:
        return of(place, paths) + file  # as if it had been edited in between

    def trained(*_):
        monkeypatch.setattr(sums, "of", changed)
        return [], [], {}

    monkeypatch.setattr(train, "run", trained)
    assert "its plan or the code changed while it trained" in ended("train", monkeypatch)
    assert contents() == before
    told = jobs.what_decides(plan := Path("data/plans/baseline.json"), [Plan.read(plan)], "train")
    assert Path(file).name in told


def test_a_dry_run_of_check_writes_nothing(folder, monkeypatch):
    Path("params.yaml").write_text(yaml_file.dumps(SMALL | {"seeds": 3}), encoding="utf-8")
    before = contents()
    monkeypatch.setitem(STAGES, "check", (check, ["--dry-run"]))
    assert ended("check", monkeypatch) == ""
    assert contents() == before
    monkeypatch.setitem(STAGES, "check", (check, ["--dry"]))
    assert ended("check", monkeypatch).startswith("usage: ")


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("check", "data/plans/notes.txt"), ("check", "data/plans/old/notes.txt"),
        ("report", "reports/figures/mine.png"), ("report", "reports/notes.md"),
        ("evaluate", "data/tables/notes.txt"), ("check", "data/notes.txt"),
    ],
)  # fmt: skip
def test_a_users_own_files_stay(folder, stage, file, monkeypatch):
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text("mine")
    assert ended(stage, monkeypatch) == ""
    assert Path(file).read_text() == "mine"


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_run_takes_the_place_of_what_is_there(folder, kind, tmp_path, monkeypatch):
    before = contents()
    if kind == "link":
        shutil.move(RUN, tmp_path / "elsewhere")
        Path(RUN).symlink_to(tmp_path / "elsewhere")
    assert ended("train", monkeypatch) == ""
    assert contents() == before
    assert not Path(RUN).is_symlink()


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        ("check", "data/plans/baseline.json"), ("check", "data/variants.txt"),
        ("evaluate", "reports/tensors.csv"), ("evaluate", "data/tables/probes.csv"),
        ("report", "reports/index.html"), ("report", "reports/note.md"),
    ],
)  # fmt: skip
def test_a_folder_in_the_place_of_a_file_leaves_all_others(folder, stage, place, monkeypatch):
    Path("params.yaml").write_text(yaml_file.dumps(SMALL | {"seeds": 3}), encoding="utf-8")
    folder_instead(Path(place))
    before = contents()
    assert ended(stage, monkeypatch).startswith(f"{place}: Is a directory; move away what is")
    assert contents() == before


def failing(monkeypatch: pytest.MonkeyPatch, n: int, code: int) -> None:
    """The n-th file that is written from now on fails, as where a disk is full."""
    left, write = iter(range(n)), Path.write_bytes

    def fail(path: Path, content: bytes) -> int:
        if next(left, None) is None:
            raise OSError(code, os.strerror(code), str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fail)


WRITES = {"check": 5, "evaluate": 13, "report": 9}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
@pytest.mark.parametrize(("stage", "n"), [(s, n) for s in WRITES for n in range(0, WRITES[s], 3)])
def test_a_disk_that_takes_no_more_costs_nothing(folder, stage, n, code, monkeypatch):
    if stage == "check":
        Path("params.yaml").write_text(yaml_file.dumps(SMALL | {"seeds": 3}), encoding="utf-8")
    before = contents()
    failing(monkeypatch, n, code)
    line = ended(stage, monkeypatch)
    assert os.strerror(code) in line
    assert contents() == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("writes", ["_write_csv", "save", "_stacked"])
def test_a_training_that_cannot_write_keeps_the_last_results(folder, writes, code, monkeypatch):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    before = contents()
    monkeypatch.setattr(results, writes, fail)
    line = ended("train", monkeypatch)
    assert line == f"{RUN}: nothing was written: {os.strerror(code)}"
    assert contents() == before


def test_results_may_lie_on_another_disk(folder, monkeypatch, tmp_path_factory):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == folder.stat().st_dev:
        pytest.skip("this machine has no second disk at /dev/shm")
    place = Path(shutil.copytree("data/runs", other / f"initlab-{os.getpid()}"))
    try:
        before = contents()
        shutil.rmtree("data/runs")
        Path("data", "runs").symlink_to(place)
        assert ended("train", monkeypatch) == ""
        assert ended("evaluate", monkeypatch) == ""
        after = {name for name, content in contents().items() if before.get(name) != content}
        assert not after
        (place / "gone").mkdir()
        assert ended("check", monkeypatch) == ""
        assert Path("data", "removed", "gone").is_dir()
    finally:
        shutil.rmtree(place)


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_a_stage_without_its_argument_tells_how_to_run_it(stage, monkeypatch):
    monkeypatch.setitem(STAGES, stage, (STAGES[stage][0], []))
    assert ended(stage, monkeypatch).startswith(f"usage: python -m stages.{stage} ")


@pytest.mark.parametrize("name", ["nobody", "", "../baseline", "baseline.json", "../../params"])
def test_a_variant_that_has_no_plan_is_named(folder, name, monkeypatch):
    monkeypatch.setitem(STAGES, "train", (train, [name]))
    assert "has no plan in data/plans; there are: all_ones, baseline" in ended("train", monkeypatch)
