"""Training: against plain PyTorch, against theory, and whoever does the work."""

import dataclasses
from typing import get_args

import numpy as np
import pytest
import torch

from stages import network, params
from stages.params import Network, Training, Variant
from stages.seeds import generator
from stages.training import Study, initial_state, run_epoch, train
from tests import reference

OPTIMIZERS = {
    "adam": {"optimizer": "adam", "lr": 0.001},
    "sgd": {"optimizer": "sgd", "lr": 0.05},
    "sgd with momentum": {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9},
}


@pytest.fixture
def study(train_images, test_images) -> Study:
    """The lecture's network on the first 3,250 images: 50 batches of 64, and one of 50."""
    return Study(
        variant=Variant(),
        network=Network(hidden=[128, 64], activation="relu"),
        training=Training(epochs=1, batch_size=64, **OPTIMIZERS["adam"]),
        train=train_images.first(3250),
        test=test_images.first(1000),
    )


def with_start(study: Study, **entries: dict) -> Study:
    return dataclasses.replace(study, variant=Variant.model_validate(entries))


def tensors(study: Study, state) -> dict[str, torch.Tensor]:
    return network.Tensors(study.sizes, torch.from_numpy(state.weights)).named()


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


ZEROS = {"weight": "zeros", "bias": "zeros"}
NEVER_MOVE = {
    "all_zero": (
        {"all": ZEROS},
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "out.weight"],
        ["out.bias"],
    ),
    "zero_fc1": (
        {"fc1": ZEROS},
        ["fc1.weight", "fc1.bias", "fc2.weight"],
        ["fc2.bias", "out.weight", "out.bias"],
    ),
}


@pytest.mark.parametrize("name", NEVER_MOVE)
def test_who_never_moves_keeps_every_bit(study, name):
    entries, still, moving = NEVER_MOVE[name]
    study = with_start(study, **entries)
    start = initial_state(study, 0)
    before = tensors(study, start)
    state, _ = run_epoch(study, start)
    state, row = run_epoch(study, state)
    after = tensors(study, state)
    assert [n for n in before if torch.equal(before[n], after[n])] == still
    assert [n for n in before if not torch.equal(before[n], after[n])] == moving
    # Adam's moments are sums over all gradients so far: 0 where every one was exactly 0.
    for moment in state.moments:
        named = network.Tensors(study.sizes, torch.from_numpy(moment)).named()
        assert all(named[n].count_nonzero() == 0 for n in still)
        assert all(named[n].count_nonzero() > 0 for n in moving)
    # Blind to its input, the network says one digit for every image.
    counts = torch.bincount(study.test.labels, minlength=10)
    assert round(row.test_acc * len(study.test.labels)) in counts


CONSTANT = {"constant": {"val": 0.01}}


@pytest.mark.parametrize(
    ("entries", "dtype"),
    [
        ({"all": ZEROS}, torch.float32),
        ({"out": ZEROS}, torch.float32),
        ({"all": {"weight": CONSTANT, "bias": CONSTANT}}, torch.float32),
        # Ones make logits of 10⁶, so large that float32 rounds equal ones apart.
        ({"all": {"weight": "ones", "bias": "ones"}}, torch.float64),
    ],
)
def test_the_loss_before_training_is_ln_10_where_all_logits_are_equal(study, entries, dtype):
    study = with_start(study, **entries)
    _, row = run_epoch(study, initial_state(study, 0, dtype))
    assert row.epoch == 0
    assert row.train_loss == pytest.approx(np.log(10), abs=1e-6)
    assert row.test_loss == pytest.approx(np.log(10), abs=1e-6)


@pytest.mark.parametrize("value", [0.01, 1.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-11)])
def test_units_that_start_equal_stay_equal(study, value, dtype, tolerance):
    """Over 10 steps, up to rounding: equal sums in other places of a matrix round apart.

    Adam makes more of it than 1e-16: it divides the gradients, and with them the part of
    their sums that should have cancelled, by their own size. Measured: 3e-12.
    """
    constant = {"constant": {"val": value}}
    study = with_start(study, all={"weight": constant, "bias": constant})
    study = dataclasses.replace(study, train=study.train.first(640))
    state, _ = run_epoch(study, initial_state(study, 0, dtype))
    state, _ = run_epoch(study, state)
    for name in ("fc1.weight", "fc2.weight"):
        tensor = tensors(study, state)[name]
        assert (tensor - tensor[0]).abs().max() / tensor.abs().max() <= tolerance, name
    net = network.Tensors(study.sizes, torch.from_numpy(state.weights))
    logits = network.predict(net, "relu", study.test).double()
    singular = torch.linalg.svdvals(logits - logits.mean(0))
    assert singular[1] <= tolerance * max(singular[0], logits.abs().max())


@pytest.mark.parametrize(
    ("widths", "copies"), [((1, 1), (128, 64)), ((64, 32), (2, 2))], ids=["constant", "duplicated"]
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_equal_units_train_as_one_unit_that_counts_for_all(study, widths, copies, optimizer):
    """A constant network is 784-1-1-10 in disguise, and one of duplicates half as wide.

    The oracle is the small network, where unit i stands for `copies` equal ones. Its
    shared weight's gradient is the sum of theirs, so each of them has its share of it.
    """
    training = Training(epochs=1, batch_size=64, **OPTIMIZERS[optimizer])
    study = dataclasses.replace(study, training=training)
    state = initial_state(study, 0, torch.float64)
    random = torch.Generator().manual_seed(0)
    (first, second), (m, n) = widths, copies
    shapes = [(first, 784), (first,), (second, first), (second,), (10, second), (10,)]
    small = [torch.rand(shape, generator=random, dtype=torch.float64) * 0.02 for shape in shapes]
    if widths == (1, 1):
        small = [torch.full_like(tensor, 0.01) for tensor in small]
    repeats = [(m, 1), (m,), (n, m), (n,), (1, n), (1,)]
    for tensor, shared, repeat in zip(tensors(study, state).values(), small, repeats, strict=True):
        tensor.copy_(shared.repeat(repeat))

    state, _ = run_epoch(study, state)
    state, _ = run_epoch(study, state)

    shares = [np.prod(repeat) for repeat in repeats]
    for tensor in small:
        tensor.requires_grad_()
    kind = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[training.optimizer]
    options = {"momentum": training.momentum} if training.optimizer == "sgd" else {}
    steps = kind(small, lr=training.lr, **options)
    order = torch.randperm(3250, generator=generator(0, "order/1"))
    for batch in order.split(64):
        x = (study.train.pixels[batch].double() / 255 - 0.1307) / 0.3081
        w1, b1, w2, b2, w3, b3 = small
        h1 = torch.relu(x @ w1.T + b1)
        h2 = torch.relu(m * h1 @ w2.T + b2)
        logits = n * h2 @ w3.T + b3
        steps.zero_grad()
        torch.nn.functional.cross_entropy(logits, study.train.labels[batch]).backward()
        for tensor, share in zip(small, shares, strict=True):
            tensor.grad /= float(share)
        steps.step()

    after = tensors(study, state)
    for (name, tensor), shared, repeat in zip(after.items(), small, repeats, strict=True):
        difference = (tensor - shared.detach().repeat(repeat)).abs().max()
        assert difference <= 1e-9, name


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
