"""YAML as initlab reads it, compared with DVC's own reading of the same file."""

import datetime
import math

import pytest
import yaml
from dvc.utils.serialize import load_yaml

from stages.settings import yaml_file
from tests.conftest import ROOT

# Scalars that YAML 1.1 and 1.2 read differently, and similar ones.
SCALARS = [
    "1e-3", "1E5", "-1.5e+3", ".5", "+.5e-3", "1.", "-.inf", ".nan", "1_000", "0x1F", "0o17",
    "0b11", "010", "+7", "-0", "yes", "No", "on", "OFF", "y", "true", "FALSE", "null", "~",
    "1:30", "190:20:30", "e3", "1e", "0.1.2", "a:b", "'1e-3'", '"off"',
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


@pytest.mark.parametrize(
    "text",
    [f"{{key: [{', '.join(SCALARS)}]}}\n", (ROOT / "params.yaml").read_text(encoding="utf-8")],
    ids=["scalars", "study"],
)
def test_values_equal_those_that_dvc_reads(tmp_path, text):
    ours, dvcs = both(tmp_path / "params.yaml", text)
    assert same(ours, dvcs), (ours, dvcs)


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "v: {a: 1, b: 2, a: 3}\n", "- {x: 1, 'x': 1}\n"])
def test_key_that_occurs_twice_is_refused(text):
    with pytest.raises(yaml.YAMLError, match="occurs twice"):
        yaml_file.loads(text)


@pytest.mark.parametrize(
    "text",
    ["2026-01-01", "2026-1-1 10:00:00", "2001-12-14t21:59:43.10-05:00", "2026-01", "'2026-01-01'"],
)
def test_dates_that_stop_dvc_are_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(f"a: {text}\n")
    if isinstance(load_yaml(str(tmp_path / "params.yaml"))["a"], datetime.date):
        with pytest.raises(yaml_file.RefusedError, match="is a date; quote it"):
            yaml_file.loads(f"a: {text}\n")
    else:
        assert yaml_file.loads(f"a: {text}\n") == {"a": text.strip("'")}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a: &a {x: 1}\nb: *a\nc: {d: *a}\n", [["a", "b", "c.d"]]),
        ("a: &a {x: {y: 1}}\nb: *a\n", [["a", "b"]]),
        ("a: &a {x: {y: 1}, z: 1}\nb: {<<: *a, z: 2}\n", [["a.x", "b.x"]]),
        ("a: &a {x: 1}\nb: {<<: *a, y: 2}\n", []),
        ("a: &a 1\nb: *a\nc: &c [1]\nd: *c\n", []),
        ("a: {x: 1}\nb: {x: 1}\n", []),
    ],
)
def test_mappings_that_aliases_repeat_are_named(text, keys):
    assert yaml_file.aliases(yaml_file.loads(text)) == keys


def test_merged_mapping_can_be_overridden():
    text = "base: &base {a: 1, b: 2}\nown: &own {<<: *base, b: 3}\nagain: {<<: *own, a: 4}\n"
    assert yaml_file.loads(text)["own"] == {"a": 1, "b": 3}
    assert yaml_file.loads(text)["again"] == {"a": 4, "b": 3}
