"""Training: against plain PyTorch, against theory, and whoever does the work."""

import dataclasses
from typing import get_args

import numpy as np
import pytest
import torch

from stages import network, params
from stages.params import Network, Training
from stages.seeds import generator
from stages.training import Study, initial_state, run_epoch, train
from tests import reference
from tests.reference import OPTIMIZERS, tensors, with_start


@pytest.fixture
def study(lecture) -> Study:
    return lecture


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-4)])
def test_an_epoch_is_that_of_plain_pytorch(study, activation, optimizer, dtype, tolerance):
    study = dataclasses.replace(
        study,
        network=Network(hidden=[32, 16], activation=activation),
        training=Training(epochs=1, batch_size=64, **OPTIMIZERS[optimizer]),
    )
    for seed in (0, 1):
        state, _ = run_epoch(study, initial_state(study, seed, dtype))
        start = network.Tensors(study.sizes, torch.from_numpy(state.weights))
        model = reference.sequential(start, activation)
        state, row = run_epoch(study, state)
        order = torch.randperm(3250, generator=generator(seed, "order/1"))
        scores = reference.train_epoch(
            model, reference.optimizer(model, study.training), study.train, order, 64
        )
        assert (row.train_loss, row.train_acc) == pytest.approx(scores, abs=tolerance)
        assert state.steps == 51
        for (name, ours), theirs in zip(
            tensors(study, state).items(), model.parameters(), strict=True
        ):
            assert (ours - theirs.detach()).abs().max() <= tolerance, name


@pytest.mark.parametrize("workers", [2, 4])
def test_bits_do_not_depend_on_the_number_of_workers(study, workers):
    study = dataclasses.replace(
        study, training=Training(epochs=2, batch_size=64, **OPTIMIZERS["adam"])
    )
    alone, shared = (collect(study, 3, n) for n in (1, workers))
    assert alone.keys() == shared.keys() == {(s, e) for s in range(3) for e in range(3)}
    for key, (state, row) in alone.items():
        assert row == shared[key][1]
        assert np.array_equal(state.weights, shared[key][0].weights)


@pytest.mark.parametrize("seeds", [5, 20])
def test_a_seed_has_the_same_bits_alone_and_among_others(study, seeds):
    one, many = collect(study, 1, 1), collect(study, seeds, 2)
    for key, (state, row) in one.items():
        assert row == many[key][1]
        assert np.array_equal(state.weights, many[key][0].weights)


def collect(study: Study, seeds: int, workers: int) -> dict:
    return {(row.seed, row.epoch): (state, row) for state, row in train(study, seeds, workers)}


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
def test_fifty_layers_train_as_in_plain_pytorch(study, activation):
    study = dataclasses.replace(
        with_start(study, all={"weight": "orthogonal"}),
        network=Network(hidden=[16] * 50, activation=activation),
        train=study.train.first(200),
    )
    state, _ = run_epoch(study, initial_state(study, 0, torch.float64))
    start = network.Tensors(study.sizes, torch.from_numpy(state.weights))
    model = reference.sequential(start, activation)
    state, _ = run_epoch(study, state)
    order = torch.randperm(200, generator=generator(0, "order/1"))
    optimizer = reference.optimizer(model, study.training)
    reference.train_epoch(model, optimizer, study.train, order, 64)
    for ours, theirs in zip(tensors(study, state).values(), model.parameters(), strict=True):
        assert (ours - theirs.detach()).abs().max() <= 1e-10


def test_these_tests_cover_all_that_the_schema_admits():
    assert set(get_args(params.Activation)) == set(network.ACTIVATIONS)
    assert set(get_args(params.Optimizer)) == {o["optimizer"] for o in OPTIMIZERS.values()}


def test_the_order_is_new_every_epoch_and_for_every_seed():
    orders = [
        torch.randperm(100, generator=generator(s, f"order/{e}")) for s in (0, 1) for e in (1, 2)
    ]
    assert len({tuple(order.tolist()) for order in orders}) == 4


def test_the_real_thing_learns(study):
    state, before = run_epoch(study, initial_state(study, 0))
    _, after = run_epoch(study, state)
    assert before.test_acc < 0.2
    assert after.test_acc > 0.75
