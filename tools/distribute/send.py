"""Sends what workers run and read, and makes calls of it."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from distributed import Client

from stages import jobs
from stages.training import BITS_PROMISED, data, integrity
from stages.training.plan import Plan
from tools.distribute import nanny, task

CODE = ("stages/training", "stages/initializers", "tools/distribute")


class Call:
    """A call that is made where it is unpickled.

    `client.submit(pickle.loads, …)` of its pickle needs the code on the worker, and nothing on
    the scheduler, which unpickles what it is given itself.
    """

    def __init__(self, do: Callable[..., Any], *arguments: Any):
        self.do, self.arguments = do, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.do, self.arguments


def send(client: Client, plans: Iterable[Plan]) -> task.Wanted:
    """Send code and data to every worker, also to those that come later; what each has to have.

    Raises OSError.
    """
    plans = list(plans)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "sent")
        sent = pack(folder, {plan.data for plan in plans})
        content = Path(shutil.make_archive(str(folder), "zip", folder)).read_bytes()
    source = Path(nanny.__file__).read_text(encoding="utf-8")
    with suppress(Exception):  # of a nanny that cannot take it: its worker is refused by name
        client.register_plugin(nanny.Sent(source, content))
    shown = {(plan.activation, plan.optimizer): plan for plan in plans}
    tried = tuple(shown.values())
    return task.Wanted(sent, task.packages(), BITS_PROMISED, tried, task.bits(tried))


def pack(folder: Path, data_sets: Iterable[str]) -> str:
    """Copy what workers need into a folder; the SHA-256 of the sums of it all.

    Raises OSError, and DamagedError for a data set that is not whole.
    """
    for part in CODE:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(jobs.HERE.parent / part, folder / part, ignore=ignored)
    # The stages' own settles what a command does with its terminal.
    for package in ("stages", "tools"):
        (folder / package / "__init__.py").write_text("")
    for name in data_sets:
        integrity.read(Path("data", name), data.FILES.values())
        shutil.copytree(Path("data", name), folder / "data" / name)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    text = integrity.sums_of(folder, files)
    (folder / integrity.FILE).write_text(text)
    return sha256(text.encode()).hexdigest()
