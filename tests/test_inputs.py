"""params.yaml, whatever is written into it: what is valid runs, all else gets a clear line."""

import copy
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages import check
from stages.settings import initializers, params, plans, reading, yaml_file
from stages.settings.reading import ParamsError
from stages.training import network, workers
from stages.training.data import Dataset
from stages.training.plan import Plan, layer_names

GENERATED = {
    "derandomize": True,
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def drawn(**entries):
    """Any of these entries of a mapping, or none."""
    return st.fixed_dictionaries({}, optional=entries)


def numbers(low: float, high: float):
    return st.floats(low, high, allow_nan=False)


WORDS = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=40)
FILLS_ANY = st.one_of(
    st.sampled_from(["zeros", "ones", {"normal": None}]),
    st.builds(lambda v: {"constant": {"val": v}}, numbers(-1e30, 1e30) | st.integers(-9, 9)),
    st.builds(lambda a: {"normal": a}, drawn(mean=numbers(-5, 5), std=numbers(0, 9))),
    st.builds(lambda a, b: {"uniform": {"a": a, "b": a + b}}, numbers(-9, 9), numbers(0, 9)),
    st.builds(
        lambda m, s: {"trunc_normal": {"mean": m, "std": s}}, numbers(-99, 99), numbers(1e-3, 9)
    ),
)
FILLS_WEIGHT = FILLS_ANY | st.one_of(
    st.sampled_from(["eye", "hadamard", "duplicated"]),
    st.builds(
        lambda kind, gain: {kind: {"gain": gain}},
        st.sampled_from(["xavier_normal", "xavier_uniform", "orthogonal", "hadamard"]),
        numbers(0, 9),
    ),
    st.builds(
        lambda kind, arguments: {kind: arguments},
        st.sampled_from(["kaiming_normal", "kaiming_uniform"]),
        drawn(
            a=numbers(-9, 9),
            mode=st.sampled_from(["fan_in", "fan_out", "FAN_IN"]),
            nonlinearity=st.sampled_from(["relu", "linear", "tanh", "selu", "leaky_relu"]),
        ),
    ),
    st.builds(lambda s: {"sparse": {"sparsity": s}}, numbers(0, 1)),
)
LAYER = drawn(weight=FILLS_WEIGHT, bias=FILLS_ANY)
HIDDEN = st.lists(st.integers(1, 24), min_size=1, max_size=4)
ACTIVATIONS = st.sampled_from(sorted(network.KERNELS))
NAMES = st.from_regex(params.NAME_PATTERN, fullmatch=True).map(lambda name: name[:40])


@st.composite
def trainings(draw) -> dict:
    values = {
        "epochs": draw(st.integers(1, 30)),
        "batch_size": draw(st.integers(1, params.TRAIN_IMAGES)),
        "optimizer": draw(st.sampled_from(["adam", "sgd"])),
        "lr": draw(numbers(1e-9, 1e9)),
    }
    if values["optimizer"] == "sgd" and draw(st.booleans()):
        values["momentum"] = draw(numbers(0, 0.999))
    return values


@st.composite
def variants(draw, hidden: list[int]) -> dict:
    entry = {}
    if draw(st.booleans()):
        entry["network"] = draw(drawn(hidden=HIDDEN, activation=ACTIVATIONS))
    if draw(st.booleans()):
        entry["training"] = draw(trainings())
    layers = layer_names(entry.get("network", {}).get("hidden", hidden))
    for layer in draw(st.lists(st.sampled_from([*layers, "all"]), max_size=3, unique=True)):
        entry[layer] = draw(LAYER)
    return entry


@st.composite
def studies(draw) -> dict:
    """Valid ones."""
    hidden = draw(HIDDEN)
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    study = {
        "data": {"name": draw(st.sampled_from(["mnist", "fashion_mnist", "kmnist"]))},
        "seeds": draw(st.integers(1, 3)),
        "network": {"hidden": hidden, "activation": draw(ACTIVATIONS)},
        "training": draw(trainings()),
        "variants": {name: draw(variants(hidden)) for name in names},
    }
    if draw(st.booleans()):
        study["data"]["limit"] = draw(st.none() | st.integers(1, params.TRAIN_IMAGES))
    color = st.from_regex("#[0-9a-fA-F]{6}", fullmatch=True)
    looks = drawn(label=WORDS, group=WORDS, color=color)
    study["display"] = draw(drawn(**dict.fromkeys(names, looks)))
    return study


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(initializers, "FOLDER", initializers.FOLDER.resolve())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["check"])


def written(values: dict) -> None:
    Path("params.yaml").write_text(yaml_file.dumps(values), encoding="utf-8")


@dataclass(repr=False)
class Few:
    """Images enough for two steps; hypothesis would write all of them into its words."""

    images: Dataset


@pytest.fixture
def few(dataset) -> Few:
    return Few(Dataset(dataset.train.first(20), dataset.test.first(10)))


@pytest.mark.slow
@given(studies())
@settings(max_examples=60, **GENERATED)
def test_what_is_valid_passes_check_and_trains_two_steps(few, study):
    written(study)
    check.main()
    text = Path("data", "study.json").read_text(encoding="utf-8")
    assert (
        json.loads(text, parse_constant=pytest.fail)["variants"].keys() == study["variants"].keys()
    )
    for name in study["variants"]:
        plan = Plan.read(Path("data", "plans", f"{name}.json"))
        plan = replace(plan, batch_size=min(plan.batch_size, 10), epochs=1)
        rows = [row for _, row in workers.train(plan, few.images, 1)]
        assert len(rows) == 2 * plan.seeds


BASE = {
    "data": {"name": "mnist", "limit": 640},
    "seeds": 2,
    "network": {"hidden": [16, 8], "activation": "relu"},
    "training": {"epochs": 1, "batch_size": 64, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9},
    "variants": {
        "baseline": {},
        "ones": {"all": {"weight": "ones", "bias": {"constant": {"val": 1.0}}}},
        "deep": {
            "network": {"hidden": [8, 8, 8], "activation": "tanh"},
            "training": {"epochs": 2, "optimizer": "adam", "lr": 0.001},
            "fc3": {"weight": {"kaiming_normal": {"mode": "fan_out", "nonlinearity": "tanh"}}},
            "out": {"weight": {"normal": {"mean": 0.0, "std": 0.1}}, "bias": "zeros"},
        },
    },
    "display": {"ones": {"label": "all ones", "group": "constants", "color": "#0072b2"}},
}
JUNK = [
    None, True, False, 0, -1, 1, 2.5, 10**7, 10**30, -(10**400), 1e200, float("inf"), float("nan"),
    "", " ", "x", "zeros", "ones ", "ZEROS", "zer\u043es", "1", "1e-3", "null", "x" * 5000, "a\nb",
    "a\x00b", "\u202eevil", "🎉", "$(touch x)", "../../x", "<script>", "{{ 7 * 7 }}", "%s%n",
    [], [[]], [None], [1] * 60, {}, {"": {}}, {"x": 1}, {1: 2}, {None: None}, b"\xff",
    {"zeros": {"zeros": {}}}, {"normal": {"std": {"a": [1]}}}, {"normal": [1]},
    {"normal": {}, "zeros": {}},
]  # fmt: skip
KEYS = [
    "", " ", "x", "seed", "all", "fc1", "fc0", "fc99", "out", "Name", "na-me", "a;b", "$(id)",
    "../x", "basel\u0456ne", "\u200bx", "x" * 41, "weight", "label", 7, True, None, 2.5,
]  # fmt: skip


def places(values: object, path: tuple = ()) -> list[tuple]:
    """Where something stands in nested values."""
    inner = (
        values.items()
        if isinstance(values, dict)
        else enumerate(values)
        if isinstance(values, list)
        else ()
    )
    return [path] * bool(path) + [p for key, v in inner for p in places(v, (*path, key))]


@st.composite
def mutations(draw) -> dict:
    """BASE with one change."""
    study = copy.deepcopy(BASE)
    *above, last = draw(st.sampled_from(places(BASE)))
    section = study
    for key in above:
        section = section[key]
    match draw(st.sampled_from(["replace", "delete", "rename", "add", "wrap"])):
        case "replace":
            section[last] = draw(st.sampled_from(JUNK))
        case "delete":
            del section[last]
        case "rename" if isinstance(section, dict):
            section[draw(st.sampled_from(KEYS))] = section.pop(last)
        case "wrap":
            section[last] = draw(st.sampled_from([[section[last]], {last: section[last]}]))
        case _ if isinstance(section, dict):
            section[draw(st.sampled_from(KEYS))] = draw(st.sampled_from(JUNK))
        case _:
            section.append(draw(st.sampled_from(JUNK)))
    return study


def complaints() -> list[str]:
    """What is said of params.yaml here; nothing if it is valid."""
    try:
        study = reading.load()
        check.write(study, plans.resolve(study), {})
    except ParamsError as error:
        assert error.lines
        for line in error.lines:
            assert line.startswith("params.yaml"), line
            assert line.isprintable() and len(line) < 1000, line
        return error.lines
    return []


@given(mutations())
@settings(max_examples=400, **GENERATED)
def test_a_change_is_valid_or_gets_a_clear_line(study):
    written(study)
    complaints()


NEEDED = {"data", "data.name", "seeds", "network", "training", "variants"} | {
    f"{section}.{key}" for section in ("network", "training") for key in BASE[section]
} - {"training.momentum"}


@pytest.mark.parametrize("place", places(BASE), ids=lambda place: ".".join(map(str, place)))
def test_what_is_missing_is_named_where_it_is_needed(place):
    study = copy.deepcopy(BASE)
    *above, last = place
    section = study
    for key in above:
        section = section[key]
    del section[last]
    written(study)
    key = ".".join(map(str, place))
    assert (f"params.yaml: {key}: is missing" in complaints()) == (key in NEEDED)


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{', '.join([f'*{chr(97 + i)}'] * 9)}]}}\n"
    for i in range(9)
)
TEXTS = {
    "empty": b"",
    "a comment": b"# nothing\n",
    "null": b"null\n",
    "a list": b"- 1\n",
    "a word": b"hello\n",
    "two documents": b"seeds: 1\n---\nseeds: 2\n",
    "an open bracket": b"seeds: [1\n",
    "an open quote": b'seeds: "1\n',
    "a tab": b"network:\n\thidden: [1]\n",
    "twice": b"seeds: 1\nseeds: 2\n",
    "an unknown alias": b"seeds: *x\n",
    "an alias of itself": b"variants: &a {x: *a}\n",
    "a list of itself": b"a: &a [*a]\n",
    "billions by aliases": LAUGHS.encode(),
    "billions by merging": MERGES.encode(),
    "a merge of a number": b"a: {<<: 1}\n",
    "deep": b"[" * 3000,
    "deep mappings": b"{a: " * 3000,
    "an object of Python": b"seeds: !!python/object/apply:os.system [touch pwned]\n",
    "a module of Python": b"seeds: !!python/module:antigravity\n",
    "a tag of nobody's": b"seeds: !nobody 1\n",
    "a set": b"variants: !!set {a, b}\n",
    "an ordered mapping": b"variants: !!omap [a: 1]\n",
    "binary": b"seeds: !!binary aGVsbG8=\n",
    "bad binary": b"seeds: !!binary x\n",
    "no number": b"seeds: !!int abc\n",
    "no fraction": b"seeds: !!float abc\n",
    "no truth": b"seeds: !!bool maybe\n",
    "no date": b"seeds: !!timestamp 2026-13-45\n",
    "a date": b"seeds: 2026-01-01\n",
    "digits": b"seeds: " + b"9" * 5000 + b"\n",
    "hexadecimal": b"seeds: 0xZZ\n",
    "digits in another base": b"seeds: 0x" + b"f" * 5000 + b"\n",
    "an older YAML": b"%YAML 1.1\n---\nseeds: 1\n",
    "NUL": b"seeds: 1\x00\n",
    "a bell": b"seeds: \x07\n",
    "an escape": b'"\\e[31m": 1\n',
    "half a character": b'seeds: "\\ud800"\n',
    "half a key": b'"\\ud800": 1\n',
    "Latin-1": "seeds: ü\n".encode("latin-1"),
    "UTF-16": "seeds: 1\n".encode("utf-16"),
    "random bytes": bytes(range(256)),
    "a key that is a list": b"? [1, 2]\n: 3\n",
    "a key that is a mapping": b"? {a: 1}\n: 3\n",
    "a mark of another YAML": b"%YAML 3.0\n---\nseeds: 1\n",
    "a long key": b"x" * 2000 + b": 1\n",
    "a long line": b"seeds: '" + b"x" * 100_000 + b"'\n",
    "a large file": b"# " + b"x" * 2_000_000 + b"\n",
    "carriage returns": b"seeds: 1\r\nx: 2\r\n",
    "JSON": b'{"seeds": 1}',
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_that_is_no_study_gets_a_clear_line(text):
    Path("params.yaml").write_bytes(text)
    assert complaints()
    assert list(Path().iterdir()) == [Path("params.yaml")]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "endless", "dangling", "loop"])
def test_what_is_no_file_gets_a_clear_line(kind):
    path = Path("params.yaml")
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "endless":
            path.symlink_to("/dev/zero")
        case "dangling":
            path.symlink_to("nothing")
        case "loop":
            path.symlink_to(path)
    [line] = complaints()
    assert "cannot be read" in line


COSTLY = {
    "memory of a layer": ("network.hidden", [1_000_000], "variants.baseline: would take about"),
    "memory of layers": ("network.hidden", [30_000] * 4, "variants.baseline: would take about"),
    "memory of seeds": ("seeds", 1_000_000, "variants.baseline: would take about"),
    "time": ("training.epochs", 1_000_000, "the study would train for about "),
    "seeds": ("seeds", 10**9, "seeds = 1000000000: must be less than or equal to 1000000"),
    "epochs": ("training.epochs", 10**9, "training.epochs = 1000000000: must be less than"),
    "batch": ("training.batch_size", 10**30, "training.batch_size = 1000000000000000"),
    "limit": ("data.limit", 10**7, "data.limit = 10000000: must be less than or equal to 60000"),
    "width": ("network.hidden", [10**400], "network.hidden.0 = 1000000"),
}


@pytest.mark.parametrize(("key", "value", "words"), COSTLY.values(), ids=COSTLY)
def test_what_cannot_be_had_is_told_with_the_figure(key, value, words):
    study = copy.deepcopy(BASE)
    section, _, last = key.rpartition(".")
    (study[section] if section else study)[last] = value
    if key == "training.epochs":
        study["network"]["hidden"] = [2000, 2000]
        study["data"] = {"name": "mnist"}
    written(study)
    assert any(words in line for line in complaints())


def test_all_images_are_all_images_however_written():
    texts = set()
    for limit in (None, params.TRAIN_IMAGES):
        written(BASE | {"data": {"name": "mnist", "limit": limit}})
        texts.add(plans.resolve(reading.load())["baseline"].as_json())
    assert len(texts) == 1
