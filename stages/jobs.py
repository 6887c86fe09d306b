"""What the stages that train share: finding their plan, and noticing edits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from stages.training import integrity
from stages.training.plan import Plan

HERE = Path(__file__).parent
CODE = (".c", ".py")


def plan_file(folder: Path, kind: str, arguments: list[str]) -> Path:
    """The file that `check` wrote for the variant or sweep in `arguments`; ends without one."""
    if len(arguments) != 1:
        raise SystemExit(f"usage: python -m stages.{kind} NAME")
    found = sorted(path.stem for path in folder.glob("*.json"))
    if arguments[0] not in found:
        names = ", ".join(found) or "none"
        raise SystemExit(f"{arguments[0]}: has no plan in {folder}; there are: {names}")
    return folder / f"{arguments[0]}.json"


def fingerprint(file: Path, plans: Sequence[Plan], stage: str) -> str:
    """The sums of everything that decides a result: the file with its plans, its data, all code.

    Ends the stage if a file in stages/initializers is not the one that was checked.
    """
    checked = {name: sum_ for plan in plans for name, sum_ in plan.files.items()}
    for name, sum_ in checked.items():
        if sha256(Path(name).read_bytes()).hexdigest() != sum_:
            raise SystemExit(f"{name}: changed since it was checked; run `dvc repro` again")
    trainer = sorted(path for path in (HERE / "training").rglob("*") if path.suffix in CODE)
    code = [HERE / "jobs.py", HERE / f"{stage}.py", *trainer]
    images = {Path("data", plan.data, integrity.FILE) for plan in plans}
    return integrity.sums_of(HERE, [file, *code, *map(Path, checked), *sorted(images)])


@contextmanager
def unchanged(file: Path, plans: Sequence[Plan], stage: str) -> Iterator[str]:
    """The fingerprint of a result while it is made; ends the stage if it changes meanwhile.

    Without this, DVC would record the result as that of the edited plan, data or code.
    """
    before = fingerprint(file, plans, stage)
    yield before
    if fingerprint(file, plans, stage) != before:
        raise SystemExit(
            f"{file.stem}: nothing was written, because its plan, its data or the code changed "
            "during training; run `dvc repro` again"
        )
