"""The time that training takes, estimated before it begins."""

from stages.training.data import TRAIN_IMAGES
from stages.training.grid import Cell
from stages.training.plan import Plan

RATE = 8e10  # floating-point operations of a core per second, with AVX-512
STEP = 3e-6  # seconds per layer and step, in addition to the arithmetic
EPOCH = 2e-2  # seconds per epoch, in addition to its steps
DRAW = 1e-4  # seconds to fill and probe a layer, in addition to the arithmetic
SCORED = 10_000  # images that an epoch is tested on; a cell of a sweep is scored on twice as many


def seconds_of_seed(plan: Plan) -> float:
    """Seconds that one core takes for a seed of a variant, about."""
    images = plan.limit or TRAIN_IMAGES
    return plan.epochs * (EPOCH + _seconds(plan, plan.steps_per_epoch(images), images, SCORED))


def seconds_of(cell: Cell) -> float:
    """Seconds that one core takes for a network of a cell, about."""
    plan, scored = cell.plan, 2 * SCORED if cell.steps else 0
    trained = _seconds(plan, cell.steps, cell.steps * plan.batch_size, scored)
    return DRAW * len(plan.sizes) + trained


def _seconds(plan: Plan, steps: int, images: int, scored: int) -> float:
    """Seconds to train on some images in some steps, and to score others."""
    # A product forward and two backward, except for one in the first layer; a test forward.
    operations = (5 * images + 2 * scored) * plan.parameters
    return operations / RATE + steps * STEP * len(plan.sizes)
