"""What theory predicts for initializations, on real data: which tensors move, which never do."""

import numpy as np
import pytest
import torch

from docs import plain
from stages.training.data import Dataset
from stages.training.epoch import Scores, run_epoch
from stages.training.mlp import engine, layout
from stages.training.mlp.engine import State
from stages.training.plan import Plan
from stages.training.seeds import Draws
from tests.conftest import plan_of
from tests.initializations import STUCK, ZERO, constant
from tests.oracle import OPTIMIZERS, batches, moved_at, tensors

ALL = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "out.weight", "out.bias"]

# For every initialization: the step at which each tensor moves first; None: it never does.
NEVER = dict.fromkeys(ALL)
AT_ONCE = dict.fromkeys(ALL, 1)
MOVES = {
    "all zero": (STUCK["all zero"], NEVER | {"out.bias": 1}),
    "fc1 zero": (STUCK["fc1 zero"], NEVER | {"fc2.bias": 1, "out.weight": 1, "out.bias": 1}),
    "fc2 zero": (STUCK["fc2 zero"], NEVER | {"out.bias": 1}),
    "out zero": ({"out": ZERO}, dict.fromkeys(ALL, 2) | {"out.weight": 1, "out.bias": 1}),
    "fc1.weight zero": ({"fc1": {"weight": "zeros"}}, AT_ONCE),
    "weights zero": (
        {"all": {"weight": "zeros"}},
        {
            "out.weight": 1, "out.bias": 1, "fc2.weight": 2, "fc2.bias": 2,
            "fc1.weight": 3, "fc1.bias": 3,
        },
    ),
    "constant above 0": ({"all": constant(0.1)}, AT_ONCE),
    "constant below 0": (STUCK["constant below 0"], NEVER | {"out.bias": 1}),
    "constant in fc1": ({"fc1": constant(0.1)}, AT_ONCE),
    "PyTorch's default": ({}, AT_ONCE),
}  # fmt: skip


def after_an_epoch(
    plan: Plan, dataset: Dataset, dtype: type = np.float32
) -> tuple[State, State, Scores]:
    """Seed 0 before training and after one epoch, and what was then measured."""
    first = engine.start(plan, dataset.train, 0, dtype)
    state, _ = run_epoch(plan, dataset, first)
    return first, *run_epoch(plan, dataset, state)


@pytest.mark.parametrize("start", MOVES)
def test_tensors_move_at_the_predicted_step_or_never(dataset, start):
    """Bit for bit: by the weights, the optimizer's moments and the probes."""
    variant, expected = MOVES[start]
    plan = plan_of(variant)
    first, state, row = after_an_epoch(plan, dataset)
    before, after = tensors(plan, first), tensors(plan, state)
    assert moved_at(plan, state) == {name: step for name, step in expected.items() if step}
    probed = {layer.layer: layer for layer in row.layers}
    # Adam's moments are sums over all gradients so far: 0 where every one was exactly 0.
    moments = [layout.named(plan.sizes, moment) for moment in state.moments]
    for name, step in expected.items():
        layer, kind = name.split(".")
        move = (after[name] - before[name]).abs().max().item()
        assert getattr(probed[layer], f"{kind}_moved_at") == step
        assert getattr(probed[layer], f"{kind}_move") == pytest.approx(move)
        if step is None:
            assert torch.equal(after[name], before[name])
            assert all(moment[name].count_nonzero() == 0 for moment in moments)
            assert getattr(probed[layer], f"{kind}_gradient_zeros") == 1
            assert getattr(probed[layer], f"{kind}_gradient_norm") == 0
        else:
            assert not torch.equal(after[name], before[name])
            assert all(moment[name].count_nonzero() > 0 for moment in moments)


@pytest.mark.parametrize("start", STUCK)
def test_a_network_blind_to_its_input_answers_one_digit(dataset, start):
    plan = plan_of(STUCK[start])
    _, state, row = after_an_epoch(plan, dataset)
    answer = engine.learner(plan, state).score(dataset.test)[2].argmax(1).unique()
    assert len(answer) == 1
    frequency = (dataset.test.labels == answer).double().mean().item()
    assert row.test_acc == pytest.approx(frequency)
    assert row.layers[-1].signal_std == 0


def test_with_fc1_zero_only_units_of_fc2_with_a_positive_bias_move(dataset):
    """And the columns of out.weight that read them."""
    plan = plan_of({"fc1": ZERO})
    first, state, _ = after_an_epoch(plan, dataset)
    before, after = tensors(plan, first), tensors(plan, state)
    awake = before["fc2.bias"] > 0
    assert 0 < awake.sum() < len(awake)
    assert torch.equal(after["fc2.bias"] != before["fc2.bias"], awake)
    assert torch.equal((after["out.weight"] != before["out.weight"]).any(0), awake)


@pytest.mark.parametrize(
    ("widths", "copies"), [((1, 1), (128, 64)), ((64, 32), (2, 2))], ids=["constant", "duplicated"]
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_equal_units_train_as_one_unit_that_counts_for_all(dataset, widths, copies, optimizer):
    """A constant network is 784-1-1-10 in disguise: 807 numbers. One of duplicates is half as wide.

    The oracle is the small network, where unit i stands for `copies` equal ones. Its
    shared weight's gradient is the sum of theirs, so each of them has its share of it.
    """
    plan = plan_of(training=OPTIMIZERS[optimizer])
    state = engine.start(plan, dataset.train, 0, np.float64)
    random = torch.Generator().manual_seed(0)
    (first, second), (m, n) = widths, copies
    shapes = [(first, 784), (first,), (second, first), (second,), (10, second), (10,)]
    small = [torch.rand(shape, generator=random, dtype=torch.float64) * 0.02 for shape in shapes]
    if widths == (1, 1):
        small = [torch.full_like(tensor, 0.01) for tensor in small]
    repeats = [(m, 1), (m,), (n, m), (n,), (1, n), (1,)]
    for tensor, shared, repeat in zip(tensors(plan, state).values(), small, repeats, strict=True):
        tensor.copy_(shared.repeat(repeat))

    state, _ = run_epoch(plan, dataset, state)
    state, _ = run_epoch(plan, dataset, state)

    shares = [np.prod(repeat) for repeat in repeats]
    small = torch.nn.ParameterList(small)
    steps = plain.optimizer(small, plan.optimizer, plan.lr, plan.momentum)
    order = torch.from_numpy(Draws(0, "order/1").order(3250))
    for x, labels in batches(dataset.train, order, plan, torch.float64):
        w1, b1, w2, b2, w3, b3 = small
        h1 = torch.relu(x @ w1.T + b1)
        h2 = torch.relu(m * h1 @ w2.T + b2)
        logits = n * h2 @ w3.T + b3
        steps.zero_grad()
        torch.nn.functional.cross_entropy(logits, labels).backward()
        for tensor, share in zip(small, shares, strict=True):
            tensor.grad /= float(share)
        steps.step()

    after = tensors(plan, state)
    for (name, tensor), shared, repeat in zip(after.items(), small, repeats, strict=True):
        difference = (tensor - shared.detach().repeat(repeat)).abs().max()
        assert difference <= 1e-9, name
