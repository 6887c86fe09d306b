"""The memory that training takes, estimated before anything is allocated."""

from contextlib import suppress
from pathlib import Path

import psutil

from stages.settings.mistakes import ParamsError, in_file
from stages.training.mlp.network import SCORE_ROWS
from stages.training.plan import Plan
from stages.training.structure import Structure
from stages.training.workers import worker_count

FLOAT = 4  # bytes
SEED = 1_000_000  # bytes that a seed takes in addition to its tensors, as measured
BASE = 500_000_000  # bytes of torch and the images, as measured


def expect(place: str, plan: Plan, structure: Structure, kept: int) -> None:
    """Raise ParamsError if this machine has too little memory to train a plan.

    `kept` is the number of seeds whose tensors stay in memory until the end.
    """
    workers = min(plan.seeds, worker_count())
    # A kept seed has its initial weights, its weights and two moments, at the end twice: stacked,
    # and as bytes of a file. A worker has these four and gradients, and sends and receives copies.
    networks = 8 * kept + (12 if kept else 6) * workers
    outputs = 3 * max(plan.batch_size, SCORE_ROWS) * structure.outputs
    needed = BASE + FLOAT * (networks * structure.parameters + workers * outputs) + SEED * kept
    if needed > (here := limit()):
        raise ParamsError(
            f"{in_file(place.rstrip('.: '))}: would take about {needed / 1e9:,.1f} GB of memory, "
            f"and this machine or container has {here / 1e9:,.1f} GB; lower seeds, "
            "batch_size or the network"
        )


def limit(root: Path = Path("/")) -> int:
    """The bytes of this machine's memory, or of what a container or a job may use of it."""
    limits = [psutil.virtual_memory().total]
    with suppress(OSError):  # not on Linux
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, group = line.split(":", 2)
            if kinds in ("", "memory"):  # of version 2, or 1
                name = "memory.limit_in_bytes" if kinds else "memory.max"
                inner = root / "sys/fs/cgroup" / kinds / group[1:]
                for folder in (inner, *inner.parents):  # a container sees only some of them
                    with suppress(OSError, ValueError):  # "max" is no limit
                        limits.append(int((folder / name).read_text(encoding="utf-8")))
    return min(limits)
