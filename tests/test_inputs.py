"""Generated and mutated params.yaml: a valid study runs, any other gets clear lines."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages import check
from stages.settings import fields, initializers, plans, reading, yaml_file
from stages.settings.mistakes import ParamsError
from stages.training import network, workers
from stages.training.data import TRAIN_IMAGES, Dataset
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


def called(names: list[str], arguments):
    """One of these initializers with drawn arguments."""
    return st.builds(lambda name, values: {name: values}, st.sampled_from(names), arguments)


FILLS_ANY = st.one_of(
    st.sampled_from(["zeros", "ones", {"normal": None}]),
    called(["constant"], st.fixed_dictionaries({"val": numbers(-1e30, 1e30) | st.integers(-9, 9)})),
    called(["normal"], drawn(mean=numbers(-5, 5), std=numbers(0, 9))),
    called(["trunc_normal"], drawn(mean=numbers(-99, 99), std=numbers(1e-3, 9))),
)
FILLS_WEIGHT = FILLS_ANY | st.one_of(
    called(["xavier_normal", "orthogonal", "hadamard"], drawn(gain=numbers(0, 9))),
    called(
        ["kaiming_normal", "kaiming_uniform"],
        drawn(a=numbers(-9, 9), mode=st.sampled_from(["fan_in", "fan_out"])),
    ),
    called(["sparse"], st.fixed_dictionaries({"sparsity": numbers(0, 1)})),
)
HIDDEN = st.lists(st.integers(1, 24), min_size=1, max_size=4)
ACTIVATIONS = st.sampled_from(sorted(network.KERNELS))
TRAINING = st.fixed_dictionaries(
    {
        "epochs": st.integers(1, 30),
        "batch_size": st.integers(1, TRAIN_IMAGES),
        "optimizer": st.sampled_from(["adam", "sgd"]),
        "lr": numbers(1e-9, 1e9),
    }
)


@st.composite
def variants(draw, hidden: list[int]) -> dict:
    own = drawn(network=drawn(hidden=HIDDEN, activation=ACTIVATIONS), training=TRAINING)
    entry = draw(own)
    layers = layer_names(entry.get("network", {}).get("hidden", hidden))
    for layer in draw(st.lists(st.sampled_from([*layers, "all"]), max_size=3, unique=True)):
        entry[layer] = draw(drawn(weight=FILLS_WEIGHT, bias=FILLS_ANY))
    return entry


@st.composite
def studies(draw) -> dict:
    """Valid ones."""
    hidden = draw(HIDDEN)
    names = draw(st.lists(st.from_regex(fields.NAME, fullmatch=True), min_size=1, max_size=3))
    return {
        "data": {"name": "mnist"} | draw(drawn(limit=st.none() | st.integers(1, TRAIN_IMAGES))),
        "seeds": draw(st.integers(1, 3)),
        "network": {"hidden": hidden, "activation": draw(ACTIVATIONS)},
        "training": draw(TRAINING),
        "variants": {name: draw(variants(hidden)) for name in names},
    }


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(initializers, "FOLDER", initializers.FOLDER.resolve())
    monkeypatch.chdir(tmp_path)


def checked(values: dict) -> None:
    """Check a study and write its plans; raises ParamsError."""
    Path("params.yaml").write_text(yaml_file.dumps(values), encoding="utf-8")
    study = reading.load()
    check.write(study, plans.resolve(study), {})


@pytest.mark.slow
@given(studies())
@settings(max_examples=20, **GENERATED)
def test_valid_study_passes_check_and_trains_two_steps(dataset, study):
    checked(study)
    few = Dataset(dataset.train.first(20), dataset.test.first(10))
    for name in study["variants"]:
        plan = Plan.read(Path("data", "plans", f"{name}.json"))
        plan = replace(plan, batch_size=min(plan.batch_size, 10), epochs=1)
        assert len(list(workers.train(plan, few, 1))) == 2 * plan.seeds


BASE = {
    "data": {"name": "mnist", "limit": 640},
    "seeds": 2,
    "network": {"hidden": [16, 8], "activation": "relu"},
    "training": {"epochs": 1, "batch_size": 64, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9},
    "variants": {
        "ones": {"all": {"weight": "ones", "bias": {"constant": {"val": 1.0}}}},
        "deep": {
            "network": {"hidden": [8, 8, 8], "activation": "tanh"},
            "training": {"epochs": 2, "optimizer": "adam", "lr": 0.001},
            "fc3": {"weight": {"kaiming_normal": {"mode": "fan_out", "nonlinearity": "tanh"}}},
        },
    },
    "display": {"ones": {"label": "all ones", "group": "constants", "color": "#0072b2"}},
}
JUNK = [
    None, True, 0, -1, 2.5, 10**7, 10**30, float("inf"), float("nan"), "", "x", "zer\u043es", "1",
    "x" * 500, "a\nb", "\u202eevil", "../x", [], [None], {}, {"": {}}, {"x": 1}, {1: 2}, b"\xff",
    {"zeros": {"zeros": {}}}, {"normal": {"std": {"a": [1]}}}, {"normal": [1]},
]  # fmt: skip
KEYS = ["", "x", "all", "fc1", "fc0", "fc99", "out", "Name", "a;b", "\u200bx", "weight", 7, None]


def places(values: object, path: tuple = ()) -> list[tuple]:
    """The path of every key and list entry in nested values."""
    entries = values.items() if isinstance(values, dict) else ()
    entries = enumerate(values) if isinstance(values, list) else entries
    return [path] * bool(path) + [p for key, v in entries for p in places(v, (*path, key))]


@st.composite
def mutations(draw) -> dict:
    """BASE with one change."""
    study = copy.deepcopy(BASE)
    *above, last = draw(st.sampled_from(places(BASE)))
    section = study
    for key in above:
        section = section[key]
    match draw(st.sampled_from(["replace", "delete", "rename"])):
        case "replace":
            section[last] = draw(st.sampled_from(JUNK))
        case "rename" if isinstance(section, dict):
            section[draw(st.sampled_from(KEYS))] = section.pop(last)
        case _:
            del section[last]
    return study


@given(mutations())
@settings(max_examples=60, **GENERATED)
def test_mutated_study_is_valid_or_gets_clear_lines(study):
    try:
        checked(study)
    except ParamsError as error:
        assert error.lines
        for line in error.lines:
            assert line.startswith("params.yaml") and line.isprintable() and len(line) < 600, line
