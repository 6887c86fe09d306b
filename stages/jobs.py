"""What the stages that train have in common: what they are told, and how many cores they take."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from stages.training import data, sums
from stages.training.plan import Plan

HERE = Path(__file__).parent


def named(folder: Path, kind: str, arguments: list[str]) -> Path:
    """The file in a folder that `check` wrote for what is named; ends the stage without one."""
    if len(arguments) != 1:
        raise SystemExit(f"usage: python -m stages.{kind} NAME")
    there = sorted(path.stem for path in folder.glob("*.json"))
    if arguments[0] not in there:
        names = ", ".join(there) or "none"
        raise SystemExit(f"{arguments[0]}: has no plan in {folder}; there are: {names}")
    return folder / f"{arguments[0]}.json"


def load(plan: Plan) -> data.Dataset:
    """The data of a plan, whole and as it was downloaded; raises DamagedError."""
    folder = Path("data", plan.data)
    sums.check(folder, data.FILES.values())
    return data.load(folder, plan.limit)


def what_decides(told: Path, plans: Sequence[Plan], stage: str) -> str:
    """The sums of what a stage is told, of its data, and of all code that it trains with.

    Ends the stage if a file of stages/initializers is not the one that was checked.
    """
    files = {file: checked for plan in plans for file, checked in plan.files.items()}
    for file, checked in files.items():
        if sha256(Path(file).read_bytes()).hexdigest() != checked:
            raise SystemExit(f"{file}: changed since it was checked; run `dvc repro` again")
    code = [HERE / "jobs.py", HERE / f"{stage}.py", *sorted((HERE / "training").glob("*.py"))]
    images = {Path("data", plan.data, sums.FILE) for plan in plans}
    return sums.of(HERE, [told, *code, *map(Path, files), *sorted(images)])


def worker_count() -> int:
    """INITLAB_WORKERS, or as many as this process may use cores."""
    wish = os.environ.get("INITLAB_WORKERS")
    if not wish:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:  # not on macOS or Windows
            return os.cpu_count() or 1
    if not wish.isdecimal() or int(wish) == 0:
        raise SystemExit(f"INITLAB_WORKERS = {wish!r}: must be a whole number above 0")
    return int(wish)
