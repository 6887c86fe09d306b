"""What a worker does. It runs there from the code that was sent (send.py)."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from distributed import get_worker

import stages.training
from stages.training import data, integrity
from stages.training.epoch import initial_state, run_epoch
from stages.training.grid import Cell, CellScores, Piece, do
from stages.training.initialization import InitializationError
from stages.training.plan import PACKAGES, Plan
from stages.training.results import Trained

ROOT = Path(__file__).resolve().parents[2]  # where stages, tools and data are
TRIED = 640  # images that a worker shows its arithmetic on


@dataclass(frozen=True)
class Wanted:
    """What a worker has to have: the files that were sent, by their sums, packages, bits."""

    sent: str
    packages: dict[str, str]
    promised: bool
    plans: tuple[Plan, ...]
    bits: str


class UnfitError(Exception):
    """Why a worker cannot compute what the coordinator would."""


def packages() -> dict[str, str]:
    """The versions here of what computes a network."""
    return {name: version(name).partition("+")[0] for name in PACKAGES}


def bits(plans: Sequence[Plan]) -> str:
    """A sum of what one epoch of each plan gives here, on some images."""
    whole = sha256()
    for plan in plans:
        try:
            trained = _train(replace(plan, epochs=1, limit=TRIED), 0)
        except InitializationError as error:  # told when it is its turn
            whole.update(str(error).encode())
        else:
            whole.update(repr(trained.rows).encode() + trained.final[0].weights.tobytes())
    return whole.hexdigest()


def admit(wanted: Wanted, resource: str) -> None:
    """Let this worker be given tasks; raises UnfitError."""
    if reason := unfit(wanted):
        raise UnfitError(reason)
    worker = get_worker()
    # One task at a time, also where a worker has several threads: they share one interpreter.
    worker.loop.add_callback(worker.set_resources, **{resource: 1})


def unfit(wanted: Wanted) -> str | None:
    """Why this process cannot compute what the coordinator would; None if it can."""
    code = Path(stages.training.__file__).parents[2]
    if code != ROOT or not (ROOT / integrity.FILE).exists():
        return f"it has other code, in {code}; start it with a nanny, as is usual"
    try:
        integrity.read(ROOT, [])
        if sha256((ROOT / integrity.FILE).read_bytes()).hexdigest() != wanted.sent:
            return "another study was sent to it since"
    except OSError as error:
        return f"what was sent is not what is there: {error.filename}: {error.strerror}"
    for name, there in packages().items():
        if there != wanted.packages[name]:
            return f"it has {name} {there}, and {wanted.packages[name]} is asked for"
    if wanted.promised and not stages.training.BITS_PROMISED:
        return "its processor is not Intel's or AMD's with AVX2"
    if bits(wanted.plans) != wanted.bits:
        return "its processor computes other bits"
    return None


def train(plan: Plan, seed: int) -> bytes:
    """All of one seed, a `Trained` as bytes; raises InitializationError."""
    trained = _train(plan, seed)
    state = trained.final[seed]
    nothing = state.moments[0][:0]  # nobody asks for the optimizer's state, and it is half of all
    trained.final[seed] = replace(state, moments=(nothing, nothing))
    return pickle.dumps(trained)


def _train(plan: Plan, seed: int) -> Trained:
    dataset, trained = _dataset(plan.data, plan.limit), Trained()
    state = initial_state(plan, dataset.train, seed)
    for _ in range(plan.epochs + 1):
        state, row = run_epoch(plan, dataset, state)
        trained.add(plan, state, row)
    return trained


def sweep(cell: Cell, seeds: tuple[int, ...]) -> list[CellScores]:
    """Some seeds of a cell; raises InitializationError."""
    return do([cell], _dataset(cell.plan.data, cell.plan.limit), Piece(0, seeds))


def _dataset(name: str, limit: int | None) -> data.Dataset:
    whole = _whole(name)
    return data.Dataset(whole.train.first(limit), whole.test)


@lru_cache
def _whole(name: str) -> data.Dataset:
    return data.load(ROOT / "data" / name)
