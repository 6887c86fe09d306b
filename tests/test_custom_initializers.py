"""The initializers in stages/initializers, compared with their formulas, and those of a user."""

import importlib
import math
import sys

import pytest
import scipy.linalg
import torch

import stages.initializers
from docs import plain
from stages.settings import initializers, plans
from stages.settings.mistakes import ParamsError
from stages.settings.params import Params
from stages.training import building, initialization
from stages.training.activations import ACTIVATIONS
from stages.training.mlp.engine import initial_weights
from stages.training.plan import Fill
from stages.training.seeds import Draws
from tests.conftest import LECTURE, plan_of
from tests.oracle import normalized

LSUV = {"all": {"weight": "lsuv", "bias": "zeros"}}


def resolved(name: str, **arguments) -> Fill:
    return initializers.resolve(Fill(name, arguments), "all.weight")


def filled(name: str, shape: tuple, **arguments) -> torch.Tensor:
    tensor = torch.empty(shape)
    initialization.run(resolved(name, **arguments), tensor, {"draws": lambda: Draws(0, "test")})
    return tensor


@pytest.mark.parametrize("shape", [(8, 8), (5, 16), (16, 5), (128, 784), (10, 64), (1, 1)])
def test_hadamard_is_sylvesters_matrix_cut_and_scaled(shape):
    order = 2 ** math.ceil(math.log2(max(shape)))
    expected = scipy.linalg.hadamard(order)[: shape[0], : shape[1]] * (3 / math.sqrt(shape[1]))
    tensor = filled("hadamard", shape, gain=3.0)
    torch.testing.assert_close(tensor, torch.tensor(expected).float())
    assert len(tensor.unique(dim=0)) == shape[0] or shape[0] > shape[1]


@pytest.mark.parametrize(("variance", "nonlinearity"), [(2.0, "relu"), (1.0, "linear")])
def test_scaled_normal_is_hes_and_lecuns(variance, nonlinearity):
    ours = filled("scaled_normal", (64, 128), variance=variance)
    theirs = filled("kaiming_normal", (64, 128), nonlinearity=nonlinearity)
    torch.testing.assert_close(ours, theirs)
    assert not filled("scaled_normal", (64, 128), variance=0).any()


@pytest.mark.parametrize(("variance", "nonlinearity"), [(2.0, "relu"), (1.0, "linear")])
def test_scaled_normal_of_a_convolution_counts_its_kernel(variance, nonlinearity):
    ours = filled("scaled_normal", (64, 16, 3, 3), variance=variance)
    theirs = filled("kaiming_normal", (64, 16, 3, 3), nonlinearity=nonlinearity)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("shape", [(64, 128), (64, 16, 3), (64, 16, 3, 3)])
def test_signs_have_one_size_and_the_variance_of_he(shape):
    tensor = filled("signs", shape)
    size = math.sqrt(2 / tensor[0].numel())
    torch.testing.assert_close(tensor.abs(), torch.full(shape, size))
    assert (tensor > 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(filled("signs", shape, gain=2 * math.sqrt(2)), 2 * tensor)


@pytest.mark.parametrize("shape", [(64, 64), (8, 4, 3, 3)])
def test_repeated_gives_tensors_of_one_shape_equal_values(shape):
    first, second = torch.empty(shape), torch.empty(shape)
    for name, tensor in (("fc1", first), ("fc2", second)):
        given = {"draws": lambda name=name: Draws(0, name)}
        initialization.run(resolved("repeated"), tensor, given)
    assert torch.equal(first, second)
    assert len(first.unique()) == first.numel()
    bound = 1 / math.sqrt(first[0].numel())
    assert 0.9 * bound < first.abs().max() <= bound


@pytest.mark.parametrize("shape", [(12,), (12, 3), (12, 2, 5)])
def test_parts_fills_each_part_of_the_rows_with_its_value(shape):
    tensor = filled("parts", shape, values=[0, 1, 0.5])
    for part, value in zip(tensor.split(4), (0, 1, 0.5), strict=True):
        assert (part == value).all()


def test_parts_of_biases_are_the_gates_of_an_lstm():
    plan = plan_of(
        {
            "network": {"recurrent": {"width": 4}},
            "cell": {"bias": {"parts": {"values": [0, 1, 0, 0]}}},
        }
    )
    weights = building.initial_weights(plan, 0)
    for tensor in (weights["cell.bias_ih_l0"], weights["cell.bias_hh_l0"]):
        assert tensor.tolist() == [0] * 4 + [1] * 4 + [0] * 8


def test_duplicated_repeats_filters_and_channels():
    tensor = filled("duplicated", (8, 6, 3, 3), rows=2, columns=3)
    assert torch.equal(tensor[:4], tensor[4:])
    assert all(torch.equal(tensor[:, :2], part) for part in tensor.split(2, dim=1))
    assert len(tensor.unique()) == 4 * 2 * 9
    assert 0.9 / math.sqrt(54) < tensor.abs().max() <= 1 / math.sqrt(54)


def test_noise_makes_duplicated_units_differ():
    exact = filled("duplicated", (64, 128), rows=2, columns=4)
    noisy = filled("duplicated", (64, 128), rows=2, columns=4, noise=0.001)
    difference = noisy - exact
    assert difference.std().item() == pytest.approx(0.001, rel=0.05)
    assert abs(difference.mean().item()) < 1e-4
    assert len(noisy.unique(dim=0)) == 64


def test_duplicated_repeats_rows_and_columns():
    tensor = filled("duplicated", (64, 128), rows=2, columns=4)
    assert torch.equal(tensor[:32], tensor[32:])
    assert all(torch.equal(tensor[:, :32], part) for part in tensor.split(32, dim=1))
    assert len(tensor[:, 0].unique()) == 32
    assert tensor.abs().max() <= 1 / math.sqrt(128)
    assert tensor.std().item() == pytest.approx(1 / math.sqrt(3 * 128), rel=0.05)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_lsuv_gives_every_layer_outputs_of_variance_1(activation, train_images):
    images = train_images.first(512)
    plan = plan_of(LSUV, network={"hidden": [64, 64, 64, 64], "activation": activation})
    weights = list(initial_weights(plan, 0, images).values())[::2]
    function = plain.ACTIVATIONS[activation]()
    x = normalized(images.pixels, torch.float32)
    for weight in weights:
        z = x @ weight.T
        assert z.std(correction=0).item() == pytest.approx(1, abs=1e-4)
        gram = weight @ weight.T  # a multiple of the identity: the rows are orthogonal
        torch.testing.assert_close(gram / gram[0, 0], torch.eye(len(gram)), rtol=0, atol=1e-4)
        x = function(z)


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ({"fc1": {"bias": "hadamard"}}, "cannot fill fc1.bias: it fills weights only"),
        ({"fc1": {"weight": {"duplicated": {"rows": 3}}}}, "fc1.weight: rows = 3 must be a whole"),
        ({"all": {"bias": "duplicated"}}, "cannot fill fc1.bias: it fills weights only"),
        ({"fc1": {"weight": {"scaled_normal": {"variance": -1}}}}, "variance = -1.0 must not be"),
        ({"fc1": {"weight": {"duplicated": {"noise": -1}}}}, "noise = -1.0 must not be below 0"),
        ({"all": {"bias": "signs"}}, "cannot fill fc1.bias: it fills weights only"),
        ({"all": {"bias": "repeated"}}, "cannot fill fc1.bias: it fills weights only"),
        ({"out": {"bias": {"parts": {"values": [0, 1, 0]}}}}, "their number must divide 10"),
        ({"out": {"bias": {"parts": {"values": []}}}}, "values = []: their number must divide 10"),
        (LSUV | {"fc1": {"weight": "zeros"}}, "fill fc2.weight: its layer has equal outputs"),
        ({"fc1": {"weight": {"lsuv": {"inputs": 3}}}}, "fc1.weight.lsuv.inputs: unknown key"),
        ({"fc1": {"weight": {"hadamard": {"gian": 3}}}}, "unknown key; did you mean 'gain'?"),
    ],
)
def test_impossible_initialization_is_refused_in_one_line(variant, words):
    with pytest.raises(ParamsError) as refusal:
        plan_of(variant)
    [line] = refusal.value.lines
    assert line.startswith("params.yaml: variants.") and words in line


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Another folder of initializers; `mine(name, code)` adds one."""
    monkeypatch.setattr(initializers, "FOLDER", tmp_path)
    monkeypatch.setattr(stages.initializers, "__path__", [str(tmp_path)])
    added = []

    def add(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        added.append(f"{initialization.CUSTOM}.{name}")
        importlib.invalidate_caches()

    yield add
    for module in added:
        sys.modules.pop(module, None)


def test_file_with_fill_is_an_initializer(mine):
    mine("mine", "def fill(tensor, value: float, generator=None): tensor.fill_(value)")
    plan = plan_of({"out": {"weight": {"mine": {"value": 3}}}})
    assert (initial_weights(plan, 0)["out.weight"] == 3).all()
    assert [path.rpartition("/")[2] for path in plan.files] == ["mine.py"]
    with pytest.raises(ParamsError, match=r"all\.weight\.mine\.value: is missing"):
        resolved("mine")


# The code of a file, and a part of the line about it.
FAULTY = {
    "empty": ("", "faulty.py has no function fill(tensor, …): AttributeError"),
    "no Python": ("def fill(:", "has no function fill(tensor, …): SyntaxError: invalid syntax"),
    "an exit": ("import sys; sys.exit(0)", "SystemExit: 0"),
    "no arguments": ("def fill(): pass", "it takes no arguments"),
    "an error while it fills": ("def fill(tensor): {}['x']", "cannot fill fc1.weight: KeyError"),
    "an exit while it fills": ("def fill(tensor): raise SystemExit(0)", "SystemExit: 0"),
    "a bell": ("def fill(tensor): raise ValueError('a\\x07')", "fc1.weight: a\\x07"),
    "nothing filled": ("def fill(tensor): pass", "leaves the tensor unchanged"),
    "not a number": ("def fill(tensor): tensor.fill_(float('nan'))", "are not finite"),
    "unseeded torch": ("def fill(tensor): tensor.normal_()", "gives other values each time"),
    "unseeded NumPy": (
        "import numpy\ndef fill(tensor): tensor.fill_(numpy.random.rand())",
        "other values",
    ),
}


@pytest.mark.parametrize(("code", "words"), FAULTY.values(), ids=FAULTY)
def test_fault_in_a_file_gets_one_line(mine, code, words):
    mine("faulty", code)
    study = LECTURE | {"variants": {"a": {"all": {"weight": "faulty"}}}}
    with pytest.raises(ParamsError) as refusal:
        plans.resolve(Params.model_validate(study))
    [line] = refusal.value.lines
    assert line.startswith("params.yaml: variants.a.all.weight = 'faulty': ")
    assert words in line and line.isprintable() and len(line) < 500


@pytest.mark.parametrize(
    ("file", "name", "words"),
    [
        ("normal.py", "normal", "is in torch.nn.init, too; rename "),
        ("my-init.py", "my-init", "no such initializer"),
        ("x", "../x", "no such initializer"),
    ],
)
def test_file_with_an_unsuitable_name_is_no_initializer(mine, tmp_path, file, name, words):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("def fill(tensor): tensor.zero_()")
    with pytest.raises(ParamsError, match=words):
        resolved(name)


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ("a: float", True, "must be a number"),
        ("a: 'float'", "1", "must be a number"),
        ("a: float", float("nan"), "must be a finite number"),
        ("a: int", 1.5, "must be a whole number"),
        ("a", {1, 2}, "must be a JSON value"),
        ("a", float("nan"), "finite"),
    ],
)
def test_argument_has_its_declared_type_or_any_that_json_has(mine, parameter, value, words):
    mine("mine", f"def fill(tensor, {parameter}): tensor.zero_()")
    with pytest.raises(ParamsError, match=rf"all\.weight\.mine\.a.* = .*: .*{words}"):
        resolved("mine", a=value)


def test_arguments_may_have_any_name_type_and_default(mine):
    mine("mine", "def fill(tensor, f=print, copy: 'Any' = 1, _y: float = 3, **_): tensor.zero_()")
    assert resolved("mine", copy=4).arguments == {"copy": 4, "_y": 3}  # JSON cannot hold print


def test_files_of_an_initializer_are_its_own_and_those_it_imports():
    assert {file.as_posix() for file in initializers.files_of("lsuv")} == {
        "stages/initializers/lsuv.py",
        "stages/initializers/orthogonal.py",
    }
    assert initializers.files_of("normal") == initializers.files_of("default") == set()


@pytest.mark.parametrize(
    "line",
    [
        "import stages.initializers.second",
        "from . import second",
        "from .second import fill as other",
    ],
)
def test_imported_files_of_the_folder_belong_to_an_initializer(mine, tmp_path, line):
    mine("first", f"import torch\ndef fill(tensor):\n    {line}\n")
    mine("second", "from . import third, first\n")
    mine("third", "import math\nfrom stages.training import network\nfrom .tools import shapes\n")
    mine("fourth", "")
    (tmp_path / "tools").mkdir()
    tools = [tmp_path / "tools" / f"{name}.py" for name in ("__init__", "shapes")]
    for path in tools:
        path.write_text("")
    files = initializers.files_of("first")
    assert files == {*tools, *(tmp_path / f"{name}.py" for name in ("first", "second", "third"))}
    assert initializers.files_of("third") == {*tools, tmp_path / "third.py"}
