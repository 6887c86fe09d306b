"""The networks in stages/networks compared with the formulas in their docstrings."""

import copy
import math

import pytest
import torch
from torch import nn

from tests.test_networks import FEATURES, IMAGES, PHOTOGRAPHS, SEQUENCES, built


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_residual_block_is_the_identity_without_its_branch(norm):
    x = torch.randn(5, 64)
    assert torch.equal(built("residual", FEATURES, norm=norm, scale=0.0).blocks(x), x)
    network = built("residual", FEATURES, norm=norm)
    assert not torch.allclose(network.blocks(x), x)
    for block in network.blocks:
        nn.init.zeros_(block.last.weight)
        nn.init.zeros_(block.last.bias)
    assert torch.equal(network.blocks(x), x)


@pytest.mark.parametrize("gain", ["scalar", "batch"])
@pytest.mark.parametrize("skip", [True, False])
def test_gain_of_zero_leaves_nothing_but_the_skip_connection(gain, skip):
    x = torch.randn(5, 64)
    network = built("residual", FEATURES, gain=gain, skip=skip)
    assert not torch.allclose(network.blocks(x), x)
    for block in network.blocks:
        nn.init.zeros_(block.gain.weight)
    assert torch.equal(network.blocks(x), x if skip else 0 * x)


def test_scalar_gain_multiplies_a_branch():
    x = torch.randn(5, 64)
    [block] = built("residual", FEATURES, blocks=1, gain="scalar", scale=0.5).blocks
    branch = block(x) - x
    nn.init.constant_(block.gain.weight, 3.0)
    torch.testing.assert_close(block(x) - x, 3 * branch)


@pytest.mark.parametrize(("scale", "low", "high"), [(1.0, 10, math.inf), (1 / 8, 1, 2)])
def test_variance_of_residual_blocks_is_bounded_by_their_scale(scale, low, high):
    x = torch.randn(100, 64)
    assert low < built("residual", FEATURES, blocks=64, scale=scale).blocks(x).var() < high


def test_convolutions_halve_the_resolution_and_have_no_bias_before_a_normalization():
    network = built("convolutional", IMAGES, norm="batch", depthwise=True)
    assert network.blocks(torch.randn(2, *IMAGES)).shape == (2, 32, 7, 7)
    assert network.blocks[1].depthwise.weight.shape == (16, 1, 3, 3)
    assert network.blocks[1].pointwise.weight.shape == (32, 16, 1, 1)
    assert not any(m.bias is not None for m in network.modules() if isinstance(m, nn.Conv2d))


def test_groups_divide_all_convolutions_but_the_first_and_a_stride_of_1_keeps_the_resolution():
    network = built("convolutional", SEQUENCES, channels=[16] * 6, groups=4, stride=1)
    shapes = [tuple(block.conv.weight.shape) for block in network.blocks]
    assert shapes == [(16, 1, 3), *[(16, 4, 3)] * 5]
    assert network.blocks(torch.randn(2, *SEQUENCES)).shape == (2, 16, 40)


def test_last_relu_cuts_off_negative_logits():
    x = torch.randn(5, *SEQUENCES)
    logits = built("convolutional", SEQUENCES)(x)
    assert (logits < 0).any()
    assert torch.equal(built("convolutional", SEQUENCES, last_relu=True)(x), logits.relu())


def test_more_blocks_than_halvings():
    network = built("convolutional", SEQUENCES, channels=[16] * 10)
    assert network.blocks(torch.randn(2, *SEQUENCES)).shape == (2, 16, 1)


ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "selu": torch.selu,
               "sine": lambda x: torch.sin(30 * x)}  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", ["none", "layer"])
def test_plain_network_is_its_formula(activation, norm):
    network = built("plain", FEATURES, depth=2, activation=activation, norm=norm, omega=30.0)
    x = expected = torch.randn(5, *FEATURES)
    for block in network.blocks:
        expected = block.linear(expected)
        if norm == "layer":
            expected = nn.functional.layer_norm(expected, (64,))
        expected = ACTIVATIONS[activation](expected)
    assert torch.equal(network(x), network.out(expected))


def test_patch_of_a_recurrent_network_is_so_many_steps():
    x = torch.randn(4, *PHOTOGRAPHS)
    network = built("recurrent", PHOTOGRAPHS, patch=2)
    pairs = torch.stack([x[:, :, i : i + 2].transpose(1, 2).flatten(1) for i in range(0, 32, 2)], 1)
    torch.testing.assert_close(network(x), network.out(network.cell(pairs)[1][0][0]))


def test_steps_of_a_recurrent_network_are_the_rows():
    x = torch.randn(4, *PHOTOGRAPHS)
    network = built("recurrent", PHOTOGRAPHS)
    rows = torch.stack([x[:, :, i].flatten(1) for i in range(32)], dim=1)
    torch.testing.assert_close(network(x), network.out(network.cell(rows)[1][0][0]))


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_transformer_block_is_its_formula(norm):
    block = built("transformer", IMAGES, norm=norm).blocks[0]
    theirs = nn.TransformerEncoderLayer(
        64, 4, 256, 0.0, "gelu", batch_first=True, norm_first=norm == "pre"
    )
    ours = ("attention.qkv", "attention.proj", "first", "last", "norm1", "norm2")
    attention = ("self_attn.in_proj_", "self_attn.out_proj.")
    names = (*attention, "linear1.", "linear2.", "norm1.", "norm2.")
    values = block.state_dict()
    pairs = [(f"{our}.", their) for our, their in zip(ours, names, strict=True)]
    theirs.load_state_dict(
        {f"{b}{kind}": values[f"{a}{kind}"] for a, b in pairs for kind in ("weight", "bias")}
    )
    x = torch.randn(3, 49, 64)
    torch.testing.assert_close(block(x), theirs(x), rtol=0, atol=1e-5)


def test_only_pre_norm_keeps_a_path_without_normalization():
    x = 3 * torch.randn(3, 49, 64) + 1
    for norm in ("pre", "post"):
        block = built("transformer", IMAGES, norm=norm).blocks[0]
        for layer in (block.attention.proj, block.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        assert torch.equal(block(x), x) == (norm == "pre")


def test_packed_and_separate_attention_are_the_same_function():
    x = torch.randn(3, 5, 64)
    packed = built("transformer", IMAGES).blocks[0].attention
    apart = built("transformer", IMAGES, packed=False).blocks[0].attention
    values = packed.state_dict()
    for kind in ("weight", "bias"):
        split = zip("qkv", values.pop(f"qkv.{kind}").chunk(3), strict=True)
        values |= {f"{letter}.{kind}": part for letter, part in split}
    apart.load_state_dict(values)
    torch.testing.assert_close(apart(x), packed(x))


def test_transformer_block_with_gains_of_zero_is_the_identity():
    block = built("transformer", IMAGES, gain="scalar").blocks[0]
    x = torch.randn(3, 49, 64)
    for number in (1, 2):
        assert not torch.equal(block(x), x)
        nn.init.zeros_(getattr(block, f"gain{number}").weight)
    assert torch.equal(block(x), x)


def test_registers_reach_the_output_only_through_attention():
    x = torch.randn(3, *IMAGES)
    network = built("transformer", IMAGES, registers=2)
    before = network(x)
    nn.init.ones_(network.registers)
    assert not torch.allclose(network(x), before)
    for block in network.blocks:
        nn.init.zeros_(block.attention.proj.weight)
    before = network(x)
    nn.init.normal_(network.registers)
    assert torch.equal(network(x), before)


def test_equal_registers_stay_equal():
    network = built("transformer", IMAGES, registers=2)
    nn.init.ones_(network.registers)
    nn.functional.cross_entropy(network(torch.randn(8, *IMAGES)), torch.arange(8)).backward()
    first, second = network.registers.grad
    assert first.any()
    torch.testing.assert_close(first, second)


def test_tokens_are_bins_of_every_stride_th_value():
    embed = built("tokens", (1, 8), vocabulary=12, width=2).embed
    x = torch.tensor([[[-100.0, 0, -3, 0, -0.01, 0, 0.01, 0, 2.99, 0, 3, 0, 9, 0]]])
    expected = embed.weight[torch.tensor([[0, 0, 5, 6, 11, 11, 11]])]
    assert torch.equal(embed(x), expected)


def test_tied_logits_are_products_with_the_embedding():
    x = torch.randn(3, *SEQUENCES)
    tied = built("tokens", SEQUENCES)
    apart = built("tokens", SEQUENCES, tied=False)
    apart.load_state_dict(tied.state_dict(), strict=False)
    nn.init.zeros_(apart.out.bias)
    with torch.no_grad():
        apart.out.weight.copy_(tied.embed.weight[:10])
    torch.testing.assert_close(tied(x), apart(x))


def test_mixture_weighs_its_experts_by_the_gate():
    x = torch.randn(5, *FEATURES)
    network = built("mixture", FEATURES, experts=3)
    shares = network.gate(x).softmax(1)
    logits = [e.last(e.first(x).relu()) for e in network.experts]
    expected = sum(shares[:, i, None] * logits[i] for i in range(3))
    torch.testing.assert_close(network(x), expected)
    nn.init.zeros_(network.gate.weight)
    network.gate.bias.data = torch.tensor([0.0, 1000, 0])
    torch.testing.assert_close(network(x), logits[1])


def changes(steps: int, **arguments) -> list[float]:
    """How far Adam's steps on random data change the outputs of every layer (root mean square)."""
    network = built("mup", SEQUENCES, **arguments)
    x, labels = torch.randn(64, *SEQUENCES), torch.arange(64) % 10
    seen: dict[str, list] = {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear):
            seen[name] = []
            layer.register_forward_hook(lambda _m, _x, out, name=name: seen[name].append(out))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), labels).backward()
        optimizer.step()
    network(x)
    return [(outputs[-1] - outputs[0]).square().mean().sqrt().item() for outputs in seen.values()]


def test_mup_is_the_standard_network_at_the_base_width():
    mup = built("mup", SEQUENCES, width=32, base=32)
    standard = built("mup", SEQUENCES, width=32, scaling="standard")
    x = torch.randn(4, *SEQUENCES)
    assert all(map(torch.equal, mup.parameters(), standard.parameters()))
    assert torch.equal(mup(x), standard(x))
    assert changes(2, width=32, base=32) == changes(2, width=32, scaling="standard")


def test_mup_starts_with_the_variances_of_its_docstring():
    network = built("mup", SEQUENCES, width=512)
    found = [layer.weight.std().item() for layer in (network.embed, *network.blocks, network.out)]
    effective = [found[0], *(std * 64 / 512 for std in found[1:])]
    assert effective == pytest.approx(
        [40**-0.5, (2 / 512) ** 0.5, (2 / 512) ** 0.5, 64**0.5 / 512], rel=0.03
    )
    assert not any(p.any() for name, p in network.named_parameters() if "bias" in name)


def test_width_changes_the_size_of_updates_only_without_mup():
    """The coordinate check of Yang et al. 2022, appendix D.1."""
    narrow, wide = (changes(5, width=width) for width in (64, 1024))
    assert all(0.5 < b / a < 2 for a, b in zip(narrow, wide, strict=True))
    standard = changes(5, width=1024, scaling="standard")
    assert all(b / a > 4 for a, b in zip(narrow[1:], standard[1:], strict=True))


@pytest.mark.parametrize(
    ("zeros", "is_frozen", "learns"),
    [("b", True, True), ("a", True, True), ("ab", True, False), ("", False, True)],
)
def test_low_rank_product_at_zero(zeros, is_frozen, learns):
    network = built("adapted", FEATURES, alpha=2.0)
    layers = [*network.layers, network.out]
    frozen = nn.Sequential(*(m for layer in layers for m in (layer.frozen, nn.ReLU())))[:-1]
    merged = copy.deepcopy(frozen)
    for layer, linear in zip(layers, merged[::2], strict=True):
        assert not layer.b.weight.any() and layer.a.weight.all()
        for product in ("a", "b"):
            weight = getattr(layer, product).weight
            (nn.init.zeros_ if product in zeros else nn.init.normal_)(weight)
        with torch.no_grad():
            linear.weight += 2.0 / 4 * layer.b.weight @ layer.a.weight
    x = torch.randn(8, *FEATURES)
    assert torch.equal(network(x), frozen(x)) == is_frozen
    torch.testing.assert_close(network(x), merged(x), rtol=1e-4, atol=1e-4)
    nn.functional.cross_entropy(network(x), torch.arange(8)).backward()
    gradients = [p.grad for p in network.parameters() if p.requires_grad]
    assert len(gradients) == 6 and any(g.any() for g in gradients) == learns
