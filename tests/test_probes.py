"""Probes, against brute force and networks with known answers."""

import math

import numpy as np
import pytest
import torch

from stages.training import probes
from stages.training.activations import ACTIVATIONS
from stages.training.initialization import noise
from stages.training.mlp import engine
from tests.conftest import plan_of
from tests.oracle import normalized, plain_network

SIZES = [784, 20, 12, 10]


def learner_of(variant: dict | None = None, activation: str = "relu") -> engine.Learner:
    plan = plan_of(variant, network={"hidden": SIZES[1:-1], "activation": activation})
    return engine.learner(plan, engine.start(plan, noise(SIZES[0]), seed=0))


def measured(learner, images):
    views = learner.views(images.first(probes.PROBED))
    return {layer.layer: layer for layer in probes.measure(views)}


def test_units_that_differ_by_rounding_count_once():
    weight = np.array([[1.0, 2.0], [1.0, 2.0 + 1e-6], [1.0, 2.0 + 1e-4], [1.0, 2.1], [3.0, 0.0]])
    distinct, gap = probes.units(weight, np.zeros(5))
    assert distinct == 4
    assert gap == pytest.approx(2.1 / 3)


def test_a_bias_sets_units_apart():
    weight = np.zeros((3, 5))
    assert probes.units(weight, np.zeros(3)) == (1, 0)
    assert probes.units(weight, np.array([1.0, 2, 2])) == (2, 0.5)


@pytest.mark.parametrize(
    ("matrix", "rank"),
    [
        (np.zeros((4, 6)), 0),
        (np.ones((4, 6)), 1),
        (np.outer(np.arange(1.0, 5), np.arange(6.0)), 1),
        (np.eye(5, 9), 5),
        (1e20 * np.eye(9, 5), 5),
        # singular values 3 and 1: shares 3/4 and 1/4, so exp(¾ ln ⁴⁄₃ + ¼ ln 4) = 4 / 3^¾
        (np.diag([3.0, 1.0]), 4 / 3**0.75),
    ],
)  # fmt: skip
def test_the_effective_rank_of_known_matrices(matrix, rank):
    assert probes.effective_rank(matrix) == pytest.approx(rank)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_gradients_equal_those_of_plain_pytorch(activation, train_images):
    images = train_images.first(probes.PROBED)
    learner = learner_of({"all": {"weight": {"normal": {"std": 0.1}}}}, activation)
    model = plain_network(SIZES, activation, learner.net.weights)
    x = normalized(images.pixels, torch.float32)
    entering, leaving = [], []
    for module in model[1:]:
        x = module(x)
        if isinstance(module, torch.nn.Linear):
            x.retain_grad()
            entering.append(x)
            leaving.append(x)  # of the last layer, which has no activation
        else:
            leaving[-1] = x
    torch.nn.functional.cross_entropy(x, images.labels).backward()

    layers = measured(learner, train_images)
    assert list(layers) == ["fc1", "fc2", "out"]
    for layer, z, a in zip(layers.values(), entering, leaving, strict=True):
        linear, a = model.get_submodule(layer.layer), a.detach()
        outputs = a.double()
        close = {"rel": 1e-4, "abs": 1e-9}
        assert layer.activation_mean == pytest.approx(outputs.mean().item(), **close)
        assert layer.activation_std == pytest.approx(outputs.std(correction=0).item(), **close)
        by_unit = torch.stack([unit.var(correction=0) for unit in outputs.T])
        assert layer.signal_std == pytest.approx(by_unit.mean().sqrt().item(), **close)
        per_image = len(images.labels) * z.grad.double()
        assert layer.gradient_std == pytest.approx(per_image.std(correction=0).item(), **close)
        for kind in ("weight", "bias"):
            grad = getattr(linear, kind).grad
            norm = getattr(layer, f"{kind}_gradient_norm")
            assert norm == pytest.approx(grad.norm().item(), **close)
            zeros = getattr(layer, f"{kind}_gradient_zeros")
            assert zeros == pytest.approx((grad == 0).double().mean().item(), abs=1e-3)
        if activation == "relu" and layer.layer != "out":
            dead = sum((unit == 0).all().item() for unit in a.T)
            assert layer.dead_fraction == pytest.approx(dead / outputs.shape[1])
        else:
            assert layer.dead_fraction is None


def test_a_diverged_network_has_no_gap_and_no_ranks(train_images):
    learner = learner_of()
    learner.net.weights[:] = math.nan
    for layer in measured(learner, train_images).values():
        assert math.isnan(layer.symmetry_gap)
        assert math.isnan(layer.activation_rank)
        assert math.isnan(layer.activation_rank)
