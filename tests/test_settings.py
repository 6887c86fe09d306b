"""params.yaml: what is valid, and the one line that each mistake gets."""

import copy
import json

import jsonschema
import psutil
import pytest

from stages.settings import memory, plans, reading, yaml_file
from stages.settings.mistakes import ParamsError
from tests.conftest import ROOT, SMALL, as_yaml
from tools import schema


def written(tmp_path, values):
    path = tmp_path / "params.yaml"
    text = values if isinstance(values, str) else as_yaml(values)
    path.write_text(text, encoding="utf-8")
    return path


def changed(key: str, value: object) -> dict:
    """The small study with another value at a dotted key."""
    values = copy.deepcopy(SMALL)
    *parents, last = key.split(".")
    section = values
    for parent in parents:
        section = section.setdefault(parent, {})
    section[last] = value
    return values


def mistakes(tmp_path, values) -> list[str]:
    try:
        plans.resolve(reading.checked(reading.read(written(tmp_path, values))))
    except ParamsError as error:
        return error.lines
    return []


def test_small_study_is_valid(tmp_path):
    assert mistakes(tmp_path, SMALL) == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        # types
        ("seeds", True, ["seeds = True", "whole number"]),
        ("training.lr", "fast", ["training.lr = 'fast'", "number"]),
        ("training.lr", float("nan"), ["training.lr = nan", "finite"]),
        ("network", 7, ["network = 7", "mapping", "hidden, activation"]),
        ("variants.a", {1: 2}, ["variants.a.1 = 1: Keys should be strings"]),
        ("data.limit", 10**30, ["data.limit = 10", "less than or equal to 1000000"]),
        ("variants.baseline", 3, ["variants.baseline = 3", "mapping", "network, training, all"]),
        # sizes
        ("seeds", 0, ["seeds = 0", "greater than 0"]),
        ("network.hidden", [], ["network.hidden = []", "at least 1 item"]),
        ("network.hidden", {"width": 4}, ["network.hidden: ", "a width and a depth from 1 to"]),
        # choices
        # unknown keys
        ("training.ir", 0.1, ["training.ir: unknown key", "did you mean 'lr'", "batch_size"]),
        ("variants.baseline.fc9", {}, ["variants.baseline.fc9: unknown key", "fc1, fc2, out"]),
        ("variants.a.fc1.wieght", "zeros", ["variants.a.fc1.wieght: unknown key", "'weight'?"]),
        ("display.basline", {}, ["display.basline: unknown key", "did you mean 'baseline'"]),
        ("display.baseline.colour", "red", ["baseline.colour: unknown key", "mean 'color'"]),
        # names, labels and colours
        ("variants.b\u0430seline", {}, ["variants.b\\u0430seline: ", "lower-case"]),
        ("variants", {}, ["variants = {}", "at least 1 item"]),
        ("display.baseline.label", "\u202ea", ["label = '\\u202ea'", "visible characters"]),
        ("display.baseline.color", "red", ["display.baseline.color = 'red'", "#0072b2"]),
        ("display", {"all_ones": {"label": "baseline"}}, ["need different labels"]),
        ("display.all_ones.label", "PyTorch \n default", ["all_ones.label = 'PyTorch default'"]),
        # initializers
        ("variants.a.all.weight", 0.1, ["all.weight = 0.1", "{normal: {std: 0.1}}"]),
        ("variants.a.all.weight", "zeroes", ["'zeroes': no such initializer; did you mean 'zer"]),
        ("variants.a.fc1.weight", "constant", ["fc1.weight.constant.val: is missing"]),
        ("variants.a.out.bias", {"normal": {"std": "x"}}, ["bias.normal.std = 'x': must be a"]),
        ("variants.a.all.weight", {"kaiming_normal": {"mode": "x"}}, ["mode = 'x': must be 'fan"]),
        ("variants.a.out.bias", "eye", ["out.bias = 'eye': cannot fill out.bias: "]),
        # a setting without effect
        ("training.momentum", 0.9, ["training.momentum = 0.9", "only the optimizer sgd"]),
        # more than this machine has
        ("network.hidden", [1_000_000], ["variants.all_ones: would take about", "GB of memory"]),
    ],
)
def test_mistake_gets_one_line(tmp_path, key, value, words):
    values = changed(key, value)
    if "would take" in words[0]:
        del values["variants"]["baseline"], values["display"]
    lines = mistakes(tmp_path, values)
    assert len(lines) == 1, lines
    assert lines[0].isprintable()
    for word in ["params.yaml: ", *words]:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("group", "file", "content", "limit"),
    [
        ("0::/", "memory.max", "1000", 1000),
        ("0::/", "memory.max", "max", None),
        ("0::/", "cpu.max", "1000", None),
        ("0::/user/job/step", "user/job/memory.max", "1000", 1000),
        ("1:cpu:/\n4:memory:/", "memory/memory.limit_in_bytes", "1000", 1000),
        ("4:memory:/docker/1", "memory/memory.limit_in_bytes", "1000", 1000),  # it sees no docker/1
        ("4:memory:/", "memory/memory.limit_in_bytes", str(2**63), None),
    ],
)
def test_memory_is_that_of_the_container(tmp_path, group, file, content, limit):
    groups, path = tmp_path / "proc/self/cgroup", tmp_path / "sys/fs/cgroup" / file
    for place, text in ((groups, f"{group}\n"), (path, f"{content}\n")):
        place.parent.mkdir(parents=True)
        place.write_text(text)
    assert memory.limit(tmp_path) == (limit or psutil.virtual_memory().total)


def test_all_mistakes_are_reported_at_once(tmp_path):
    values = changed("training.lr", -1)
    assert len(mistakes(tmp_path, values | {"seeds": 0})) == 2
    wrong = {"all": {"weight": "zeross"}}
    several = {"variants": {"a": wrong, "baseline": {}, "c": wrong}, "display": {}}
    assert len(mistakes(tmp_path, SMALL | several)) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "must be a mapping with the keys data, seeds"),
        (b"seeds: [1\n", "params.yaml, line 2: not valid YAML: "),
        (b"a: 1\nseeds: 1\nseeds: 2\n", "params.yaml, line 3: not valid YAML: the key seeds "),
        (b"seeds: !!python/module:antigravity\n", "not valid YAML: could not determine"),
        (b"a: 1\nb: {c: 2026-01-01}\n", "params.yaml, line 2: 2026-01-01 is a date; quote it"),
        (b"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n", "params.yaml, line 1: merge conflict"),
        (b"a: 1\n>>>>>>> x\n", "params.yaml, line 2: merge conflict: keep one version"),
        (b"seeds: !!bool maybe\n", "cannot be read: KeyError"),
        ("seeds: ü\n".encode("latin-1"), "cannot be read: 'utf-8'"),
        (b"[" * 500, "cannot be read: RecursionError"),
        (None, "cannot be read: No such file"),
    ],
)
def test_unreadable_file_gets_one_line(tmp_path, text, words):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ParamsError) as error:
        reading.checked(reading.read(path))
    [line] = error.value.lines
    assert line.startswith("params.yaml") and words in line and line.isprintable()


@pytest.fixture(scope="module")
def editor() -> jsonschema.Draft202012Validator:
    """The validator with which editors check params.yaml."""
    committed = json.loads(schema.FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(committed)
    return jsonschema.Draft202012Validator(committed)


def test_schema_for_editors_is_current():
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run: make schema"
    first = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema.FILE.name}"


def test_editors_accept_the_study(editor):
    values = yaml_file.loads((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert [error.message for error in editor.iter_errors(values)] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trainig", {"lr": 0.1}),
        ("network.hidden", [16, 0]),
        ("variants.Shout", {}),
        ("variants.baseline.fc 1", {"weight": "ones"}),
        ("variants.baseline.all.weight", "zeross"),
        ("variants.baseline.all.weight", "constant"),
        ("variants.baseline.all.weight", {"constant": {"val": "one"}}),
        ("variants.baseline.all.weight", {"zeros": None, "ones": None}),
        ("display.baseline.color", "red"),
    ],
)
def test_editors_and_check_find_the_same_mistakes(editor, tmp_path, key, value):
    values = changed(key, value)
    assert not editor.is_valid(values)
    assert mistakes(tmp_path, values)
