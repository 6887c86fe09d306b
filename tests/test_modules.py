"""Networks from files: training and probes, against plain PyTorch and by hand."""

import math
import pickle
from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from docs import plain
from stages.settings import fields
from stages.training import building, module, probes, workers
from stages.training.activations import ACTIVATIONS
from stages.training.data import Dataset, Images
from stages.training.mlp import engine as mlp
from stages.training.plan import DEFAULT, Fill, Plan
from stages.training.seeds import Draws
from tests.conftest import plan_of
from tests.oracle import OPTIMIZERS

SHAPE, CLASSES = (1, 4, 4), 3


class Do(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Any], Tensor]):
        super().__init__()
        self.forward = function


def chain(**modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(modules))


def planned(monkeypatch, make: Callable[[], nn.Module], **changes: Any) -> Plan:
    """The plan of a network of small images, with fills of some `tensors`."""
    monkeypatch.setattr(building, "function", lambda _: lambda shape, classes: make())
    values: dict[str, Any] = {
        "data": "mnist", "shape": SHAPE, "classes": CLASSES, "examples": 8, "limit": None,
        "seeds": 1, "network": "mine", "hidden": (), "activation": None, "layers": {}, "epochs": 1,
        "batch_size": 4, "optimizer": "sgd", "lr": 0.1, "momentum": 0.0, "tensors": {},
        "files": {}, "packages": {},
    }  # fmt: skip
    plan = Plan(**values | {key: changes[key] for key in changes if key != "tensors"})
    structure = module.structure_of(plan)
    fills = dict.fromkeys(structure.tensors, DEFAULT) | changes.get("tensors", {})
    return replace(plan, layers=structure.layers, tensors=fills)


def noise(n: int) -> Images:
    pixels = Draws(0, "noise").uniform(n, math.prod(SHAPE)) * 256
    return Images(torch.from_numpy(pixels.astype(np.uint8)), torch.arange(n) % CLASSES)


def begun(plan: Plan, images: Images, seed: int = 0) -> module.Learner:
    return module.learner(plan, module.start(plan, images, seed))


# -------------------------------------------------------------------------------------- training

UNIFORM = {"uniform": {"a": -0.1, "b": 0.1}}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_module_trains_and_is_probed_like_the_built_in_network(
    train_images, monkeypatch, activation, optimizer
):
    """After 1 and 51 steps from the same weights, drawn by tensor name."""
    network = {"hidden": [32, 16], "activation": activation}
    start = {"all": {"weight": UNIFORM, "bias": UNIFORM}}
    built_in = plan_of(start, network=network, training=OPTIMIZERS[optimizer])
    own = replace(built_in, network="mine", hidden=(), activation=None)
    net = plain.network(built_in.sizes, activation)
    monkeypatch.setattr(building, "function", lambda _: lambda shape, classes: deepcopy(net))
    images = train_images.first(50 * 64)
    ours = mlp.learner(built_in, mlp.start(built_in, images, 1))
    theirs = begun(own, images, 1)
    for epoch, count in enumerate((64, None)):
        scores = ours.train(images, Draws(1, f"order/{epoch}"), count)
        found = theirs.train(images, Draws(1, f"order/{epoch}"), count)
        assert found == pytest.approx(scores, abs=3e-4)
        assert theirs.score(images)[:2] == pytest.approx(ours.score(images)[:2], abs=3e-4)
        initial, now = mlp.tensors_of(built_in, ours.state())
        first, then = module.tensors_of(own, theirs.state())
        for name, tensor in now.items():
            assert torch.equal(first[name], initial[name])
            assert (then[name] - tensor).abs().max() <= 3e-4, name
        views = (learner.views(images.first(256)) for learner in (ours, theirs))
        for one, other in zip(*map(probes.measure, views), strict=True):
            for column, value in vars(one).items():
                # A file's layer ends before its activation, unless that is the identity.
                after = column.startswith(("activation", "signal", "dead"))
                if not after or (activation == "linear" and column != "dead_fraction"):
                    numeric = isinstance(value, float)
                    alike = pytest.approx(value, rel=1e-2, abs=1e-3) if numeric else value
                    assert getattr(other, column) == alike, (one.layer, column)


@pytest.mark.parametrize("name", module.OPTIMIZERS)
def test_weight_decay_and_momentum_are_those_of_torch_optim(monkeypatch, name):
    momentum = {"momentum": 0.9} if name == "sgd" else {}
    plan = planned(
        monkeypatch, lambda: plain.network([16, 8, 3]),
        optimizer=name, lr=0.01, weight_decay=0.1, **momentum,
    )  # fmt: skip
    learner, images = begun(plan, noise(22)), noise(22)  # the last batch is smaller
    model = plain.network([16, 8, 3])
    model.load_state_dict(learner.net.state_dict())
    optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name]
    steps = optimizer(model.parameters(), lr=0.01, weight_decay=0.1, **momentum)
    order = torch.from_numpy(Draws(0, "order").order(22))
    x = module.examples(plan, images)
    expected = plain.train_epoch(model, steps, [(x[r], images.labels[r]) for r in order.split(4)])
    assert learner.train(images, Draws(0, "order")) == pytest.approx(expected, rel=1e-5)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(learner.net.state_dict()[name], tensor)


def test_every_optimizer_that_params_yaml_can_name_is_tested():
    assert set(get_args(fields.Optimizer)) == set(module.OPTIMIZERS)


def noisy_network() -> nn.Module:
    return chain(
        conv=nn.Conv2d(1, 4, 3), norm=nn.BatchNorm2d(4), relu=nn.ReLU(inplace=True),
        flat=nn.Flatten(), drop=nn.Dropout(0.3), out=nn.Linear(16, CLASSES),
    )  # fmt: skip


def test_halves_of_a_training_and_views_between_change_no_bit(monkeypatch):
    plan = planned(monkeypatch, noisy_network, optimizer="adamw", weight_decay=0.01)
    images, ends = noise(22), []
    for halves in (False, True):
        learner = begun(plan, images)
        for epoch in range(2):
            torch.manual_seed(epoch + 5 * halves)  # which the training must not depend on
            learner.train(images, Draws(0, f"order/{epoch}"))
            if halves:
                learner.views(images)
                state = pickle.loads(pickle.dumps(learner.state()))
                assert (state.seed, state.next_epoch) == (0, epoch + 1)
                learner = module.learner(plan, state)
        final = learner.state()
        ends.append((module.tensors_of(plan, final), learner.score(images), learner.views(images)))
        assert (learner.steps, len(learner.moved)) == (12, 6)
    (tensors, scores, views), (others, other_scores, other_views) = ends
    for ours, theirs in zip(tensors, others, strict=True):
        assert ours.keys() == theirs.keys() > plan.tensors.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert scores[:2] == other_scores[:2] and torch.equal(scores[2], other_scores[2])
    assert repr(probes.measure(views)) == repr(probes.measure(other_views))
    assert tensors[1]["norm.num_batches_tracked"] == 12
    loaded = module.loaded(plan, tensors[1]).score(images)
    assert loaded[:2] == scores[:2]


@pytest.mark.parametrize("n", [1, 2])
def test_workers_train_the_residual_network_to_the_same_bits(train_images, n):
    network = {"residual": {"width": 8, "blocks": 2, "norm": "batch"}}
    plan = plan_of({"network": network}, seeds=2, training={"epochs": 1})
    few = Dataset(train_images.first(200), train_images.first(50))
    for state, row in workers.train(plan, few, n):
        alone = begun(plan, few.train, row.seed)
        if row.epoch:
            expected = alone.train(few.train, Draws(row.seed, "order/1"))
            assert (row.train_loss, row.train_acc) == expected
        [_, now], [_, ours] = (module.tensors_of(plan, s) for s in (state, alone.state()))
        assert all(torch.equal(tensor, ours[name]) for name, tensor in now.items())


def test_variants_of_a_network_share_the_weights_that_they_do_not_set(monkeypatch):
    plan = planned(monkeypatch, noisy_network)
    zeros = {"conv.weight": Fill("constant", {"val": 0.0})}
    baseline, other_seed = (module.initial_weights(plan, seed) for seed in (0, 1))
    changed = module.initial_weights(replace(plan, tensors=plan.tensors | zeros), 0)
    for name in plan.tensors:
        assert torch.equal(changed[name], baseline[name]) == (name != "conv.weight")
        assert torch.equal(other_seed[name], baseline[name]) == name.startswith("norm")


# ---------------------------------------------------------------------------------------- probes


@dataclass
class Expected:
    """A layer by hand: its weights and biases among all tensors, and its weights `[units, …]`.

    `stage` names the part of the chain that outputs it, and `channels` where its units are.
    """

    weights: Callable[[dict], list[Tensor]]
    biases: Callable[[dict], list[Tensor]] = lambda tensors: []
    rows: Callable[[Tensor], Tensor] | None = lambda weight: weight.flatten(1)
    stage: str = ""
    axis: int = -1
    channels: slice | None = None


def whole(name: str, bias: bool = True, **given: Any) -> Expected:
    biases = [f"{name}.bias"] if bias else []
    return rows_of([f"{name}.weight"], biases, slice(None), **{"stage": name} | given)


def rows_of(weights: list[str], biases: list[str], part: slice, **given: Any) -> Expected:
    """Some rows of tensors."""
    taken = (lambda tensors, names=names: [tensors[n][part] for n in names] for names in
             (weights, biases))  # fmt: skip
    return Expected(*taken, **given)


def gates(letters: str, ending: str = "_l0", prefix: str = "cell") -> dict[str, Expected]:
    names = ([f"cell.{kind}_{way}{ending}" for way in ("ih", "hh")] for kind in ("weight", "bias"))
    weights, biases = names
    return {
        f"{prefix}.{letter}": rows_of(weights, biases, slice(3 * i, 3 * i + 3))
        for i, letter in enumerate(letters)
    }


def packed(weight: str, bias: str, prefix: str, stage: str = "") -> dict[str, Expected]:
    thirds = [slice(4 * i, 4 * i + 4) for i in range(3)]
    return {
        f"{prefix}.{letter}": rows_of([weight], [bias], third, stage=stage, channels=third)
        for letter, third in zip("qkv", thirds, strict=True)
    }


class SelfAttention(nn.MultiheadAttention):
    def forward(self, x: Tensor) -> Tensor:
        keys, values = x[..., : self.kdim], x[..., : self.vdim]
        return super().forward(x, keys, values, need_weights=False)[0]


def mixed(x: Tensor) -> Tensor:
    """Attention of packed queries, keys and values."""
    q, k, v = x.chunk(3, -1)
    return (q @ k.mT).softmax(-1) @ v


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.linspace(-1, 1, 5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


def rows() -> nn.Module:
    """The rows of an image, `[n, 4, 4]`."""
    return Do(lambda x: x[:, 0])


def net(width: int, **modules: nn.Module) -> nn.Module:
    """These, and an output layer for the numbers that they make of an image."""
    return chain(**modules, flat=nn.Flatten(), out=nn.Linear(width, CLASSES))


def recurrent(cell: nn.Module, width: int = 3) -> nn.Module:
    return net(width, rows=rows(), cell=cell, last=Do(lambda found: found[0][:, -1]))


# By name: a network, and its layers.
NETS: dict[str, tuple[Callable[[], nn.Module], dict[str, Expected]]] = {
    "linear": (
        lambda: net(5, flat0=nn.Flatten(), fc=nn.Linear(16, 5), relu=nn.ReLU(inplace=True)),
        {"fc": whole("fc")},
    ),
    "linear over positions": (
        lambda: net(20, rows=rows(), fc=nn.Linear(4, 5, bias=False), tanh=nn.Tanh()),
        {"fc": whole("fc", bias=False)},
    ),
    "convolution": (
        lambda: net(16, conv=nn.Conv2d(1, 4, 3), relu=nn.ReLU()),
        {"conv": whole("conv", axis=1)},
    ),
    "depthwise convolution": (
        lambda: net(64, split=Do(lambda x: x.reshape(-1, 2, 2, 4)),
                    conv=nn.Conv2d(2, 8, 1, groups=2), relu=nn.ReLU()),
        {"conv": whole("conv", axis=1)},
    ),
    "transposed convolution": (
        lambda: net(75, conv=nn.ConvTranspose2d(1, 3, 2), tanh=nn.Tanh()),
        {"conv": whole("conv", axis=1, rows=lambda weight: weight.transpose(0, 1).flatten(1))},
    ),
    "embedding": (
        lambda: net(48, index=Do(lambda x: (x * 3).long().clamp(0, 9).flatten(1)),
                    embed=nn.Embedding(10, 3)),
        {"embed": whole("embed", bias=False, rows=lambda weight: weight.T)},
    ),
    "LSTM": (lambda: recurrent(nn.LSTM(4, 3, batch_first=True)), gates("ifgo")),
    "GRU": (lambda: recurrent(nn.GRU(4, 3, batch_first=True)), gates("rzn")),
    "RNN": (lambda: recurrent(nn.RNN(4, 3, batch_first=True)), gates("h")),
    "two layers, both ways": (
        lambda: recurrent(nn.RNN(4, 3, 2, batch_first=True, bidirectional=True), 6),
        gates("h", "_l0", "cell.0") | gates("h", "_l0_reverse", "cell.0.reverse")
        | gates("h", "_l1", "cell.1") | gates("h", "_l1_reverse", "cell.1.reverse"),
    ),
    "packed projection": (
        lambda: net(16, rows=rows(), qkv=nn.Linear(4, 12), mixed=Do(mixed)),
        packed("qkv.weight", "qkv.bias", "qkv", stage="qkv"),
    ),
    "attention": (
        lambda: net(16, rows=rows(), mha=SelfAttention(4, 2, batch_first=True)),
        packed("mha.in_proj_weight", "mha.in_proj_bias", "mha")
        | {"mha.out_proj": whole("mha.out_proj", stage="")},
    ),
    "attention to narrower keys": (
        lambda: net(16, rows=rows(), mha=SelfAttention(4, 2, kdim=3, vdim=2, batch_first=True)),
        {
            f"mha.{letter}": Expected(
                lambda tensors, name=f"mha.{letter}_proj_weight": [tensors[name]],
                lambda tensors, part=slice(4 * i, 4 * i + 4): [tensors["mha.in_proj_bias"][part]],
            )
            for i, letter in enumerate("qkv")
        }
        | {"mha.out_proj": whole("mha.out_proj", stage="")},
    ),
    "normalization": (
        lambda: net(16, flat0=nn.Flatten(), norm=nn.LayerNorm(16), relu=nn.ReLU()),
        {"norm": whole("norm", stage="", rows=None)},
    ),
    "batch normalization": (
        lambda: net(16, flat0=nn.Flatten(), norm=nn.BatchNorm1d(16), tanh=nn.Tanh()),
        {"norm": whole("norm", stage="", rows=None)},
    ),
    "parameter that stands alone": (
        lambda: net(5, flat0=nn.Flatten(), fc=nn.Linear(16, 5), scale=Scale()),
        {"fc": whole("fc"),
         "scale.factor": Expected(lambda tensors: [tensors["scale.factor"]], rows=None)},
    ),
}  # fmt: skip


def joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten().double() for tensor in tensors])


def expected_of(layer: Expected, now: dict, initial: dict, gradients: dict) -> dict[str, Any]:
    """The probes of a layer's tensors."""
    found: dict[str, Any] = {"distinct_units": None, "symmetry_gap": None}
    for kind, slices in (("weight", layer.weights), ("bias", layer.biases)):
        columns: dict[str, Any] = {"gradient_norm": None, "gradient_zeros": None, "move": None}
        if slices(now):
            gradient = joined(slices(gradients))
            columns = {
                "gradient_norm": gradient.square().sum().sqrt().item(),
                "gradient_zeros": (gradient == 0).double().mean().item(),
                "move": (joined(slices(now)) - joined(slices(initial))).abs().max().item(),
            }
        found |= {f"{kind}_{column}": value for column, value in columns.items()}
    if layer.rows:
        incoming = [layer.rows(weight) for weight in layer.weights(now)]
        biases = layer.biases(now)
        incoming += [sum(biases[1:], biases[0])[:, None]] if biases else []
        table = torch.cat(incoming, 1).double()
        span = (table.amax(0) - table.amin(0)).max()
        found["symmetry_gap"] = (span / table.abs().max()).item()
        longest = table.norm(dim=1).max()
        alike = torch.cdist(table, table) <= probes.ALIKE * longest
        found["distinct_units"] = int((~alike.tril(-1).any(1)).sum())
    return found


def expected_outputs(layer: Expected, outputs: dict) -> dict[str, Any]:
    """The probes of a layer's outputs, which are `[n, …]` with units on one axis."""
    if not layer.stage:
        columns = ("activation_mean", "activation_std", "signal_std", "gradient_std")
        return dict.fromkeys((*columns, "dead_fraction", "activation_rank"))
    output, deltas = (
        tensor.movedim(layer.axis, -1)[..., layer.channels or slice(None)].double()
        for tensor in (outputs[layer.stage].detach(), outputs[layer.stage].grad)
    )
    others = tuple(range(deltas.ndim - 1))
    return {
        "activation_mean": output.mean().item(),
        "activation_std": output.std(correction=0).item(),
        "signal_std": output.var(0, correction=0).mean().sqrt().item(),
        "gradient_std": len(deltas) * deltas.std(correction=0).item(),
        "dead_fraction": (deltas == 0).all(others).double().mean().item(),
        "activation_rank": probes.effective_rank(output.reshape(-1, output.shape[-1]).numpy()),
    }


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("steps", [0, 3])
def test_probes_of_every_kind_of_layer(monkeypatch, name, steps):
    """With out.weight at zero, all other layers move a step later."""
    make, layers = NETS[name]
    layers = layers | {"out": whole("out")}
    plan = planned(monkeypatch, make, tensors={"out.weight": Fill("constant", {"val": 0.0})})
    images = noise(12)
    learner = begun(plan, images)
    initial = {name: tensor.clone() for name, tensor in learner.net.named_parameters()}
    moved: dict[str, dict[str, int]] = {layer: {} for layer in layers}
    for step in range(1, steps + 1):
        learner.train(images, Draws(0, f"order/{step}"), first=4)
        now = dict(learner.net.named_parameters())
        for layer, expected in layers.items():
            for kind, of in (("weight", expected.weights), ("bias", expected.biases)):
                if of(now) and not torch.equal(joined(of(now)), joined(of(initial))):
                    moved[layer].setdefault(f"{kind}_moved_at", step)
    measured = probes.measure(learner.views(images))
    assert [layer.layer for layer in measured] == list(plan.layers) == list(layers)

    x, outputs = module.examples(plan, images), {}
    for stage, part in learner.net.train().named_children():
        x = outputs[stage] = part(x.clone() if isinstance(x, Tensor) else x)
        if isinstance(x, Tensor) and x.requires_grad:
            x.retain_grad()
            x = x.clone()  # the next part may change it in place
    functional.cross_entropy(x, images.labels).backward()
    now = {name: tensor.detach() for name, tensor in learner.net.named_parameters()}
    gradients = {name: tensor.grad for name, tensor in learner.net.named_parameters()}
    nothing = {"weight_moved_at": None, "bias_moved_at": None}
    for layer in measured:
        expected = layers[layer.layer]
        values = expected_of(expected, now, initial, gradients) | nothing | moved[layer.layer]
        values |= expected_outputs(expected, outputs)
        for column, value in values.items():
            exact = value is None or column.endswith(("units", "moved_at"))
            close = value if exact else pytest.approx(value, rel=1e-4, abs=1e-9)
            assert getattr(layer, column) == close, (layer.layer, column)
        count = plan.layers[layer.layer]
        assert count == (len(expected.rows(expected.weights(now)[0])) if expected.rows else 0)
    if not steps:
        below = [layer for layer in measured if layer.layer != "out"]
        assert all(layer.weight_gradient_zeros == 1 for layer in below)
    elif name != "embedding":
        assert {moved[layer]["weight_moved_at"] for layer in layers} == {1, 2}


def test_a_unit_without_a_gradient_for_any_image_is_dead(monkeypatch):
    make, _ = NETS["convolution"]
    plan = planned(monkeypatch, make)
    learner = begun(plan, noise(8))
    with torch.no_grad():
        learner.net.get_submodule("conv").bias.copy_(torch.tensor([100, -100, -100, 100.0]))
    conv, _ = probes.measure(learner.views(noise(8)))
    assert conv.dead_fraction == 0.5


class Alone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(16)[:CLASSES])

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T


def test_a_parameter_of_the_network_itself_is_a_layer_without_units(monkeypatch):
    plan = planned(monkeypatch, Alone)
    [layer] = probes.measure(begun(plan, noise(8)).views(noise(8)))
    assert plan.layers == {"weight": 0} and list(plan.tensors) == ["weight"]
    assert (layer.layer, layer.distinct_units) == ("weight", None)
    assert layer.weight_gradient_norm > 0


def test_equal_units_are_counted_once_in_every_gate(monkeypatch):
    make, _ = NETS["LSTM"]
    same = {f"cell.{kind}_{way}_l0": Fill("constant", {"val": 0.1})
            for kind in ("weight", "bias") for way in ("ih", "hh")}  # fmt: skip
    learner = begun(planned(monkeypatch, make, tensors=same), noise(8))
    *found, out = probes.measure(learner.views(noise(8)))
    assert [(gate.distinct_units, gate.symmetry_gap) for gate in found] == [(1, 0.0)] * 4
    assert out.distinct_units == 3


def test_views_leave_statistics_and_gradients_as_they_were(monkeypatch):
    learner = begun(planned(monkeypatch, noisy_network), noise(8))
    before = {name: tensor.clone() for name, tensor in learner.net.state_dict().items()}
    learner.views(noise(8))
    assert all(torch.equal(t, before[name]) for name, t in learner.net.state_dict().items())
    assert all(tensor.grad is None for tensor in learner.net.parameters())
