"""What the weights are before training."""

from dataclasses import replace

import pytest
import torch

from docs import plain
from stages.settings import initializers
from stages.settings.params import Initializer
from stages.training.epoch import initial_state
from stages.training.initialization import (
    FUNCTIONS,
    InitializationError,
    initial_weights,
    run,
)
from stages.training.plan import Fill, Plan
from stages.training.seeds import generator
from tests.conftest import plan_of
from tests.oracle import tensors
from tests.starts import ZERO, both
from tools import processors

# As params.yaml has the lecture's four ways to start.
LECTURE = {
    "baseline": {},
    "zero_fc1": {"fc1": ZERO},
    "all_zero": {"all": ZERO},
    "all_ones": {"all": both("ones")},
}


def fill(tensor: torch.Tensor, name: str, **arguments: object) -> None:
    """Fill a tensor as an entry of params.yaml would have it filled."""
    run(
        initializers.resolve(Initializer(name, arguments)),
        tensor,
        generator(0, "test"),
        lambda: pytest.fail("looked at data"),
    )


def refilled(plan: Plan, **fills: Fill) -> Plan:
    """A plan with other fills, unchecked; `out__bias` is out.bias."""
    fills = {name.replace("__", "."): value for name, value in fills.items()}
    return replace(plan, tensors={**plan.tensors, **fills})


def test_the_default_is_that_of_torch_nn_linear():
    """The same bits as nn.Linear gives, from the same random numbers."""
    weights = initial_weights(plan_of(), seed=3)
    for layer, (fan_in, fan_out) in {"fc1": (784, 128), "out": (64, 10)}.items():
        linear = torch.nn.Linear(fan_in, fan_out)
        for kind, parameter in linear.named_parameters():
            purpose = f"default/{layer}.{kind}"
            with torch.random.fork_rng():
                torch.set_rng_state(generator(3, purpose).get_state())
                linear.reset_parameters() if kind == "weight" else parameter.data.uniform_(
                    -(fan_in**-0.5), fan_in**-0.5
                )
            assert torch.equal(weights[f"{layer}.{kind}"], parameter.data)


@pytest.mark.parametrize("start", LECTURE)
def test_the_lectures_starts_are_what_plain_pytorch_makes_of_the_default(start):
    model = plain.network(plain.SIZES)
    model.load_state_dict(initial_weights(plan_of(), seed=0))
    plain.INITIALIZATIONS[start](model)
    ours = initial_weights(plan_of(LECTURE[start]), seed=0)
    assert LECTURE.keys() == plain.INITIALIZATIONS.keys()
    assert all(torch.equal(ours[name], theirs) for name, theirs in model.named_parameters())


def test_seeds_differ_and_repeat():
    first, again, other = (initial_weights(plan_of(), seed) for seed in (0, 0, 1))
    for name, tensor in first.items():
        assert torch.equal(tensor, again[name])
        assert not torch.equal(tensor, other[name])


def test_tensors_of_one_shape_are_filled_from_numbers_of_their_own():
    for variant in ({}, {"all": both({"normal": {"std": 0.1}})}):
        weights = initial_weights(plan_of(variant, network={"hidden": [64, 64, 64]}), seed=0)
        for kind in ("weight", "bias"):
            assert not torch.equal(weights[f"fc2.{kind}"], weights[f"fc3.{kind}"])


def test_variants_are_paired_by_seed():
    """What a variant leaves alone is what the baseline has, bit for bit."""
    baseline = initial_weights(plan_of(), seed=0)
    changed = initial_weights(plan_of({"fc1": {"weight": "normal", "bias": "zeros"}}), seed=0)
    deeper = initial_weights(plan_of(network={"hidden": [128, 64, 32]}), seed=0)
    for name, tensor in baseline.items():
        assert torch.equal(changed[name], tensor) == (not name.startswith("fc1"))
        if not name.startswith("out"):
            assert torch.equal(deeper[name], tensor)


def test_a_layer_comes_before_all_and_that_before_the_default():
    plan = plan_of({"all": {"weight": "zeros"}, "fc2": {"weight": "ones"}})
    weights = initial_weights(plan, seed=0)
    assert not weights["fc1.weight"].any()
    assert (weights["fc2.weight"] == 1).all()
    assert not weights["out.weight"].any()
    assert weights["fc1.bias"].unique().numel() > 100


def test_the_order_of_tensors_in_a_plan_says_nothing():
    plan = plan_of({"all": {"weight": "orthogonal"}, "fc2": {"weight": "lsuv"}})
    backwards = replace(plan, tensors=dict(reversed(plan.tensors.items())))
    weights = initial_weights(plan, seed=0)
    for name, tensor in initial_weights(backwards, seed=0).items():
        assert torch.equal(tensor, weights[name])


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"dirac", "constant"}))
def test_every_function_of_torch_nn_init_fills_as_it_does_itself(name):
    ours, theirs = torch.empty(20, 30), torch.empty(20, 30)
    fill(ours, name)
    with torch.random.fork_rng():
        torch.set_rng_state(generator(0, "test").get_state())
        FUNCTIONS[name](theirs)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (10, 10)])
def test_orthogonal_is_torchs_but_for_rounding(shape):
    ours, theirs = torch.empty(shape), torch.empty(shape)
    fill(ours, "orthogonal", gain=2)
    torch.nn.init.orthogonal_(theirs, gain=2, generator=generator(0, "test"))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_truncated_normal_is_torchs_but_for_rounding():
    asked = {"mean": 1.0, "std": 2.0, "a": -0.5, "b": 2.0}
    ours, theirs = torch.empty(300, 300), torch.empty(300, 300)
    fill(ours, "trunc_normal", **asked)
    torch.nn.init.trunc_normal_(theirs, **asked, generator=generator(0, "test"))
    assert -0.5 <= ours.min() < -0.49 < 1.99 < ours.max() <= 2
    levels = torch.linspace(0, 1, 21)
    torch.testing.assert_close(
        ours.flatten().quantile(levels), theirs.flatten().quantile(levels), rtol=0, atol=0.03
    )


def test_a_normal_truncated_far_out_stays_where_it_may():
    tensor = torch.empty(50, 50)
    fill(tensor, "trunc_normal", a=40, b=41)
    assert 40 <= tensor.min() <= tensor.max() <= 41


def test_sparse_has_as_many_zeros_in_every_column_and_each_elsewhere():
    tensor = torch.empty(30, 40)
    fill(tensor, "sparse", sparsity=0.75, std=0.5)
    assert ((tensor == 0).sum(0) == 23).all()  # 22.5, rounded up
    assert tensor[tensor != 0].std().item() == pytest.approx(0.5, abs=0.1)
    assert len({tuple(column) for column in (tensor == 0).T.tolist()}) > 30


@pytest.mark.parametrize("name", processors.initializer_names())
def test_an_initializer_draws_from_its_own_random_numbers_alone(name):
    asked = initializers.resolve(Initializer(name, processors.ARGUMENTS.get(name, {})))
    filled = []
    for others in (1, 2):
        torch.manual_seed(others)
        tensor = torch.empty(16, 32)
        run(asked, tensor, generator(0, "test"), lambda: torch.eye(32))
        filled.append(tensor)
    assert torch.equal(*filled)


def test_arguments_reach_the_function():
    tensor = torch.empty(200, 300)
    fill(tensor, "normal", mean=2, std=0.5)
    assert tensor.mean().item() == pytest.approx(2, abs=0.01)
    assert tensor.std().item() == pytest.approx(0.5, abs=0.01)
    fill(tensor, "sparse", sparsity=0.9)
    assert (tensor == 0).float().mean().item() == pytest.approx(0.9)


def test_filling_does_not_touch_torchs_own_random_numbers():
    state = torch.random.get_rng_state()
    initial_weights(plan_of({"all": {"weight": "orthogonal"}}), seed=0)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Fill("eye", {}), "2 dimensions"),
        (Fill("constant", {"val": float("nan")}), "not finite"),
        (Fill("normal", {"std": "wide"}), "std"),
    ],
)
def test_a_refusal_tells_the_tensor_in_one_line(asked, words):
    plan = refilled(plan_of({"all": {"weight": "zeros"}}), out__bias=asked)
    with pytest.raises(InitializationError, match=words) as refusal:
        initial_weights(plan, seed=0)
    assert refusal.value.tensor == "out.bias"
    assert "\n" not in str(refusal.value)


def test_a_refusal_without_words_is_one(monkeypatch):
    def silent(tensor: torch.Tensor) -> None:
        raise NotImplementedError

    monkeypatch.setitem(FUNCTIONS, "silent", silent)
    with pytest.raises(InitializationError, match="NotImplementedError"):
        initial_weights(refilled(plan_of(), out__bias=Fill("silent", {})), seed=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_seed_starts_from_these_weights_and_looks_at_the_images(train_images, dtype):
    plan = plan_of({"all": {"weight": "lsuv", "bias": "zeros"}})
    state = initial_state(plan, train_images, 1, dtype)
    expected = initial_weights(plan, 1, train_images.first(512))
    noise = initial_weights(plan, 1)
    for name, tensor in tensors(plan, state).items():
        assert tensor.dtype == dtype
        assert torch.equal(tensor, expected[name].to(dtype))
    assert not torch.equal(expected["fc1.weight"], noise["fc1.weight"])
