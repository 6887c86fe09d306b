"""YAML as PyYAML reads it for us, against DVC's own reading of the same file."""

import math

import pytest
import yaml
from dvc.utils.serialize import load_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.settings import yaml_file
from tests.conftest import ROOT

# What the two versions of YAML take for different things, and its neighbours.
SCALARS = [
    "1e-3", "1E5", "-1.5e+3", ".5", "+.5e-3", "1.", "-.inf", ".nan", "1_000", "0x1F", "0o17",
    "0b11", "010", "+7", "-0", "yes", "No", "on", "OFF", "y", "true", "FALSE", "null", "~",
    "1:30", "190:20:30", "e3", "1e", "0.1.2", "2026-01-01", "a:b", "'1e-3'", '"off"',
]  # fmt: skip


def same(ours, dvcs) -> bool:
    if isinstance(ours, float) and math.isnan(ours):
        return isinstance(dvcs, float) and math.isnan(dvcs)
    if isinstance(ours, dict) and isinstance(dvcs, dict):
        return ours.keys() == dvcs.keys() and all(same(ours[key], dvcs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(dvcs, list):
        return len(ours) == len(dvcs) and all(map(same, ours, dvcs))
    return type(ours) is type(dvcs) and ours == dvcs


def both(path, text: str) -> tuple:
    path.write_text(text, encoding="utf-8")
    return yaml_file.loads(text), load_yaml(str(path))


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_scalar_is_what_dvc_takes_it_for(tmp_path, scalar):
    if scalar == "2026-01-01":  # DVC makes a date of it, which no setting is
        assert yaml_file.loads(scalar) == scalar
        return
    ours, dvcs = both(tmp_path / "params.yaml", f"{{key: [{scalar}]}}\n")
    assert same(ours, dvcs), (ours, dvcs)


def test_a_rate_in_scientific_notation_is_a_number():
    assert yaml_file.loads("lr: 1e-3") == {"lr": 0.001}


def test_the_study_is_what_dvc_reads(tmp_path):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    ours, dvcs = both(tmp_path / "params.yaml", text)
    assert same(ours, dvcs)


# Text on one line: control characters and separators of lines are no part of a setting.
text = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | text | st.sampled_from(SCALARS)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner), max_leaves=12
)


@given(values)
@settings(derandomize=True, deadline=None, max_examples=500)
def test_what_is_written_is_read_alike(tmp_path_factory, written):
    path = tmp_path_factory.getbasetemp() / "generated.yaml"
    ours, dvcs = both(path, yaml_file.dumps({"key": written}))
    assert same(ours, dvcs)
    assert same(ours, {"key": written})


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "v: {a: 1, b: 2, a: 3}\n", "- {x: 1, 'x': 1}\n"])
def test_a_key_that_is_there_twice_is_refused(text):
    with pytest.raises(yaml.YAMLError, match="is there twice"):
        yaml_file.loads(text)


def test_a_merged_mapping_may_be_overridden():
    text = "base: &base {a: 1, b: 2}\nown: &own {<<: *base, b: 3}\nagain: {<<: *own, a: 4}\n"
    assert yaml_file.loads(text)["own"] == {"a": 1, "b": 3}
    assert yaml_file.loads(text)["again"] == {"a": 4, "b": 3}
