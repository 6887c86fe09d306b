"""The code that runs on a worker: the check before its first task, and the tasks."""

import pickle
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import get_worker

from stages.jobs import CODE
from stages.training import data, engines, integrity
from stages.training.epoch import run_epoch
from stages.training.grid import Cell, CellScores, Piece, do
from stages.training.mlp.build import KernelError
from stages.training.plan import DEFAULT, PACKAGES, Plan
from stages.training.results import Trained

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("stages/training", "stages/initializers", "stages/networks", "tools/distribute")
TRIED = 640  # training images on which a worker shows its arithmetic


class UnfitError(Exception):
    """A worker would compute other bits; its name, its address, and the reason."""


def environment() -> dict[str, str]:
    """The code and the packages that decide a result, by name."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.*"))]
    code = {
        str(path.relative_to(ROOT)): sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.suffix in CODE
    }
    packages = {name: version(name).partition("+")[0] for name in PACKAGES}
    return code | packages


LOADED = environment()  # a later edit does not change what this process computes


def required(plans: Iterable[Plan]) -> bytes:
    """A description of this process for `checked`; raises OSError if the data is damaged."""
    kinds = {(plan.network, plan.activation, plan.optimizer): plan for plan in plans}
    tried = list(kinds.values())
    return pickle.dumps((LOADED, pickle.dumps(tried), trial(tried)))


def trial(plans: Sequence[Plan]) -> str:
    """A SHA-256 of the data, and of one epoch of each plan from PyTorch's initialization.

    Raises OSError if data is missing or damaged.
    """
    whole = sha256()
    for plan in plans:
        whole.update((ROOT / "data" / plan.data / integrity.FILE).read_bytes())
        fills = dict.fromkeys(plan.tensors, DEFAULT)
        trained = _train(replace(plan, epochs=1, limit=TRIED, tensors=fills), 0)
        _, tensors = engines.of(plan).tensors_of(plan, trained.final[0])
        whole.update(repr(trained.rows).encode())
        for values in tensors.values():
            whole.update(values.contiguous().numpy().tobytes())
    return whole.hexdigest()


def checked(required: bytes, call: bytes) -> Any:
    """The result of a pickled call; raises UnfitError.

    A worker with other code runs this, too. So nothing is unpickled before the code is compared.
    """
    if reason := mismatch(required):
        worker = get_worker()
        raise UnfitError(worker.name, worker.address, reason)
    return pickle.loads(call)()  # noqa: S301  the coordinator's


@lru_cache
def mismatch(required: bytes) -> str | None:
    """The reason why this process would compute other bits than the coordinator, or None."""
    expected, plans, result = pickle.loads(required)  # noqa: S301  the coordinator's
    for name in LOADED | expected:
        here, there = LOADED.get(name, "missing"), expected.get(name, "unknown")
        if here != there and name.endswith(CODE):
            return f"its {name} differs; check out the same commit and start it again"
        if here != there:
            return f"its {name} is {here}, and {there} is required"
    try:
        same = trial(pickle.loads(plans)) == result  # noqa: S301  the coordinator's
    except KernelError as error:
        return error.strerror
    except OSError as error:
        return f"{error.filename}: {error.strerror}; run `dvc repro download` or `dvc pull` there"
    return None if same else "its processor or its data gives other results"


def train(plan: Plan, seed: int) -> bytes:
    """All epochs of one seed as a pickled `Trained`; raises InitializationError."""
    return pickle.dumps(_train(plan, seed))


def sweep(cell: Cell, seeds: tuple[int, ...]) -> list[CellScores]:
    """The scores of some seeds of a cell; raises InitializationError."""
    return do([cell], _dataset(cell.plan), Piece(0, seeds))


def _train(plan: Plan, seed: int) -> Trained:
    dataset, trained = _dataset(plan), Trained()
    state: Any = engines.of(plan).start(plan, dataset.train, seed)
    for _ in range(plan.epochs + 1):
        state, row = run_epoch(plan, dataset, state)
        trained.add(plan, state, row)
    return trained


def _dataset(plan: Plan) -> data.Dataset:
    whole = _load(ROOT / "data" / plan.data)
    return replace(whole, train=whole.train.first(plan.limit))


_load = lru_cache(data.load)
