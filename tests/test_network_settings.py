"""Networks from files: their settings in params.yaml, and the line that each mistake gets."""

import importlib
import json
import sys
from dataclasses import replace

import jsonschema
import pytest

import stages.networks
from stages.settings import networks, plans, reading, sweeps
from stages.settings.mistakes import ParamsError
from stages.settings.params import VariantSettings
from stages.training import building
from stages.training.plan import DEFAULT, Fill, Plan
from stages.training.structure import Parameter
from tests.conftest import SMALL
from tools import schema


def test_the_exact_name_of_a_layer_comes_first_then_the_last_pattern_then_all():
    written = {
        "all": {"weight": "ones", "bias": "ones"},
        "blocks.1.last": {"weight": "eye"},
        "blocks.*": {"weight": "zeros"},
        "*.last": {"weight": "orthogonal"},
        "*.no*": {"bias": "normal"},
    }
    variant = reading.validated(VariantSettings, written)
    for layer, kind, mixes, expected in (
        ("blocks.1.last", "weight", True, "blocks.1.last.weight"),
        ("blocks.2.last", "weight", True, "*.last.weight"),
        ("blocks.2.first", "weight", True, "blocks.*.weight"),
        ("blocks.2.first", "bias", True, "all.bias"),
        ("blocks.2.norm", "bias", False, "*.no*.bias"),
        ("blocks.2.norm", "weight", False, "blocks.*.weight"),
        ("embed", "weight", True, "all.weight"),
        ("norm", "weight", False, ""),
    ):
        key, fill = variant.fill_of(f"{layer}.{kind}", Parameter(layer, kind, mixes, 1))
        assert key == expected
        section, _, name = key.rpartition(".")
        assert fill.initializer == (written[section][name] if key else "default")


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Another folder of networks; `network(name, code)` adds one."""
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    monkeypatch.setattr(stages.networks, "__path__", [str(tmp_path)])
    added = []

    def add(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(f"import torch\nfrom torch import nn\n{code}\n")
        added.append(f"{building.CUSTOM}.{name}")
        importlib.invalidate_caches()

    yield add
    for name in added:
        sys.modules.pop(name, None)


TWO = """def build(shape, classes, width: int = 8, slope: float = 0, norm=None):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.LeakyReLU(slope),
                         nn.BatchNorm1d(width), nn.Linear(width, classes))"""


def resolved(variant: dict, **sections: dict) -> Plan:
    values = SMALL | sections | {"variants": {"a": variant}, "display": {}}
    return plans.resolve(reading.checked(values))["a"]


def test_a_file_with_build_is_a_network(network):
    network("two", TWO)
    network("unused", "")
    training = {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.1}
    normal = Fill("normal", {"mean": 0.0, "std": 1.0})
    plan = resolved(
        {"network": {"two": {"width": 5}}, "training": training, "all": {"weight": "normal"}}
    )
    assert plan == replace(
        resolved({}), network="two", hidden=(), activation=None, **training, files=plan.files,
        arguments={"width": 5, "slope": 0.0, "norm": None}, layers={"1": 5, "3": 0, "4": 10},
        tensors={
            "1.weight": normal, "1.bias": DEFAULT, "3.weight": DEFAULT, "3.bias": DEFAULT,
            "4.weight": normal, "4.bias": DEFAULT,
        },
    )  # fmt: skip
    assert type(plan.arguments["slope"]) is float
    assert [path.rpartition("/")[2] for path in plan.files] == ["two.py"]
    assert Plan.of(json.loads(plan.as_json())) == plan
    nothing = resolved({"network": {"two": None}})
    assert nothing == resolved({"network": {"two": {"width": 8}}})


# A variant, and parts of the line about it.
WRONG = {
    "unknown network": ({"network": {"tow": {}}}, ["network.tow: no such", "'two'? Allowed: hid"]),
    "name of the built-in one": ({"network": {"mlp": {}}}, ["network.mlp: no such network"]),
    "two networks": ({"network": {"two": {}, "hidden": [3]}}, ["network: has hidden, two: must"]),
    "no mapping": ({"network": "two"}, ["network = 'two'", "or a file in stages/networks"]),
    "misspelled setting": ({"network": {"hiden": [3]}}, ["network.hiden = [3]", "has hidden, act"]),
    "unknown argument": ({"network": {"two": {"with": 3}}}, ["network.two.with: unknown key",
                                                              "did you mean 'width'? Allowed"]),
    "another type": ({"network": {"two": {"width": "3"}}}, ["two.width = '3': must be a whole"]),
    "unknown layer": ({"network": {"two": {}}, "fc1": {}}, ["a.fc1: unknown key", "all, 1, 3, 4"]),
    "unknown pattern": ({"network": {"two": {}}, "2*": {}}, ["a.2*: unknown key", "all, 1, 3, 4"]),
    "unfit fill": ({"network": {"two": {}}, "*": {"weight": "eye"}},
                   ["variants.a.*.weight = 'eye': cannot fill 3.weight: "]),
    "adamw": ({"training": {"optimizer": "adamw"}}, ["training.optimizer = 'adamw'", "built-in"]),
    "decay": ({"training": {"weight_decay": 0.1}}, ["training.weight_decay = 0.1", "built-in"]),
    "decay of 1": ({"training": {"weight_decay": 1}}, ["weight_decay = 1", "less than 1"]),
    "momentum": ({"network": {"two": {}}, "training": {"momentum": 0.5}}, ["only the optimizer"]),
}  # fmt: skip


@pytest.mark.parametrize(("variant", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_about_a_network_gets_one_line(network, variant, words):
    network("two", TWO)
    network("mlp", TWO)
    with pytest.raises(ParamsError) as refusal:
        resolved(variant)
    [line] = refusal.value.lines
    assert line.startswith("params.yaml: variants.a.")
    assert all(word in line for word in words), line


def test_a_shared_optimizer_that_the_built_in_network_lacks_gets_one_line(network):
    network("two", TWO)
    training = SMALL["training"] | {"optimizer": "adamw"}
    variants = {"a": {}, "b": {}, "own": {"network": {"two": {}}}}
    with pytest.raises(ParamsError) as refusal:
        reading.checked(SMALL | {"training": training, "variants": variants, "display": {}})
    [line] = refusal.value.lines
    assert line.startswith("params.yaml: training.optimizer = 'adamw': the built-in network has")


BUILD = "def build(shape, classes): return "
FLAT = BUILD + "nn.Sequential(nn.Flatten(), {})"


def module_of(line: str = "", result: str = "self.out(x.flatten(1))") -> str:
    """The code of a network with another line, and another result."""
    return f"""
import random

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(784, 10)
        {line}

    def forward(self, x):
        return {result}

def build(shape, classes):
    return Net()
"""


# The code of a file, and a part of the line about it.
FAULTY = {
    "nothing": ("", "has no function build(shape, classes, …): AttributeError"),
    "no Python": ("def build(:", "has no function build(shape, classes, …): SyntaxError"),
    "an exit": ("raise SystemExit(0)", "SystemExit: 0"),
    "one argument": ("def build(shape): pass", "build(shape, classes, …): it takes shape"),
    "an error": ("def build(shape, classes): {}['x']", "faulty.py: KeyError: 'x'"),
    "no module": (BUILD + "3", "build returned int instead of a torch.nn.Module"),
    "a single layer": (BUILD + "nn.Linear(784, 10)", "build returned Linear instead of"),
    "another shape": (FLAT.format("nn.Linear(784, 9)"), "are [2, 9] instead of logits [2, 10]"),
    "no tensor": (module_of(result="[x]"), "are list instead of logits [2, 10]"),
    "a failure": (module_of(result="self.out(x)"), "faulty.py: RuntimeError: mat1 and mat2"),
    "no parameter": (FLAT.format("nn.AdaptiveAvgPool1d(10)"), "no parameter that can be trained"),
    "frozen": (FLAT.format("nn.Linear(784, 10).requires_grad_(False)"), "no parameter that can"),
    "lazy layers": (FLAT.format("nn.LazyLinear(10)"), "lazy"),
    "other weights": (module_of("nn.init.constant_(self.out.weight, random.random())"),
                      "out.weight differs"),
    "another buffer": (module_of("self.register_buffer('table', torch.rand(3) * random.random())"),
                       "table differs"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "words"), FAULTY.values(), ids=FAULTY)
def test_a_fault_in_a_networks_file_gets_one_line(network, code, words):
    network("faulty", code)
    with pytest.raises(ParamsError) as refusal:
        resolved({"network": {"faulty": {}}})
    [line] = refusal.value.lines
    assert line.startswith("params.yaml: variants.a.network.faulty") or "faulty.py" in line
    assert words in line and line.isprintable() and len(line) < 500, line


MIXED = """
class Attention(nn.MultiheadAttention):
    def forward(self, x): return super().forward(x, x, x)[0]
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))
        self.rows, self.cell = nn.Linear(28, 8), nn.LSTM(8, 8, batch_first=True)
        self.mha, self.norm = Attention(8, 2, batch_first=True), nn.LayerNorm(8)
        self.out = nn.Linear(8, 10)
    def forward(self, x):
        return self.out(self.norm(self.mha(self.cell(self.rows(x[:, 0]))[0]))[:, -1] * self.factor)
def build(shape, classes): return Net()"""


def test_all_fills_layers_that_mix_and_a_name_fills_its_own_tensors(network):
    network("mixed", MIXED)
    named = {"norm": {"weight": "zeros"}, "cell": {"bias": "zeros"}, "factor": {"weight": "zeros"}}
    plan = resolved({"network": {"mixed": {}}, "all": {"weight": "normal"}} | named)
    found = {name: fill.initializer for name, fill in plan.tensors.items()}
    mixing = ("rows.weight", "cell.weight_ih_l0", "cell.weight_hh_l0", "mha.in_proj_weight")
    normal = dict.fromkeys((*mixing, "mha.out_proj.weight", "out.weight"), "normal")
    zeros = dict.fromkeys(
        ("norm.weight", "cell.bias_ih_l0", "cell.bias_hh_l0", "factor"), "constant"
    )
    assert found == dict.fromkeys(plan.tensors, "default") | normal | zeros


@pytest.mark.parametrize(
    ("layer", "words"),
    [("cell", "only linear layers"), ("mha.out_proj", "never called"), ("rows", "")],
)
def test_an_initializer_sees_the_inputs_of_linear_layers_that_are_called(network, layer, words):
    network("mixed", MIXED)
    variant = {"network": {"mixed": {}}, layer: {"weight": "lsuv"}}
    if not words:
        assert resolved(variant).tensors[f"{layer}.weight"].initializer == "lsuv"
        return
    with pytest.raises(ParamsError, match=rf"{layer}.weight = 'lsuv': cannot fill .*{words}"):
        resolved(variant)


def test_a_batch_of_one_is_tried_if_an_epoch_has_one(network):
    network("two", TWO)
    with pytest.raises(ParamsError, match="Expected more than 1 value per channel when training"):
        resolved({"network": {"two": {}}}, data={"name": "mnist", "limit": 641})


@pytest.mark.parametrize("layers", ["all", "*", "1"])
def test_an_argument_and_layers_can_be_the_axes_of_a_sweep(network, layers):
    network("two", TWO)
    sweep = {
        "base": {"network": {"two": {"slope": 0.1}}, "all": {"weight": {"normal": {"std": 1}}}},
        "axes": {
            "x": {"key": "network.two.width", "values": [2, 3]},
            "y": {"key": f"{layers}.weight.normal.std", "values": [0.1, 1]},
        },
        "seeds": 1, "steps": 0, "shows": "constant",
    }  # fmt: skip
    cells = sweeps.resolve(reading.checked(SMALL | {"sweeps": {"grid": sweep}}))["grid"].cells
    found = [(c.plan.layers["1"], c.plan.tensors["1.weight"].arguments["std"]) for c in cells]
    assert found == [(2, 0.1), (3, 0.1), (2, 1.0), (3, 1.0)]
    assert {cell.plan.arguments["slope"] for cell in cells} == {0.1}
    sweep["axes"]["x"]["values"] = [2, "3"]
    with pytest.raises(ParamsError, match=r"network.two.width = '3': must be a whole number"):
        sweeps.resolve(reading.checked(SMALL | {"sweeps": {"grid": sweep}}))


def test_editors_accept_networks_from_files_and_their_layers():
    variant = {
        "network": {"residual": {"blocks": 2}},
        "training": {"optimizer": "adamw", "weight_decay": 0.1},
        "blocks.*.last": {"weight": "zeros"},
        "embed": {"bias": "zeros"},
    }
    editor = jsonschema.Draft202012Validator(json.loads(schema.text()))
    values = SMALL | {"variants": {"a": variant, "b": {"network": {"residual": None}}}}
    assert editor.is_valid(values)
    assert resolved(variant).tensors["blocks.1.last.weight"].initializer == "constant"
    for key, wrong in (("network", {"residual": {"block": 2}}), ("blocks.*", {"wieght": "zeros"})):
        assert not editor.is_valid(SMALL | {"variants": {"a": variant | {key: wrong}}})
