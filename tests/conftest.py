"""Fixtures and helpers of all tests: the real data, and clones of the repository to run DVC in."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from stages.settings import plans, yaml_file
from stages.settings.params import Params
from stages.training import data, integrity
from stages.training.plan import Plan
from tests.once import made_once
from tests.page_study import known, page_tab, reports, tab  # noqa: F401  fixtures

ROOT = Path(__file__).resolve().parent.parent

# Most users' shells set none of these. With MAKELEVEL, a make in a test prints extra lines.
for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(name, None)
for role in ("AUTHOR", "COMMITTER"):
    os.environ |= {f"GIT_{role}_NAME": "test", f"GIT_{role}_EMAIL": "test@example.org"}
os.environ["NO_PROXY"] = "127.0.0.1"  # where tests start servers
os.chdir(ROOT)  # stages use paths relative to the repository

SMALL = {
    "data": {"name": "mnist", "limit": 640},
    "seeds": 2,
    "network": {"hidden": [16, 8], "activation": "relu"},
    "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
    "variants": {
        "baseline": {},
        "all_ones": {"all": {"weight": "ones", "bias": "ones"}},
    },
    "display": {"baseline": {"label": "PyTorch default"}, "all_ones": {"label": "ones, ×1 é"}},
}
NO_QUESTIONS = {"questions": {"data": "mnist", "training": SMALL["training"], "sweeps": {}}}
LECTURE = {
    "data": {"name": "mnist"},
    "seeds": 1,
    "network": {"hidden": [128, 64], "activation": "relu"},
    "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
}

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="install chromium: no such command")


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder of the real MNIST, downloaded if the study has not done so."""
    folder = ROOT / "data" / "mnist"
    with Path(tempfile.gettempdir(), "initlab-tests-mnist").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one test process downloads
        if not (folder / integrity.FILE).exists():
            command = [sys.executable, "-m", "stages.download", "mnist"]
            subprocess.run(command, cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def test_images(mnist_folder: Path) -> data.Images:
    return data.load(mnist_folder).test


@pytest.fixture(scope="session")
def train_images(mnist_folder: Path) -> data.Images:
    return data.load(mnist_folder).train


@pytest.fixture
def dataset(train_images, test_images) -> data.Dataset:
    """The first 3,250 images: 50 batches of 64, and one batch of 50."""
    return data.Dataset(train_images.first(3250), test_images.first(1000))


def plan_of(variant: dict | None = None, **sections: dict | int) -> Plan:
    """The plan of a variant, as an entry of params.yaml, in the lecture's network.

    `sections` change values of params.yaml: `network={"hidden": [16]}`.
    """
    values = LECTURE | {"variants": {"start": variant or {}}}
    for name, section in sections.items():
        values[name] = values[name] | section if isinstance(section, dict) else section
    return plans.resolve(Params.model_validate(values))["start"]


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright  # slow to import, and few tests need it

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


def as_yaml(values: dict) -> str:
    """The text of a params.yaml with these values."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


class Clone:
    """A copy of the repository with a small study, in which tests run commands."""

    def __init__(self, folder: Path, mirror: Path | str):
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
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        output = f"{result.stdout}\n{result.stderr}"
        assert expect is None or result.returncode == expect, f"{' '.join(command)}\n{output}"
        return result

    def repro(self, *arguments: str, **options) -> list[str]:
        """Run `dvc repro`; returns the stages that it executed, without restored ones."""
        return executed(self.run("dvc", "repro", *arguments, **options))

    def is_clean(self) -> bool:
        """Whether git sees no change."""
        return self.run("git", "status", "--porcelain").stdout == ""

    @property
    def params(self) -> dict:
        return yaml_file.loads((self.folder / "params.yaml").read_text(encoding="utf-8"))

    @params.setter
    def params(self, values: dict) -> None:
        (self.folder / "params.yaml").write_text(as_yaml(values), encoding="utf-8")

    @property
    def questions(self) -> dict:
        return yaml_file.loads((self.folder / "questions.yaml").read_text(encoding="utf-8"))

    @questions.setter
    def questions(self, values: dict) -> None:
        (self.folder / "questions.yaml").write_text(as_yaml(values), encoding="utf-8")

    def change(self, section: str, **values) -> None:
        """Change entries in a section of params.yaml."""
        self.params = self.params | {section: self.params[section] | values}

    def append(self, file: str, text: str) -> None:
        """Append text to a file, or create it."""
        with (self.folder / file).open("a", encoding="utf-8") as opened:
            opened.write(text)

    def copy(self, folder: Path) -> "Clone":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Clone(folder, self.environment["MNIST_MIRROR"])


def executed(result: subprocess.CompletedProcess) -> list[str]:
    """The stages that `dvc repro` or `dvc exp run` executed, without restored ones."""
    # From a subfolder, DVC prints '../dvc.yaml:check'.
    return re.findall(r"^Running stage '(?:.*:)?(.*)'", result.stdout, flags=re.MULTILINE)


def accept_interrupts() -> None:
    """As `preexec_fn`: have a process react to SIGINT, which background jobs of a shell ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def make(clone: Clone, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Run `make` with the environment of the tests, without installing another."""
    return clone.run("make", "--old-file=.venv/installed", *arguments, **options)


@pytest.fixture(scope="session")
def fresh_clone(tmp_path_factory: pytest.TempPathFactory, mnist_folder: Path) -> Clone:
    """A clone of the working tree, with edits that are not committed, and the small study."""
    folder = tmp_path_factory.mktemp("clone") / "initlab"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
    (folder / "dvc.lock").unlink(missing_ok=True)
    # The figures in README.md are those of the whole study.
    (folder / "README.md").write_text("# A small study\n", encoding="utf-8")
    clone = Clone(folder, mnist_folder)
    clone.params = SMALL
    clone.questions = NO_QUESTIONS
    clone.run("git", "init", "--quiet")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "Add a small study")
    return clone


@pytest.fixture(scope="session")
def finished_study(fresh_clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with the small study run and committed. Copy it before a change."""

    def run(folder: Path) -> None:
        study = fresh_clone.copy(folder / "initlab")
        (folder / "executed.txt").write_text("\n".join(study.repro()))
        study.run("git", "add", "--all")
        study.run("git", "commit", "--quiet", "--message", "Run the study")

    folder = made_once(tmp_path_factory, "finished", run)
    study = Clone(folder / "initlab", fresh_clone.environment["MNIST_MIRROR"])
    study.executed = (folder / "executed.txt").read_text().splitlines()
    return study


@pytest.fixture
def study(finished_study: Clone, tmp_path: Path) -> Clone:
    """A copy of the finished study, for one test."""
    return finished_study.copy(tmp_path / "initlab")
