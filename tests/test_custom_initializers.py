"""The initializers in stages/initializers, against their formulas, and those of a user."""

import importlib
import math
import sys

import pytest
import scipy.linalg
import torch

import stages.initializers
from docs import plain
from stages.settings import initializers
from stages.settings.initializers import InitializerError
from stages.settings.params import Initializer
from stages.settings.reading import ParamsError
from stages.training import initialization, network
from stages.training.initialization import initial_weights
from stages.training.seeds import generator
from tests.conftest import plan_of
from tests.oracle import normalized


def filled(name: str, shape: tuple, **arguments) -> torch.Tensor:
    tensor = torch.empty(shape)
    initialization.run(
        initializers.resolve(Initializer(name, arguments)), tensor, generator(0, "test"), list
    )
    return tensor


@pytest.mark.parametrize("shape", [(8, 8), (5, 16), (16, 5), (128, 784), (10, 64), (1, 1)])
def test_hadamard_is_sylvesters_matrix_cut_and_scaled(shape):
    order = 2 ** math.ceil(math.log2(max(shape)))
    expected = scipy.linalg.hadamard(order)[: shape[0], : shape[1]] * (3 / math.sqrt(shape[1]))
    torch.testing.assert_close(filled("hadamard", shape, gain=3.0), torch.tensor(expected).float())


def test_hadamard_rows_are_all_different():
    for shape in ((128, 784), (64, 128), (10, 64)):
        assert len(filled("hadamard", shape).unique(dim=0)) == shape[0]


def test_duplicated_repeats_rows_and_columns():
    tensor = filled("duplicated", (64, 128), rows=2, columns=4)
    assert torch.equal(tensor[:32], tensor[32:])
    assert all(torch.equal(tensor[:, :32], part) for part in tensor.split(32, dim=1))
    assert len(tensor[:, 0].unique()) == 32
    assert tensor.abs().max() <= 1 / math.sqrt(128)
    assert tensor.std().item() == pytest.approx(1 / math.sqrt(3 * 128), rel=0.05)


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
def test_lsuv_gives_every_layer_outputs_of_variance_1(activation, train_images):
    images = train_images.first(512)
    plan = plan_of(
        {"all": {"weight": "lsuv", "bias": "zeros"}},
        network={"hidden": [64, 64, 64, 64], "activation": activation},
    )
    weights = list(initial_weights(plan, 0, images).values())[::2]
    function = plain.ACTIVATIONS[activation]()
    x = normalized(images.pixels, torch.float32)
    for weight in weights:
        z = x @ weight.T
        assert z.std(correction=0).item() == pytest.approx(1, abs=1e-4)
        gram = weight @ weight.T  # a multiple of the identity: the rows are orthogonal
        torch.testing.assert_close(gram / gram[0, 0], torch.eye(len(gram)), rtol=0, atol=1e-4)
        x = function(z)


LSUV = {"all": {"weight": "lsuv", "bias": "zeros"}}


@pytest.mark.parametrize(
    ("variant", "key", "words"),
    [
        ({"fc1": {"bias": "hadamard"}}, "fc1.bias", "a bias has not"),
        (
            {"fc1": {"weight": {"duplicated": {"rows": 3}}}},
            "fc1.weight",
            "rows = 3 must be a whole number",
        ),
        (
            {"fc1": {"weight": {"duplicated": {"rows": True}}}},
            "fc1.weight",
            "rows = True must be a whole number",
        ),
        ({"all": {"bias": "duplicated"}}, "all.bias", "it fills a weight"),
        ({"fc1": {"bias": "lsuv"}}, "fc1.bias", "give the bias zeros"),
        (LSUV | {"fc1": {"weight": "zeros"}}, "all.weight", "before it answers 0"),
        (
            {"fc1": {"weight": {"lsuv": {"inputs": 3}}}},
            "fc1.weight",
            "unknown argument 'inputs'; lsuv takes no arguments",
        ),
        (
            {"fc1": {"weight": {"hadamard": {"gian": 3}}}},
            "fc1.weight",
            "unknown argument 'gian'; hadamard takes gain",
        ),
        ({"fc1": {"weight": "hadamrd"}}, "fc1.weight", "did you mean 'hadamard'?"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(variant, key, words):
    with pytest.raises(ParamsError) as refusal:
        plan_of(variant)
    [line] = refusal.value.lines
    assert line.startswith(f"params.yaml: variants.start.{key} = ")
    assert words in line
    assert "\n" not in line


def test_no_custom_initializer_hides_one_of_torch():
    custom = set(initializers.custom_names())
    assert {"hadamard", "duplicated", "lsuv"} <= custom
    assert not custom & set(initialization.FUNCTIONS)


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


def test_a_file_is_an_initializer(mine):
    mine("mine", "def fill(tensor, value: float, generator=None): tensor.fill_(value)")
    plan = plan_of({"out": {"weight": {"mine": {"value": 3}}}})
    assert (initial_weights(plan, 0)["out.weight"] == 3).all()
    assert [path.rpartition("/")[2] for path in plan.files] == ["mine.py"]
    with pytest.raises(InitializerError, match=r"argument 'value' is missing; mine takes value"):
        initializers.resolve(Initializer("mine", {}))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "has no attribute 'fill'"),
        ("def fill(:", "invalid syntax"),
        ("import nothing_that_is_there", "No module named 'nothing_that_is_there'"),
        ("1 / 0", "division by zero"),
        ("def fill():\n    pass", "not enough values to unpack"),
        ("fill = 3", "is not a callable object"),
        ("assert False", "AssertionError"),
    ],
)
def test_a_file_that_gives_no_function_is_told(mine, code, words):
    mine("broken", code)
    with pytest.raises(InitializerError) as refusal:
        initializers.resolve(Initializer("broken", {}))
    assert "broken.py gives no function fill(tensor, …): " in str(refusal.value)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_files_that_initializers_run():
    files = initializers.files({"lsuv", "hadamard", "constant", "default"})
    assert [file.as_posix() for file in files] == [
        "stages/initializers/hadamard.py",
        "stages/initializers/lsuv.py",
        "stages/initializers/orthogonal.py",  # which lsuv imports
    ]
    assert initializers.files({"normal", "default"}) == []


@pytest.mark.parametrize(
    "line",
    [
        "from stages.initializers import second",
        "from stages.initializers.second import fill",
        "import stages.initializers.second",
        "from . import second",
        "from .second import fill as other",
    ],
)
def test_files_that_a_file_imports_from_its_folder_count(mine, tmp_path, line):
    mine("first", f"import torch\ndef fill(tensor):\n    {line}\n")
    mine("second", "from . import third, first\n")
    mine("third", "import math\nfrom stages.training import network\n")
    mine("fourth", "")
    files = initializers.files({"first"})
    assert files == [tmp_path / f"{name}.py" for name in ("first", "second", "third")]
    assert initializers.files({"third"}) == [tmp_path / "third.py"]
