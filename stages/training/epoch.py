"""One epoch of one seed: the unit of work. Its bits do not depend on the worker."""

from dataclasses import dataclass
from typing import Any

from stages.training import engines, probes
from stages.training.data import Dataset
from stages.training.plan import Plan
from stages.training.seeds import Draws

SCORED_BEFORE = 10_000  # training images that are scored before training: as many as for tests


@dataclass(frozen=True)
class Scores:
    """One seed after one epoch; epoch 0 is before training.

    Losses are mean cross-entropies in nats, accuracies fractions. The training figures
    are counted while the epoch runs, each batch before it is learned from; those of epoch 0
    are over the first SCORED_BEFORE images. `layers` are the probes of the network then.
    """

    seed: int
    epoch: int
    train_loss: float
    train_acc: float
    test_loss: float
    test_acc: float
    layers: tuple[probes.Layer, ...]


def run_epoch(plan: Plan, dataset: Dataset, state: Any) -> tuple[Any, Scores]:
    """Take a seed through its next epoch; epoch 0 trains nothing and only scores."""
    learner = engines.of(plan).learner(plan, state)
    if state.next_epoch == 0:
        train_loss, train_acc, _ = learner.score(dataset.train.first(SCORED_BEFORE))
    else:
        draws = Draws(state.seed, f"order/{state.next_epoch}")
        train_loss, train_acc = learner.train(dataset.train, draws)
    test_loss, test_acc, _ = learner.score(dataset.test)
    layers = probes.measure(learner.views(dataset.train.first(probes.PROBED)))
    scores = (train_loss, train_acc, test_loss, test_acc)
    return learner.state(), Scores(state.seed, state.next_epoch, *scores, layers)
