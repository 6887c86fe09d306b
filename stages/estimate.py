"""What a training takes, estimated before anything of it is allocated or filled."""

import os
from itertools import pairwise

from stages.training.data import TRAIN_IMAGES
from stages.training.grid import Cell
from stages.training.network import SCORE_ROWS
from stages.training.plan import Plan

FLOAT = 4  # bytes
RATE = 5e10  # floating-point operations of one core in a second: AVX2 at some 3 GHz, well fed
STEP = 2e-5  # seconds that a layer takes in a step beside its arithmetic
EPOCH = 5e-3  # seconds that an epoch takes beside its steps
SEED = 1_000_000  # bytes that a seed costs beside its tensors, as was seen
DRAW = 1e-4  # seconds that a layer takes to be filled and looked at, beside its arithmetic
SCORED = 10_000  # images that an epoch is tested on, and a cell of a sweep is scored on twice


def memory(plan: Plan) -> int:
    """Bytes that training a variant takes at its fullest, about, beside what any takes."""
    workers = min(plan.seeds, os.cpu_count() or 1)
    # A seed's start, weights and two moments; at the end both, stacked and as bytes of a file.
    # A worker's copies of a seed, on its way in and out, and its gradients.
    return _bytes(plan, 8 * plan.seeds + 12 * workers, workers) + SEED * plan.seeds


def memory_of(cell: Cell, workers: int) -> int:
    """Bytes that so many networks of a cell take at once: start, weights, moments, gradients."""
    return _bytes(cell.plan, 6 * workers, workers)


def seconds(plan: Plan) -> float:
    """How long a variant trains on all cores of this machine, about."""
    return seconds_of_seed(plan) * plan.seeds / min(plan.seeds, os.cpu_count() or 1)


def seconds_of_seed(plan: Plan) -> float:
    """How long one seed of a variant takes one core, about."""
    images = plan.limit or TRAIN_IMAGES
    steps = -(-images // plan.batch_size)
    # A product forward and two backward, of which the first layer lacks one; a test forward.
    operations = (5 * images + 2 * SCORED) * size(plan)
    epoch = EPOCH + operations / RATE + steps * STEP * len(plan.sizes)
    return epoch * plan.epochs


def seconds_of(cell: Cell) -> float:
    """How long one network of a cell takes one core, about."""
    layers = len(cell.plan.sizes)
    images = cell.steps * cell.plan.batch_size
    operations = (5 * images + (4 * SCORED if images else 0)) * size(cell.plan)
    return DRAW * layers + operations / RATE + cell.steps * STEP * layers


def size(plan: Plan) -> int:
    """How many parameters a network has."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(plan.sizes))


def _bytes(plan: Plan, networks: int, workers: int) -> int:
    rows = max(plan.batch_size, SCORE_ROWS)
    return FLOAT * (networks * size(plan) + 3 * rows * sum(plan.sizes) * workers)
