"""What the weights are before training."""

import pytest
import torch

from stages.initializers import FUNCTIONS, InitializerError, fill, initial_weights
from stages.params import Initializer, Variant
from stages.seeds import generator

SIZES = [784, 128, 64, 10]


def variant(**entries: dict) -> Variant:
    """A variant from what params.yaml has for it."""
    return Variant.model_validate(entries)


def test_the_default_is_that_of_torch_nn_linear():
    """The same bits as nn.Linear gives, from the same random numbers."""
    weights = initial_weights(SIZES, Variant(), seed=3)
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


def test_seeds_differ_and_repeat():
    first, again, other = (initial_weights(SIZES, Variant(), seed) for seed in (0, 0, 1))
    for name, tensor in first.items():
        assert torch.equal(tensor, again[name])
        assert not torch.equal(tensor, other[name])


def test_variants_are_paired_by_seed():
    """What a variant leaves alone is what the baseline has, bit for bit."""
    baseline = initial_weights(SIZES, Variant(), seed=0)
    zero_fc1 = variant(fc1={"weight": "zeros", "bias": "zeros"})
    changed = initial_weights(SIZES, zero_fc1, seed=0)
    deeper = initial_weights([784, 128, 64, 32, 10], Variant(), seed=0)
    for name, tensor in baseline.items():
        if name.startswith("fc1"):
            assert not changed[name].any()
        else:
            assert torch.equal(changed[name], tensor)
        if not name.startswith("out"):
            assert torch.equal(deeper[name], tensor)


def test_a_layer_comes_before_all_and_that_before_the_default():
    ones_between = variant(all={"weight": "zeros"}, fc2={"weight": "ones"})
    weights = initial_weights(SIZES, ones_between, seed=0)
    assert not weights["fc1.weight"].any()
    assert (weights["fc2.weight"] == 1).all()
    assert not weights["out.weight"].any()
    assert weights["fc1.bias"].unique().numel() > 100


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"dirac", "constant", "sparse"}))
def test_every_function_of_torch_nn_init_fills_as_it_does_itself(name):
    ours, theirs = torch.empty(20, 30), torch.empty(20, 30)
    fill(ours, Initializer(name, {}), generator(0, "test"))
    with torch.random.fork_rng():
        torch.set_rng_state(generator(0, "test").get_state())
        FUNCTIONS[name](theirs)
    assert torch.equal(ours, theirs)


def test_arguments_reach_the_function():
    tensor = torch.empty(200, 300)
    fill(tensor, Initializer("normal", {"mean": 2.0, "std": 0.5}), generator(0, "test"))
    assert tensor.mean().item() == pytest.approx(2, abs=0.01)
    assert tensor.std().item() == pytest.approx(0.5, abs=0.01)
    fill(tensor, Initializer("sparse", {"sparsity": 0.9}), generator(0, "test"))
    assert (tensor == 0).float().mean().item() == pytest.approx(0.9)


def test_filling_does_not_touch_torchs_own_random_numbers():
    state = torch.random.get_rng_state()
    initial_weights(SIZES, variant(all={"weight": "orthogonal"}), seed=0)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_refusal_tells_which_entry_of_the_variant():
    wrong = variant(all={"weight": "zeros"}, out={"bias": "eye"})
    with pytest.raises(InitializerError) as refusal:
        initial_weights(SIZES, wrong, seed=0)
    assert refusal.value.key == "out.bias"
