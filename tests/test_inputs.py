"""Mutated params.yaml: check accepts it or names every mistake."""

import copy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages import check
from stages.settings import initializers, plans, reading, yaml_file
from stages.settings.mistakes import ParamsError
from tests.conftest import SMALL


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(initializers, "FOLDER", initializers.FOLDER.resolve())
    monkeypatch.chdir(tmp_path)


def checked(values: dict) -> None:
    """Check a study and write its plans; raises ParamsError."""
    Path("params.yaml").write_text(yaml_file.dumps(values), encoding="utf-8")
    study = reading.load()
    check.write(study, plans.resolve(study), {})


DEEP = {
    "network": {"hidden": [8, 8, 8], "activation": "tanh"},
    "training": {"epochs": 2, "optimizer": "sgd", "lr": 0.001, "momentum": 0.9},
    "fc3": {"weight": {"kaiming_normal": {"mode": "fan_out", "nonlinearity": "tanh"}}},
}
BASE = SMALL | {
    "variants": SMALL["variants"] | {"deep": DEEP},
    "display": {"deep": {"label": "8 layers", "group": "depth", "color": "#0072b2"}},
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
@settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_mutated_study_is_valid_or_gets_clear_lines(study):
    try:
        checked(study)
    except ParamsError as error:
        assert error.lines
        for line in error.lines:
            assert line.startswith("params.yaml") and line.isprintable() and len(line) < 600, line
