"""The weights before training."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch

from docs import plain
from stages.settings import initializers
from stages.training.initialization import FUNCTIONS, InitializationError, run
from stages.training.mlp.engine import initial_weights, start
from stages.training.plan import Fill
from stages.training.seeds import Draws
from tests.conftest import plan_of
from tests.initializations import ZERO, both
from tests.oracle import tensors
from tools import processors

# The lecture's four initializations, as in params.yaml.
LECTURE = {
    "baseline": {},
    "zero_fc1": {"fc1": ZERO},
    "all_zero": {"all": ZERO},
    "all_ones": {"all": both("ones")},
}


def fill(tensor: torch.Tensor, name: str, **arguments: object) -> None:
    """Fill a tensor as an entry of params.yaml does."""
    resolved = initializers.resolve(Fill(name, arguments), "all.weight")
    run(resolved, tensor, {"draws": lambda: Draws(0, "test")})


@pytest.mark.parametrize("name", LECTURE)
def test_lectures_initializations_equal_those_of_plain_pytorch(name):
    model = plain.network(plain.SIZES)
    model.load_state_dict(initial_weights(plan_of(), seed=0))
    plain.INITIALIZATIONS[name](model)
    ours = initial_weights(plan_of(LECTURE[name]), seed=0)
    assert LECTURE.keys() == plain.INITIALIZATIONS.keys()
    assert all(torch.equal(ours[tensor], values) for tensor, values in model.named_parameters())


def test_tensors_of_one_shape_get_different_numbers():
    for variant in ({}, {"all": both({"normal": {"std": 0.1}})}):
        weights = initial_weights(plan_of(variant, network={"hidden": [64, 64, 64]}), seed=0)
        for kind in ("weight", "bias"):
            assert not torch.equal(weights[f"fc2.{kind}"], weights[f"fc3.{kind}"])


def test_tensors_that_a_variant_leaves_unchanged_equal_the_baselines():
    baseline, other = (initial_weights(plan_of(), seed) for seed in (0, 1))
    changed = initial_weights(plan_of({"fc1": {"weight": "normal", "bias": "zeros"}}), seed=0)
    deeper = initial_weights(plan_of(network={"hidden": [128, 64, 32]}), seed=0)
    for name, tensor in baseline.items():
        assert torch.equal(changed[name], tensor) == (not name.startswith("fc1"))
        assert not torch.equal(other[name], tensor)
        if not name.startswith("out"):
            assert torch.equal(deeper[name], tensor)


# By name: arguments, and those of torch.nn.init's function.
LAWS = {
    **{name: {} for name in sorted(set(FUNCTIONS) - {"dirac", "constant"})},
    "orthogonal": {"gain": 2.0},
    "kaiming_normal": {"mode": "fan_out", "nonlinearity": "relu"},
    "trunc_normal": {"mean": 1.0, "std": 2.0, "a": -0.5, "b": 2.0},
}


@pytest.mark.parametrize("name", LAWS)
def test_functions_of_torch_nn_init_have_the_same_law(name):
    ours, theirs = torch.empty(300, 200), torch.empty(300, 200)
    fill(ours, name, **LAWS[name])
    getattr(torch.nn.init, f"{name}_")(theirs, **LAWS[name])
    if len(theirs.unique()) < 3:
        assert torch.equal(ours, theirs)
    else:
        assert scipy.stats.ks_2samp(ours.flatten(), theirs.flatten()).pvalue > 1e-3


def test_default_has_the_law_of_torch_nn_linear():
    ours = initial_weights(plan_of(), seed=3)
    for name, theirs in torch.nn.Linear(784, 128).named_parameters():
        found = scipy.stats.ks_2samp(ours[f"fc1.{name}"].flatten(), theirs.detach().flatten())
        assert found.pvalue > 1e-3
        assert ours[f"fc1.{name}"].abs().max() < 784**-0.5


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (10, 10)])
def test_rows_or_columns_of_an_orthogonal_matrix_are_orthonormal(shape):
    tensor = torch.empty(shape)
    fill(tensor, "orthogonal", gain=2)
    gram = tensor @ tensor.T if shape[0] <= shape[1] else tensor.T @ tensor
    torch.testing.assert_close(gram, 4 * torch.eye(min(shape)), rtol=0, atol=1e-5)


def test_a_distribution_cut_off_far_out_stays_inside():
    tensor = torch.empty(30, 30)
    fill(tensor, "trunc_normal", a=40, b=41)  # where the distribution rounds to 1
    assert 40 <= tensor.min() <= tensor.max() <= 41


def test_sparse_has_as_many_zeros_in_each_column_at_different_places():
    tensor = torch.empty(30, 40)
    fill(tensor, "sparse", sparsity=0.75, std=0.5)
    assert ((tensor == 0).sum(0) == 23).all()  # 22.5, rounded up
    assert tensor[tensor != 0].std().item() == pytest.approx(0.5, abs=0.1)
    assert len({tuple(column) for column in (tensor == 0).T.tolist()}) > 30


@pytest.mark.parametrize("name", processors.initializer_names())
def test_initializer_draws_from_the_given_stream_alone(name):
    arguments = processors.ARGUMENTS.get(name, {})
    asked = initializers.resolve(Fill(name, arguments), "all.weight")
    filled = []
    for others in (1, 2):
        torch.manual_seed(others)
        tensor = torch.empty(16, 32)
        given = {"draws": lambda: Draws(0, "test"), "inputs": lambda: torch.eye(32)}
        run(asked, tensor, given)
        filled.append(tensor)
    assert torch.equal(*filled)


def test_error_names_the_tensor_in_one_line():
    plan = plan_of({"all": {"weight": "zeros"}})
    nan = Fill("constant", {"val": float("nan")})
    for fill, words in ((Fill("eye", {}), "2 dimensions"), (nan, "not finite")):
        with pytest.raises(InitializationError, match=words) as error:
            initial_weights(replace(plan, tensors={**plan.tensors, "out.bias": fill}), seed=0)
        assert error.value.tensor == "out.bias"
        assert str(error.value).isprintable()
        assert pickle.loads(pickle.dumps(error.value)).tensor == "out.bias"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_starts_from_weights_scaled_by_real_images(train_images, dtype):
    plan = plan_of({"all": {"weight": "lsuv", "bias": "zeros"}})
    state = start(plan, train_images, 1, dtype)
    expected = initial_weights(plan, 1, train_images.first(512))
    noise = initial_weights(plan, 1)
    for name, tensor in tensors(plan, state).items():
        assert torch.equal(tensor, expected[name].to(tensor.dtype))
        assert tensor.numpy().dtype == dtype
    assert not torch.equal(expected["fc1.weight"], noise["fc1.weight"])
