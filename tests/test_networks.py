"""The networks in stages/networks: shapes, names, training, and the facts in their docstrings."""

import ast
import copy
import importlib
import math
from pathlib import Path

import pytest
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(
    p for folder in ("networks", "datasets") for p in (ROOT / "stages" / folder).glob("*.py")
)
IMAGES, PHOTOGRAPHS, SEQUENCES, FEATURES = (1, 28, 28), (3, 32, 32), (1, 40), (12,)
VARIANTS = [
    ("residual", {}),
    ("residual", {"norm": "batch", "scale": 0.5}),
    ("residual", {"norm": "layer"}),
    ("convolutional", {}),
    ("convolutional", {"channels": [8], "norm": "batch"}),
    ("convolutional", {"norm": "batch", "depthwise": True}),
    ("recurrent", {"kind": "rnn"}),
    ("recurrent", {"kind": "gru", "layers": 2}),
    ("recurrent", {}),
    ("transformer", {}),
    ("transformer", {"norm": "post"}),
    ("adapted", {}),
]


def built(name: str, shape: tuple[int, ...], **arguments) -> nn.Module:
    torch.manual_seed(0)
    return importlib.import_module(f"stages.networks.{name}").build(shape, 10, **arguments)


@pytest.mark.parametrize("shape", [IMAGES, PHOTOGRAPHS, SEQUENCES, FEATURES])
@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_training_lowers_the_loss_and_changes_what_is_trainable(name, arguments, shape):
    if shape == FEATURES and name not in ("residual", "adapted"):
        with pytest.raises(ValueError, match=r"^needs images or sequences.*\(12,\)$"):
            built(name, shape, **arguments)
        return
    network = built(name, shape, **arguments)
    before = copy.deepcopy(network.state_dict())
    x, labels = torch.randn(8, *shape), torch.arange(8)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.002)
    losses = []
    for _ in range(3):  # after the first one, `a` of a low-rank product has no gradient yet
        logits = network(x)
        assert logits.shape == (8, 10)
        losses.append(nn.functional.cross_entropy(logits, labels))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0]
    for key, parameter in network.named_parameters():
        assert torch.equal(parameter, before[key]) != parameter.requires_grad, key


@pytest.mark.parametrize(
    ("name", "arguments", "layers"),
    [
        ("residual", {"blocks": 1, "norm": "layer"},
         "embed blocks.0.norm blocks.0.first blocks.0.last out"),
        ("residual", {"blocks": 1}, "embed blocks.0.first blocks.0.last out"),
        ("convolutional", {"channels": [4, 4]}, "blocks.0.conv blocks.1.conv out"),
        ("convolutional", {"channels": [4, 4], "norm": "batch", "depthwise": True},
         "blocks.0.conv blocks.0.norm blocks.1.depthwise blocks.1.pointwise blocks.1.norm out"),
        ("recurrent", {}, "cell out"),
        ("transformer", {"depth": 1},
         "embed blocks.0.norm1 blocks.0.norm2 blocks.0.attention.qkv blocks.0.attention.proj "
         "blocks.0.first blocks.0.last norm out"),
        ("adapted", {"depth": 1},
         "layers.0.frozen layers.0.a layers.0.b out.frozen out.a out.b"),
    ],
)  # fmt: skip
def test_names_of_layers(name, arguments, layers):
    network = built(name, IMAGES, **arguments)
    found = [key.rpartition(".")[0] for key, _ in network.named_parameters()]
    assert " ".join(dict.fromkeys(filter(None, found))) == layers
    alone = [key for key, _ in network.named_parameters(recurse=False)]
    assert alone == (["positions"] if name == "transformer" else [])


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("residual", {"width": 0}, "width = 0 must be at least 1"),
        ("residual", {"blocks": -1}, "blocks = -1 must be at least 1"),
        ("convolutional", {"channels": []}, "channels = [] must be numbers of at least 1"),
        ("convolutional", {"channels": [4, 0]}, "channels = [4, 0] must be numbers of at least 1"),
        ("recurrent", {"layers": 0}, "layers = 0 must be at least 1"),
        ("transformer", {"depth": 0}, "depth = 0 must be at least 1"),
        ("transformer", {"patch": -4}, "patch = -4 must be at least 1"),
        ("transformer", {"heads": 3}, "heads = 3 must divide width = 64"),
        ("transformer", {"patch": 5}, "patch = 5 must divide the sides of (1, 28, 28)"),
        ("adapted", {"rank": 0}, "rank = 0 must be at least 1"),
    ],
)
def test_wrong_argument_is_one_line(name, arguments, words):
    with pytest.raises(ValueError) as caught:
        built(name, IMAGES, **arguments)
    assert words in str(caught.value) and "\n" not in str(caught.value)


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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_has_at_most_60_lines_of_code(path):
    """Blank lines, imports and docstrings are not counted."""
    text = path.read_text(encoding="utf-8")
    apart = {number for number, line in enumerate(text.splitlines(), 1) if not line.strip()}
    for node in ast.walk(ast.parse(text)):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, (ast.Import, ast.ImportFrom)):
            apart.update(range(node.lineno, node.end_lineno + 1))
    assert len(text.splitlines()) - len(apart) <= 60
