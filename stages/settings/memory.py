"""The memory that training takes, estimated before anything is allocated."""

import psutil

from stages.settings.mistakes import ParamsError, in_file
from stages.training.mlp.network import SCORE_ROWS
from stages.training.plan import Plan
from stages.training.structure import Structure
from stages.training.workers import worker_count

FLOAT = 4  # bytes
SEED = 1_000_000  # bytes that a seed takes in addition to its tensors, as measured


def expect(place: str, plan: Plan, structure: Structure, kept: int) -> None:
    """Raise ParamsError if this machine has too little memory to train a plan.

    `kept` is the number of seeds whose tensors stay in memory until the end.
    """
    workers = min(plan.seeds, worker_count())
    # A kept seed has its initial weights, its weights and two moments, at the end twice: stacked,
    # and as bytes of a file. A worker has these four and gradients, and sends and receives copies.
    networks = 8 * kept + (12 if kept else 6) * workers
    outputs = 3 * max(plan.batch_size, SCORE_ROWS) * structure.outputs
    needed = FLOAT * (networks * structure.parameters + workers * outputs) + SEED * kept
    if needed > (here := psutil.virtual_memory().total):
        raise ParamsError(
            f"{in_file(place.rstrip('.: '))}: would take about {needed / 1e9:,.0f} GB of memory, "
            f"and this machine has {here / 1e9:,.0f} GB; lower seeds, hidden or batch_size"
        )
