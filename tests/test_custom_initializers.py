"""The initializers in stages/initializers, against their formulas, and those of a user."""

import importlib
import math
import re
import sys

import pytest
import scipy.linalg
import torch

import stages.initializers
from docs import plain
from stages.settings import initializers, trial
from stages.settings.initializers import InitializerError
from stages.settings.params import Initializer, Params
from stages.settings.reading import ParamsError
from stages.training import initialization, network
from stages.training.initialization import initial_weights
from stages.training.seeds import generator
from tests.conftest import LECTURE, plan_of
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


@pytest.mark.parametrize(("variance", "nonlinearity"), [(2.0, "relu"), (1.0, "linear")])
def test_scaled_normal_is_hes_and_lecuns(variance, nonlinearity):
    ours = filled("scaled_normal", (64, 128), variance=variance)
    theirs = filled("kaiming_normal", (64, 128), nonlinearity=nonlinearity)
    torch.testing.assert_close(ours, theirs)
    assert not filled("scaled_normal", (64, 128), variance=0).any()


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


@pytest.mark.parametrize("activation", network.KERNELS)
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
            "argument 'rows' must be a whole number",
        ),
        ({"all": {"bias": "duplicated"}}, "all.bias", "it fills a weight"),
        ({"fc1": {"bias": "lsuv"}}, "fc1.bias", "give the bias zeros"),
        ({"fc1": {"bias": "scaled_normal"}}, "fc1.bias", "a bias has no fan-in"),
        (
            {"fc1": {"weight": {"scaled_normal": {"variance": -1}}}},
            "fc1.weight",
            "variance = -1.0 must not be below 0",
        ),
        (LSUV | {"fc1": {"weight": "zeros"}}, "all.weight", "gives the same for every image"),
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


# What stands in a file, and what is said of it.
FAULTY = {
    "empty": ("", "has no attribute 'fill'"),
    "no Python": ("def fill(:", "invalid syntax"),
    "a wrong indent": ("def fill(tensor):\npass", "expected an indented block"),
    "a NUL": ("\0", "source code string cannot contain null bytes"),
    "a missing module": ("import nothing_at_all", "No module named 'nothing_at_all'"),
    "a missing name": ("from torch import nothing_at_all", "cannot import name 'nothing_at_all'"),
    "an error": ("1 / 0", "division by zero"),
    "an assertion": ("assert False", "AssertionError"),
    "an exit": ("import sys; sys.exit(0)", "SystemExit: 0"),
    "a quit": ("raise SystemExit", "SystemExit"),
    "no arguments": ("def fill(): pass", "not enough values to unpack"),
    "a number": ("fill = 3", "is not a callable object"),
    "any arguments": ("def fill(tensor, *all): tensor.zero_()", "needs a name, unlike *all"),
    "any names": ("def fill(tensor, **all): tensor.zero_()", "needs a name, unlike **all"),
    "no names": ("def fill(tensor, a=1, /): tensor.zero_()", "needs a name, unlike a=1"),
    "a table of random numbers": (
        "import torch\nTABLE = torch.randn(8)\ndef fill(tensor): tensor.fill_(TABLE[0])",
        "give other numbers in every run",
    ),
    "a table of NumPy's": (
        "import numpy\nTABLE = numpy.random.rand(8)\ndef fill(tensor): tensor.fill_(TABLE[0])",
        "give other numbers in every run",
    ),
    "a table of Python's": (
        "import random\nX = random.random()\ndef fill(tensor): tensor.fill_(X)",
        "give other numbers in every run",
    ),
    "another default type": (
        "import torch; torch.set_default_dtype(torch.float64)\ndef fill(tensor): tensor.zero_()",
        "changes torch's default device or type",
    ),
    "an interrupt": ("def fill(tensor): raise KeyboardInterrupt", "raise KeyboardInterrupt"),
    "an end of its own": (
        "class End(BaseException): pass\ndef fill(tensor): raise End",
        "its initializers (faulty) raise End",
    ),
    "an error that cannot be told": (
        "class Bad(Exception):\n    def __str__(self): 1 / 0\ndef fill(tensor): raise Bad",
        "it refused: Bad",
    ),
    "words without end": ("def fill(tensor): raise ValueError('x' * 10**6)", "it refused: xxx"),
    "KeyError": ("def fill(tensor): {}['x']", "it refused: KeyError: 'x'"),
    "IndexError": ("def fill(tensor): tensor[10**6]", "it refused: IndexError: index 1000000"),
    "NameError": ("def fill(tensor): x", "it refused: NameError: name 'x' is not defined"),
    "a shape": ("def fill(tensor): tensor @ tensor", "it refused: "),
    "ValueError": ("def fill(tensor): raise ValueError", "it refused: ValueError (filling"),
    "words on lines": ("def fill(tensor): raise ValueError('a\\nb')", "it refused: a (filling"),
    "a bell": ("def fill(tensor): raise ValueError('a\\x07')", "it refused: a\\x07 (filling"),
    "a recursion": ("def fill(tensor): fill(tensor)", "it refused: RecursionError: "),
    "memory": ("def fill(tensor): raise MemoryError", "it refused: MemoryError"),
    "NotImplementedError": ("def fill(tensor): raise NotImplementedError", "NotImplementedError"),
    "StopIteration": ("def fill(tensor): next(iter([]))", "it refused: StopIteration"),
    "an exit while it fills": ("def fill(tensor): raise SystemExit(0)", "SystemExit: 0"),
    "nothing filled": ("def fill(tensor): pass", "leaves the tensor as it was"),
    "a tensor returned": ("def fill(tensor): return tensor * 2", "it returns another tensor"),
    "another name": ("def fill(tensor): tensor = tensor + 1", "leaves the tensor as it was"),
    "both": ("def fill(tensor): tensor.zero_(); return tensor + 1", "it returns another tensor"),
    "another shape": ("def fill(tensor): tensor.unsqueeze_(0).zero_()", "the tensor's shape"),
    "not a number": ("def fill(tensor): tensor.fill_(float('nan'))", "are not finite"),
    "too large": ("def fill(tensor): tensor.fill_(3e38).mul_(9)", "are not finite"),
    "unseeded torch": ("def fill(tensor): tensor.normal_()", "other numbers each time"),
    "unseeded Python": (
        "import random\ndef fill(tensor): tensor.fill_(random.random())",
        "other numbers each time",
    ),
    "unseeded NumPy": (
        "import numpy\ndef fill(tensor): tensor.fill_(numpy.random.rand())",
        "other numbers each time",
    ),
    "the time": ("import time\ndef fill(tensor): tensor.fill_(time.time() % 1)", "other numbers"),
    "an end of Python": ("import os; os._exit(0)", "ended Python, with exit code 0"),
    "an end while it fills": (
        "import os\ndef fill(tensor): os._exit(0)",
        "variants.start: its initializers (faulty) ended Python, with exit code 0",
    ),
    "a crash": (
        "import faulthandler, os\ndef fill(tensor):\n    faulthandler.disable()\n    os.abort()",
        "ended Python, with exit code -6",
    ),
    "a signal": ("import os\ndef fill(tensor): os.kill(os.getpid(), 9)", "with exit code -9"),
    "no end": ("while True: pass", "take longer than 1 s"),
    "no end of filling": (
        "def fill(tensor):\n    while True: tensor.zero_()",
        "variants.start: its initializers (faulty) take longer than 1 s",
    ),
    "sleep": ("import time\ndef fill(tensor): time.sleep(600)", "take longer than 1 s"),
    "a wait for input": ("def fill(tensor): input()", "it refused: "),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("code", "words"), FAULTY.values(), ids=FAULTY)
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_faulty_file_is_told_in_one_line(mine, code, words, monkeypatch):
    monkeypatch.setattr(trial, "PATIENCE", 1)
    mine("faulty", code)
    study = LECTURE | {"variants": {"start": {"all": {"weight": "faulty"}}}}
    with pytest.raises(ParamsError) as refusal:
        trial.resolve(Params.model_validate(study))
    [line] = refusal.value.lines
    assert line.startswith("params.yaml: variants.start")
    assert "faulty" in line
    assert words in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("file", "name", "words"),
    [
        ("normal.py", "normal", "torch.nn.init has it, and "),
        ("zeros.py", "zeros", "torch.nn.init has it, and "),
        ("foo.bar.py", "foo.bar", "foo.bar.py cannot be one"),
        ("my-init.py", "my-init", "my-init.py cannot be one"),
        ("é.py", "é", "é.py cannot be one"),
        ("default.py", "default", "default.py cannot be one"),
        ("Mine.py", "mine", "no such initializer; did you mean 'Mine'?"),
        ("a folder.py/x", "a folder", "a folder.py cannot be one"),
        ("folder.py/x", "folder", "folder.py cannot be one"),
        ("mine.txt", "mine", "no such initializer"),
        ("mine.py", "m" * 300, "no such initializer"),
        ("x", "../x", "no such initializer"),
    ],
)
def test_a_file_that_cannot_be_an_initializer_is_told(mine, tmp_path, file, name, words):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("def fill(tensor): tensor.zero_()")
    with pytest.raises(InitializerError, match=re.escape(words)):
        initializers.resolve(Initializer(name, {}))


def test_two_files_that_are_one_where_case_does_not_count_are_refused(mine):
    for name in ("mine", "Mine"):
        mine(name, "def fill(tensor): tensor.zero_()")
    with pytest.raises(InitializerError, match="Mine and mine are one file on some systems"):
        initializers.resolve(Initializer("mine", {}))
    mine("Zeros", "def fill(tensor): tensor.zero_()")
    with pytest.raises(InitializerError, match="zeros and Zeros are one file on some systems"):
        initializers.resolve(Initializer("Zeros", {}))


def test_what_an_editor_leaves_is_no_initializer(mine, tmp_path):
    (tmp_path / ".#mine.py").symlink_to("somebody@somewhere.1234")
    (tmp_path / "mine.py~").write_text("")
    mine("mine", "def fill(tensor): tensor.zero_()")
    assert initializers.custom_names() == ["mine"]
    assert initializers.resolve(Initializer("mine", {})).initializer == "mine"


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ("a: float", True, "must be a number"),
        ("a: float", "1", "must be a number"),
        ("a: float", 10**400, "must be"),
        ("a: float", float("nan"), "must be finite numbers"),
        ("a: int", 1.5, "must be a whole number"),
        ("a: int", True, "must be a whole number"),
        ("a: bool", 1, "must be a boolean"),
        ("a: str", 1, "must be a string"),
        ("a: list[int]", 3, "must be a list"),
        ("a: 'float'", "x", "must be a number"),
        ("a", {1, 2}, "must be finite numbers, text"),
        ("a", [float("inf")], "must be finite numbers, text"),
        ("a", b"x", "must be finite numbers, text"),
        ("a", {1: 2}, "must be finite numbers, text"),
        ("a: dict[int, float]", {1: 2.0}, "must be finite numbers, text"),
        ("a", [{"x": {None: 1}}], "must be finite numbers, text"),
    ],
)
def test_an_argument_is_of_the_type_that_is_declared(mine, parameter, value, words):
    mine("mine", f"def fill(tensor, {parameter}): tensor.zero_()")
    with pytest.raises(InitializerError, match=f"argument 'a' {words}"):
        initializers.resolve(Initializer("mine", {"a": value}))


def test_what_json_cannot_tell_is_left_to_the_function(mine):
    mine("mine", "def fill(tensor, f=print, pair=(1, 2), a=float('nan'), b=1.0): tensor.zero_()")
    assert initializers.resolve(Initializer("mine", {})).arguments == {"b": 1.0}


def test_a_mode_of_ones_own_is_as_written(mine):
    mine("mine", "def fill(tensor, mode='A'): tensor.zero_()")
    assert initializers.resolve(Initializer("mine", {"mode": "B"})).arguments == {"mode": "B"}
    torchs = initializers.resolve(Initializer("kaiming_normal", {"mode": "FAN_OUT"}))
    assert torchs.arguments["mode"] == "fan_out"


def test_a_number_that_tells_something_may_be_returned(mine):
    mine("mine", "def fill(tensor): return tensor.zero_().std()")
    plan = plan_of({"all": {"weight": "mine"}})
    assert not initial_weights(plan, 0)["out.weight"].any()


def test_a_type_that_is_not_known_is_not_checked(mine):
    mine("mine", "def fill(tensor, a: 'Nothing', b: 3): tensor.zero_()")
    assert initializers.resolve(Initializer("mine", {"a": 1, "b": "x"})).arguments == {
        "a": 1,
        "b": "x",
    }


def test_the_files_that_an_initializer_runs():
    assert {file.as_posix() for file in initializers.files("lsuv")} == {
        "stages/initializers/lsuv.py",
        "stages/initializers/orthogonal.py",  # which lsuv imports
    }
    assert initializers.files("normal") == initializers.files("default") == set()


@pytest.mark.parametrize(
    "line",
    [
        "from stages.initializers import second",
        "from stages.initializers.second import fill",
        "import stages.initializers.second",
        "from . import second",
        "from .second import fill as other",
        "from ..initializers.second import fill as other",
        "from ..initializers import second",
    ],
)
def test_files_that_a_file_imports_from_its_folder_count(mine, tmp_path, line):
    mine("first", f"import torch\ndef fill(tensor):\n    {line}\n")
    mine("second", "from . import third, first\n")
    mine("third", "import math\nfrom stages.training import network\n")
    mine("fourth", "")
    files = initializers.files("first")
    assert files == {tmp_path / f"{name}.py" for name in ("first", "second", "third")}
    assert initializers.files("third") == {tmp_path / "third.py"}


def test_all_files_of_a_package_that_a_file_imports_count(mine, tmp_path):
    mine("first", "from stages.initializers.tools import shapes")
    (tmp_path / "tools").mkdir()
    for name in ("__init__", "shapes"):
        (tmp_path / "tools" / f"{name}.py").write_text("")
    files = {tmp_path / "first.py", *(tmp_path / "tools").iterdir()}
    assert initializers.files("first") == files
