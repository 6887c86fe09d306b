"""The networks in stages/networks: shapes, names of layers, training and errors."""

import ast
import copy
import importlib
from pathlib import Path

import pytest
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(
    p for folder in ("networks", "datasets") for p in (ROOT / "stages" / folder).glob("*.py")
)
IMAGES, PHOTOGRAPHS, SEQUENCES, FEATURES = (1, 28, 28), (3, 32, 32), (1, 40), (12,)
ANY_SHAPE = ("plain", "residual", "adapted", "mixture", "mup")
VARIANTS = [
    ("plain", {}),
    ("plain", {"activation": "sine", "omega": 2.0, "norm": "layer"}),
    ("plain", {"activation": "selu", "norm": "batch"}),
    ("residual", {}),
    ("residual", {"gain": "scalar", "skip": False}),
    ("residual", {"gain": "batch"}),
    ("residual", {"norm": "batch", "scale": 0.5}),
    ("residual", {"norm": "layer"}),
    ("convolutional", {}),
    ("convolutional", {"channels": [8], "norm": "batch"}),
    ("convolutional", {"norm": "batch", "depthwise": True}),
    ("convolutional", {"groups": 4, "stride": 1, "last_relu": True}),
    ("convolutional", {"groups": 4, "depthwise": True}),
    ("recurrent", {"kind": "rnn", "patch": 4}),
    ("recurrent", {"kind": "gru", "layers": 2}),
    ("recurrent", {}),
    ("transformer", {}),
    ("transformer", {"norm": "post"}),
    ("transformer", {"packed": False, "registers": 2, "gain": "scalar"}),
    ("adapted", {}),
    ("tokens", {"stride": 16}),
    ("tokens", {"stride": 16, "tied": False}),
    ("mixture", {}),
    ("mup", {"width": 128}),
]


def built(name: str, shape: tuple[int, ...], **arguments) -> nn.Module:
    torch.manual_seed(0)
    return importlib.import_module(f"stages.networks.{name}").build(shape, 10, **arguments)


@pytest.mark.parametrize("shape", [IMAGES, PHOTOGRAPHS, SEQUENCES, FEATURES])
@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_training_lowers_the_loss_and_changes_what_is_trainable(name, arguments, shape):
    one_channel = name == "tokens" and shape[0] != 1
    if one_channel or (shape == FEATURES and name not in ANY_SHAPE):
        with pytest.raises(ValueError, match=r"^needs images or sequences.*; an example is \(\d"):
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
        ("residual", {"blocks": 1, "gain": "scalar"},
         "embed blocks.0.first blocks.0.last blocks.0.gain out"),
        ("plain", {"depth": 2, "norm": "batch"},
         "blocks.0.linear blocks.0.norm blocks.1.linear blocks.1.norm out"),
        ("convolutional", {"channels": [4, 4]}, "blocks.0.conv blocks.1.conv out"),
        ("convolutional", {"channels": [4, 4], "norm": "batch", "depthwise": True},
         "blocks.0.conv blocks.0.norm blocks.1.depthwise blocks.1.pointwise blocks.1.norm out"),
        ("recurrent", {}, "cell out"),
        ("transformer", {"depth": 1},
         "embed blocks.0.norm1 blocks.0.norm2 blocks.0.attention.qkv blocks.0.attention.proj "
         "blocks.0.first blocks.0.last norm out"),
        ("transformer", {"depth": 1, "packed": False, "registers": 1, "gain": "scalar"},
         "embed blocks.0.norm1 blocks.0.norm2 blocks.0.attention.q blocks.0.attention.k "
         "blocks.0.attention.v blocks.0.attention.proj blocks.0.first blocks.0.last "
         "blocks.0.gain1 blocks.0.gain2 norm out"),
        ("adapted", {"depth": 1},
         "layers.0.frozen layers.0.a layers.0.b out.frozen out.a out.b"),
        ("tokens", {"depth": 1},
         "embed blocks.0.norm1 blocks.0.norm2 blocks.0.attention.qkv blocks.0.attention.proj "
         "blocks.0.first blocks.0.last norm"),
        ("mixture", {"experts": 2},
         "gate experts.0.first experts.0.last experts.1.first experts.1.last"),
        ("mup", {}, "embed blocks.0 blocks.1 out"),
    ],
)  # fmt: skip
def test_names_of_layers(name, arguments, layers):
    network = built(name, IMAGES, **arguments)
    found = [key.rpartition(".")[0] for key, _ in network.named_parameters()]
    assert " ".join(dict.fromkeys(filter(None, found))) == layers
    alone = [key for key, _ in network.named_parameters(recurse=False)]
    learned = ["positions"] if name in ("transformer", "tokens") else []
    assert alone == learned + (["registers"] if "registers" in arguments else [])


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("residual", {"width": 0}, "width = 0 must be at least 1"),
        ("residual", {"blocks": -1}, "blocks = -1 must be at least 1"),
        ("plain", {"depth": 0}, "depth = 0 must be at least 1"),
        ("convolutional", {"groups": 3}, "groups = 3 must divide all of channels = [16, 32, 32]"),
        ("convolutional", {"stride": 0}, "stride = 0 must be at least 1"),
        ("convolutional", {"channels": []}, "channels = [] must be numbers of at least 1"),
        ("convolutional", {"channels": [4, 0]}, "channels = [4, 0] must be numbers of at least 1"),
        ("recurrent", {"layers": 0}, "layers = 0 must be at least 1"),
        ("recurrent", {"patch": 3}, "patch = 3 must divide the 28 steps of (1, 28, 28)"),
        ("transformer", {"registers": -1}, "registers = -1 must not be below 0"),
        ("transformer", {"depth": 0}, "depth = 0 must be at least 1"),
        ("transformer", {"patch": -4}, "patch = -4 must be at least 1"),
        ("transformer", {"heads": 3}, "heads = 3 must divide width = 64"),
        ("transformer", {"patch": 5}, "patch = 5 must divide the sides of (1, 28, 28)"),
        ("adapted", {"rank": 0}, "rank = 0 must be at least 1"),
        ("tokens", {"vocabulary": 9}, "vocabulary = 9 must be at least 10, one per class"),
        ("mixture", {"experts": 0}, "experts = 0 must be at least 1"),
        ("mup", {"base": 0}, "base = 0 must be at least 1"),
    ],
)
def test_wrong_argument_is_one_line(name, arguments, words):
    with pytest.raises(ValueError) as caught:
        built(name, IMAGES, **arguments)
    assert words in str(caught.value) and "\n" not in str(caught.value)


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
