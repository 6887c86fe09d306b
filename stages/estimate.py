"""The time that training takes, estimated before it begins."""

from stages.training import engines
from stages.training.grid import Cell
from stages.training.plan import Plan

EPOCH = 2e-2  # seconds per epoch, in addition to its steps
DRAW = 1e-4  # seconds to fill and probe a layer, in addition to the arithmetic
SCORED = 10_000  # images that an epoch is tested on; a cell of a sweep is scored on twice as many


def seconds_of_seed(plan: Plan) -> float:
    """Seconds that one core takes for a seed of a variant, about."""
    trained = engines.of(plan).seconds(plan, plan.steps_per_epoch, plan.images, SCORED)
    return plan.epochs * (EPOCH + trained)


def seconds_of(cell: Cell) -> float:
    """Seconds that one core takes for a network of a cell, about."""
    plan = cell.plan
    scored = 2 * min(SCORED, plan.images) if cell.steps else 0
    images = cell.steps * plan.batch_size
    trained = engines.of(plan).seconds(plan, cell.steps, images, scored)
    return DRAW * len(plan.layers) + trained
