"""What an edit of a file runs again: DVC's status, compared with the table in CONTRIBUTING.md."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_sweeps import RATES

# The stages in the small study, by their names in CONTRIBUTING.md.
STAGES = {
    "nothing": set(),
    "train": {"train@baseline", "train@all_ones"},
    "sweep": {"sweep@grid"},
    "question": {"question@asked"},
    "download": {"download@mnist"},
    **{name: {name} for name in ("check", "evaluate", "report")},
}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# The longest of these that a path begins with lists the stages that see an edit of it.
TABLE: dict[str, set[str]] = {
    path: set().union(*(STAGES[name] for name in stages.split(", ")))
    for paths, stages in re.findall(r"^\| (`stages/.*?) \| (.*?) \|", CONTRIBUTING, re.MULTILINE)
    for path in re.findall(r"`(.*?)`", paths)
}

# Edits every file in turn, and asks DVC which stages have changed dependencies. DVC reads dvc.yaml
# and dvc.lock, which takes it longer than all else, as often as it locks.
ASK = """
import json, pathlib, sys
from dvc.repo import Repo, lock_repo
found = {}
with Repo() as repo, lock_repo(repo):
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        before = path.read_bytes()
        path.write_bytes(before + b"\\n")
        found[name] = sorted(repo.status())
        path.write_bytes(before)
print(json.dumps(found))
"""


def files() -> list[str]:
    """Every file that an edit could be made in, as git would have it."""
    folders = [ROOT / name for name in ("stages", "tools", "docs")]
    there = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    code = [path for path in there if "__pycache__" not in path.parts]
    return sorted(path.relative_to(ROOT).as_posix() for path in [*code, Path(__file__)])


@pytest.mark.slow
def test_an_edit_runs_the_stages_in_the_table(study):
    study.params = study.params | {"sweeps": {"grid": RATES}}
    own = study.questions["questions"]
    study.questions = {"questions": own | {"sweeps": {"asked": RATES}}}
    study.repro("sweep", "question")
    study.run("dvc", "commit", "--force", "report")  # as if it had run: what it depends on counts
    answer = study.run(sys.executable, "-c", ASK, *files()).stdout
    seen = json.loads(answer.splitlines()[-1])
    wrong = {name: stages for name, stages in seen.items() if set(stages) != expected(name)}
    assert not wrong
    assert set(seen) == set(files())


def expected(name: str) -> set[str]:
    return TABLE[max((prefix for prefix in TABLE if name.startswith(prefix)), key=len)]


@pytest.mark.slow
def test_an_edit_that_changes_no_result_runs_no_later_stage(study):
    before = (study.folder / "dvc.lock").read_text()
    study.append("stages/training/seeds.py", "\n")
    assert study.repro() == ["check", "train@baseline", "train@all_ones", "evaluate"]
    assert (study.folder / "dvc.lock").read_text() != before
