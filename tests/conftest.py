"""What tests share: the real data, and clones of the repository to run DVC in."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stages import download
from stages.settings import plans, yaml_file
from stages.settings.params import Params
from stages.training import data, sums
from stages.training.plan import Plan
from tests.once import made_once
from tests.page_study import known, reports, tab  # noqa: F401  fixtures

ROOT = Path(__file__).resolve().parent.parent

# What some shells set and most do not; and what a make tells what it starts: a make in a test
# would greet it back.
for name in (
    "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "MAKEFLAGS", "MAKELEVEL", "MFLAGS",
):  # fmt: skip
    os.environ.pop(name, None)
os.chdir(ROOT)  # stages run there, and say what they read from there

SMALL = {
    "data": {"name": "mnist", "limit": 640},
    "seeds": 2,
    "network": {"hidden": [16, 8], "activation": "relu"},
    "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
    "variants": {
        "baseline": {},
        "all_ones": {"all": {"weight": "ones", "bias": "ones"}},
    },
    "display": {"baseline": {"label": "PyTorch default"}},
}


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The real MNIST: the study's own, fetched now if it is not there."""
    folder = ROOT / "data" / "mnist"
    with Path(tempfile.gettempdir(), "initlab-tests-mnist").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of the processes that test fetches it
        if not (download.is_right(folder, "mnist") and (folder / sums.FILE).exists()):
            command = [sys.executable, "-m", "stages.download", "mnist"]
            result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if result.returncode:
                pytest.fail(f"these tests need MNIST:\n{result.stderr}")
    return folder


@pytest.fixture(scope="session")
def test_images(mnist_folder: Path) -> data.Images:
    return data.load_split(mnist_folder, "test")


@pytest.fixture(scope="session")
def train_images(mnist_folder: Path) -> data.Images:
    return data.load_split(mnist_folder, "train")


@pytest.fixture
def dataset(train_images, test_images) -> data.Dataset:
    """The first 3,250 images: 50 batches of 64, and one of 50."""
    return data.Dataset(train_images.first(3250), test_images.first(1000))


LECTURE = {
    "data": {"name": "mnist"},
    "seeds": 1,
    "network": {"hidden": [128, 64], "activation": "relu"},
    "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
}


def plan_of(variant: dict | None = None, **sections: dict | int) -> Plan:
    """The plan of a variant in the lecture's network, as params.yaml would have both.

    `sections` replace what they name: `network={"hidden": [16]}`.
    """
    values = LECTURE | {"variants": {"start": variant or {}}}
    for name, section in sections.items():
        values[name] = values[name] | section if isinstance(section, dict) else section
    return plans.resolve(Params.model_validate(values))["start"]


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="install chromium: no such command")


@pytest.fixture(scope="session")
def browser():
    # Only what needs a browser waits for playwright to start one.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


class Clone:
    """A copy of the repository with a small study, to run commands in."""

    def __init__(self, folder: Path, mirror: Path):
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MNIST_MIRROR": str(mirror),
        }

    def run(
        self, *command: str, env: dict | None = None, expect: int | None = 0
    ) -> subprocess.CompletedProcess:
        result = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
        )
        output = f"{result.stdout}\n{result.stderr}"
        assert expect is None or result.returncode == expect, f"{' '.join(command)}\n{output}"
        return result

    def repro(self, *arguments: str, **options) -> list[str]:
        """Run `dvc repro`; the names of the stages that it executed, not restored."""
        result = self.run("dvc", "repro", *arguments, **options)
        lines = [line for line in result.stdout.splitlines() if line.startswith("Running stage ")]
        return [line.split("'")[1] for line in lines]

    @property
    def params(self) -> dict:
        return yaml_file.loads((self.folder / "params.yaml").read_text(encoding="utf-8"))

    @params.setter
    def params(self, values: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml_file.dumps(values), encoding="utf-8")

    def copy(self, folder: Path) -> "Clone":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Clone(folder, Path(self.environment["MNIST_MIRROR"]))


def heed_interrupts() -> None:
    """For a process to be started: what runs in a shell's background is deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def make(clone: Clone, target: str, **options) -> subprocess.CompletedProcess:
    """`make`, for which the environment that the tests run in counts as installed."""
    (clone.folder / ".venv").mkdir(exist_ok=True)
    (clone.folder / ".venv" / "installed").touch()
    return clone.run("make", target, **options)


@pytest.fixture(scope="session")
def fresh_clone(tmp_path_factory: pytest.TempPathFactory, mnist_folder: Path) -> Clone:
    """A clone as git has it, plus what is not committed yet, with the small study's parameters."""
    folder = tmp_path_factory.mktemp("clone") / "initlab"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
    (folder / "dvc.lock").unlink(missing_ok=True)
    # Its figures are those of the whole study.
    (folder / "README.md").write_text("# A small study\n", encoding="utf-8")
    clone = Clone(folder, mnist_folder)
    clone.params = SMALL
    clone.run("git", "init", "--quiet")
    clone.run("git", "config", "user.name", "test")
    clone.run("git", "config", "user.email", "test@example.org")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "Start")
    return clone


@pytest.fixture(scope="session")
def finished_study(fresh_clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the small study was run and committed; copy it, do not change it."""

    def run(folder: Path) -> None:
        study = fresh_clone.copy(folder / "initlab")
        (folder / "executed.txt").write_text("\n".join(study.repro()))
        study.run("git", "add", "--all")
        study.run("git", "commit", "--quiet", "--message", "Run")

    folder = made_once(tmp_path_factory, "finished", run)
    study = Clone(folder / "initlab", Path(fresh_clone.environment["MNIST_MIRROR"]))
    study.executed = (folder / "executed.txt").read_text().splitlines()
    return study


@pytest.fixture
def study(finished_study: Clone, tmp_path: Path) -> Clone:
    """A finished small study of the test's own."""
    return finished_study.copy(tmp_path / "initlab")
