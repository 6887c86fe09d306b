"""What a study takes, estimated before anything of it is allocated or filled."""

import os
from collections.abc import Mapping
from itertools import pairwise

import psutil

from stages.settings.params import TRAIN_IMAGES
from stages.settings.reading import FILE
from stages.training.network import SCORE_ROWS
from stages.training.plan import Plan

FLOAT = 4  # bytes
RATE = 5e10  # floating-point operations of one core in a second: AVX2 at some 3 GHz, well fed
STEP = 2e-5  # seconds that a layer takes in a step beside its arithmetic
EPOCH = 5e-3  # seconds that an epoch takes beside its steps
SEED = 1_000_000  # bytes that a seed costs beside its tensors, as was seen
TESTED = 10_000  # images that an epoch is tested on
YEAR = 365 * 24 * 3600


def complaints(plans: Mapping[str, Plan]) -> list[str]:
    """A line for every variant that this machine has no memory for; else for too long a study."""
    here, lines = psutil.virtual_memory().total, []
    for name, plan in plans.items():
        if (needed := memory(plan)) > here:
            lines.append(
                f"{FILE}: variants.{name}: would take about {_gigabytes(needed)} of memory "
                f"({plan.seeds:,} seeds of {_size(plan):,} parameters), and this machine has "
                f"{_gigabytes(here)}; lower seeds, hidden or batch_size"
            )
    took = {name: seconds(plan) for name, plan in plans.items()}
    if not lines and (total := sum(took.values())) > YEAR:
        longest = max(took, key=lambda name: took[name])
        lines.append(
            f"{FILE}: the study would train for about {total / YEAR:,.0f} years on this machine, "
            f"variants.{longest} for most of them; one year is allowed; lower epochs, seeds or "
            "hidden"
        )
    return lines


def memory(plan: Plan) -> int:
    """Bytes that training a variant takes at its fullest, about, beside what any takes."""
    workers = min(plan.seeds, os.cpu_count() or 1)
    # A seed's start, weights and two moments; at the end both, stacked and as bytes of a file.
    # A worker's copies of a seed, on its way in and out, and its gradients.
    numbers = (8 * plan.seeds + 12 * workers) * _size(plan)
    rows = max(plan.batch_size, SCORE_ROWS)
    return SEED * plan.seeds + FLOAT * (numbers + 3 * rows * sum(plan.sizes) * workers)


def seconds(plan: Plan) -> float:
    """How long a variant trains on all cores of this machine, about."""
    images = plan.limit or TRAIN_IMAGES
    steps = -(-images // plan.batch_size)
    # A product forward and two backward, of which the first layer lacks one; a test forward.
    operations = (5 * images + 2 * TESTED) * _size(plan)
    epoch = EPOCH + operations / RATE + steps * STEP * len(plan.sizes)
    return epoch * plan.epochs * plan.seeds / min(plan.seeds, os.cpu_count() or 1)


def _size(plan: Plan) -> int:
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(plan.sizes))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.0f} GB"
