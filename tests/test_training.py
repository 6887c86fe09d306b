"""Training: against plain PyTorch, and with any number of workers."""

import os
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from docs import plain
from stages.training import epoch, workers
from stages.training.activations import ACTIVATIONS
from stages.training.data import Dataset
from stages.training.epoch import run_epoch
from stages.training.mlp import engine
from stages.training.seeds import Draws
from tests.conftest import plan_of
from tests.oracle import OPTIMIZERS, batches, moved_at, plain_network, tensors


def plain_optimizer(model: torch.nn.Module, plan) -> torch.optim.Optimizer:
    return plain.optimizer(model, plan.optimizer, plan.lr, plan.momentum)


TORCH = {np.float32: torch.float32, np.float64: torch.float64}


def ordered(dataset: Dataset, plan, seed: int, epoch: int, dtype=np.float64) -> list:
    """The batches of an epoch."""
    order = torch.from_numpy(Draws(seed, f"order/{epoch}").order(len(dataset.train.labels)))
    return batches(dataset.train, order, plan, TORCH[dtype])


@pytest.fixture
def few(dataset) -> Dataset:
    """33 batches of 64 and one of 2: more than are fetched at once."""
    return Dataset(dataset.train.first(2114), dataset.test)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 3e-4)])
def test_epochs_equal_those_of_plain_pytorch(few, activation, optimizer, dtype, tolerance):
    """Two, so that the optimizer's memory has to come along."""
    network_ = {"hidden": [32, 16], "activation": activation}
    plan = plan_of(network=network_, training=OPTIMIZERS[optimizer])
    state = engine.start(plan, few.train, 1, dtype)
    model = plain_network(plan.sizes, activation, state.weights)
    steps = plain_optimizer(model, plan)
    tests = batches(few.test, torch.arange(1000), plan, TORCH[dtype])
    state, _ = run_epoch(plan, few, state)
    for number in (1, 2):
        state, row = run_epoch(plan, few, state)
        scores = plain.train_epoch(model, steps, ordered(few, plan, 1, number, dtype))
        assert (row.seed, row.epoch, state.steps) == (1, number, 34 * number)
        assert (row.train_loss, row.train_acc) == pytest.approx(scores, abs=tolerance)
        assert row.test_acc == pytest.approx(plain.accuracy(model, tests), abs=tolerance)
        for name, theirs in model.named_parameters():
            ours = tensors(plan, state)[name]
            assert (ours - theirs.detach()).abs().max() <= tolerance, name


def test_these_tests_cover_every_activation_and_optimizer():
    assert set(ACTIVATIONS) == set(ACTIVATIONS) == set(plain.ACTIVATIONS)
    assert set(engine.OPTIMIZERS) == {o["optimizer"] for o in OPTIMIZERS.values()}


def test_epoch_0_scores_and_changes_nothing(dataset, monkeypatch):
    monkeypatch.setattr(epoch, "SCORED_BEFORE", 500)
    plan = plan_of()
    first = engine.start(plan, dataset.train, 0, np.float64)
    model = plain_network(plan.sizes, "relu", first.weights)
    state, row = run_epoch(plan, dataset, first)
    assert (row.epoch, state.next_epoch, state.steps, state.moved_at.any()) == (0, 1, 0, False)
    assert np.array_equal(state.weights, state.initial)
    assert not any(moment.any() for moment in state.moments)
    scores = ((row.train_loss, row.train_acc), (row.test_loss, row.test_acc))
    for (loss, acc), images in zip(scores, (dataset.train.first(500), dataset.test), strict=True):
        order = torch.arange(len(images.labels))
        whole = torch.cat([x for x, _ in batches(images, order, plan, torch.float64)])
        expected = torch.nn.functional.cross_entropy(model(whole), images.labels).item()
        assert loss == pytest.approx(expected)
        assert acc == plain.accuracy(model, [(whole, images.labels)])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_step_at_which_a_tensor_first_moves_equals_plain_pytorchs(dataset, optimizer):
    """In networks so narrow that for many an image no gradient arrives in a layer."""
    dataset = Dataset(dataset.train.first(100), dataset.test.first(10))
    plan = plan_of(network={"hidden": [2, 2]}, training=OPTIMIZERS[optimizer] | {"batch_size": 1})
    steps_seen = set()
    for seed in range(5):
        state = engine.start(plan, dataset.train, seed, np.float64)
        model = plain_network(plan.sizes, "relu", state.weights)
        start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        state, _ = run_epoch(plan, dataset, state)
        state, _ = run_epoch(plan, dataset, state)

        steps, expected = plain_optimizer(model, plan), {}
        for step, batch in enumerate(ordered(dataset, plan, seed, 1), start=1):
            plain.train_epoch(model, steps, [batch])
            for name, tensor in model.state_dict().items():
                if not torch.equal(tensor, start[name]):
                    expected.setdefault(name, step)
        assert moved_at(plan, state) == expected
        for name, tensor in model.state_dict().items():
            assert (tensors(plan, state)[name] - tensor).abs().max() < 1e-10
        steps_seen |= set(expected.values())
    assert len(steps_seen) > 2


@pytest.fixture
def very_few(dataset) -> Dataset:
    return Dataset(dataset.train.first(300), dataset.test.first(100))


def collect(plan, dataset, n: int) -> dict:
    return {(row.seed, row.epoch): (state, row) for state, row in workers.train(plan, dataset, n)}


def assert_same_bits(some: dict, others: dict) -> None:
    for key, (state, row) in some.items():
        other, other_row = others[key]
        assert row == other_row
        assert np.array_equal(state.weights, other.weights)
        assert (state.seed, state.next_epoch) == (other.seed, other.next_epoch)


@pytest.mark.parametrize("n", [2, 4])
def test_bits_do_not_depend_on_the_number_of_workers(very_few, n):
    plan = plan_of(seeds=3, training={"epochs": 2})
    alone, shared = (collect(plan, very_few, number) for number in (1, n))
    assert alone.keys() == shared.keys() == {(s, e) for s in range(3) for e in range(3)}
    assert_same_bits(alone, shared)


def slow_epoch(plan, dataset, state):
    time.sleep(0.1)
    return replace(state, next_epoch=state.next_epoch + 1), os.getpid()


@pytest.mark.skipif(sys.platform != "linux", reason="only a forked worker knows the patch")
def test_work_is_done_by_as_many_processes_as_workers(very_few, monkeypatch):
    monkeypatch.setattr(workers, "run_epoch", slow_epoch)
    processes = {process for _, process in workers.train(plan_of(seeds=3), very_few, 2)}
    assert len(processes - {os.getpid()}) == len(processes) == 2


@pytest.mark.slow
def test_workers_that_are_not_forked_give_the_same_bits(very_few, monkeypatch):
    """As on macOS and Windows: each loads torch itself, and receives plan and images."""
    plan = plan_of(seeds=2)
    alone = collect(plan, very_few, 1)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert_same_bits(alone, collect(plan, very_few, 2))
