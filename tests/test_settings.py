"""params.yaml: what is accepted, and the one line that each mistake gets."""

import copy
import json
import os
import subprocess
import sys

import jsonschema
import pytest

from stages.settings import plans, reading, yaml_file
from stages.settings.reading import ParamsError
from tests.conftest import ROOT, SMALL
from tools import schema


def written(tmp_path, values):
    path = tmp_path / "params.yaml"
    if isinstance(values, str):
        path.write_text(values, encoding="utf-8")
    else:
        path.write_text(yaml_file.dumps(values), encoding="utf-8")
    return path


def changed(key: str, value: object) -> dict:
    values = copy.deepcopy(SMALL)
    *parents, last = key.split(".")
    section = values
    for parent in parents:
        section = section.setdefault(parent, {})
    section[last] = value
    return values


def mistakes(tmp_path, values) -> list[str]:
    try:
        plans.resolve(reading.load(written(tmp_path, values)))
    except ParamsError as error:
        return error.lines
    return []


def test_the_small_study_is_valid(tmp_path):
    assert mistakes(tmp_path, SMALL) == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        # a wrong type
        ("seeds", "five", ["seeds = 'five'", "whole number"]),
        ("seeds", 2.5, ["seeds = 2.5", "whole number"]),
        ("seeds", True, ["seeds = True", "whole number"]),
        ("training.lr", "fast", ["training.lr = 'fast'", "number"]),
        ("training.lr", float("nan"), ["training.lr = nan", "finite"]),
        ("network", 7, ["network = 7", "mapping", "hidden, activation"]),
        ("variants", None, ["variants = None", "mapping"]),
        ("variants.baseline", 3, ["variants.baseline = 3", "mapping"]),
        ("display.baseline.label", "a\x07b", ["label = 'a\\x07b'", "characters that can be seen"]),
        ("display.baseline.group", "x" * 201, ["group = 'xxx", "of up to 200 characters"]),
        ("display.baseline.label", "a\u200bb", ["label = 'a\\u200bb'", "that can be seen"]),
        ("display.baseline.label", "\u202ea", ["label = '\\u202ea'", "that can be seen"]),
        (
            "display.baseline.label",
            "all_ones",
            ["display.baseline.label = 'all_ones'", "look like one"],
        ),
        (
            "display.all_ones",
            {"label": " PyTorch \n default"},
            ["all_ones.label = 'PyTorch default': baseline and all_ones would have this label"],
        ),
        ("display.baseline.label", 3, ["display.baseline.label = 3", "string"]),
        ("display.baseline.group", 3, ["display.baseline.group = 3", "string"]),
        ("display.baseline.color", "red", ["display.baseline.color = 'red'", "#0072b2"]),
        # sizes
        ("seeds", 0, ["seeds = 0", "greater than 0"]),
        ("data.limit", -5, ["data.limit = -5", "greater than 0"]),
        ("network.hidden", [128, -64], ["network.hidden.1 = -64", "greater than 0"]),
        ("network.hidden", [], ["network.hidden = []", "1 to 200"]),
        ("network.hidden", [4] * 201, ["network.hidden = ", "1 to 200"]),
        ("training.epochs", -1, ["training.epochs = -1", "greater than 0"]),
        ("training.batch_size", 0, ["training.batch_size = 0", "greater than 0"]),
        ("variants.baseline.training", {"lr": -1.0}, ["variants.baseline.training.lr = -1.0"]),
        # choices
        ("data.name", "minst", ["data.name = 'minst'", "'mnist'", "'kmnist'"]),
        ("network.activation", "rleu", ["network.activation = 'rleu'", "'relu'", "'gelu'"]),
        ("training.optimizer", "adamw", ["training.optimizer = 'adamw'", "'adam' or 'sgd'"]),
        # unknown keys
        ("training.ir", 0.1, ["training.ir: unknown key", "did you mean 'lr'", "batch_size"]),
        ("sedes", 3, ["sedes: unknown key", "did you mean 'seeds'"]),
        ("variants.baseline.fc9", {}, ["variants.baseline.fc9: unknown key", "fc1, fc2, out"]),
        (
            "variants.baseline.fc1",
            {"wieght": "zeros"},
            ["variants.baseline.fc1.wieght: unknown key", "did you mean 'weight'"],
        ),
        ("display.basline", {}, ["display.basline: unknown key", "did you mean 'baseline'"]),
        # names, and no variants at all
        ("variants.Bad-Name", {}, ["variants.Bad-Name: ", "lower-case"]),
        ("variants.a;touch b", {}, ["variants.a;touch b: ", "lower-case"]),
        ("variants.$(id)", {}, ["variants.$(id): ", "lower-case"]),
        ("variants.1st", {}, ["variants.1st: ", "starting with a letter"]),
        ("variants." + "x" * 41, {}, ["at most 40"]),
        ("variants.null", {}, ["variants.null: ", "none of constructor, false, inf"]),
        ("variants.constructor", {}, ["variants.constructor: ", "none of constructor, "]),
        ("display.baseline.label", "a\uffff", ["label = 'a\\uffff'", "that can be seen"]),
        ("display.baseline.label", "\u2800", ["label = '\\u2800'", "that can be seen"]),
        ("variants", {}, ["variants = {}", "at least one"]),
        # initializers
        ("variants.baseline.all", {"weight": 0.1}, ["all.weight = 0.1", "{normal: {std: 0.1}}"]),
        ("variants.baseline.all", {"weight": ["zeros"]}, ["all.weight = ['zeros']"]),
        (
            "variants.baseline.all",
            {"weight": "zeroes"},
            ["all.weight = 'zeroes': no such initializer", "did you mean 'zeros'", "orthogonal"],
        ),
        (
            "variants.baseline.fc1",
            {"weight": {"normal": {"stdd": 1}}},
            ["fc1.weight = {'normal': {'stdd': 1}}", "unknown argument 'stdd'", "mean, std"],
        ),
        (
            "variants.baseline.fc1",
            {"weight": "constant"},
            ["fc1.weight = 'constant'", "argument 'val' is missing"],
        ),
        (
            "variants.baseline.out",
            {"weight": {"normal": {"std": "wide"}}},
            ["out.weight = {'normal': {'std': 'wide'}}", "argument 'std' must be a number"],
        ),
        (
            "variants.baseline.out",
            {"bias": "orthogonal"},
            ["out.bias = 'orthogonal'", "it fills a weight"],
        ),
        (
            "variants.baseline.all",
            {"weight": {"kaiming_normal": {"nonlinearity": "tahn"}}},
            ["all.weight = ", "argument 'nonlinearity' must be 'linear', "],
        ),
        (
            "variants.baseline.all",
            {"weight": {"constant": {"val": float("inf")}}},
            ["all.weight = ", "argument 'val' must be finite numbers"],
        ),
        # a setting that would do nothing
        ("training.momentum", 0.9, ["training.momentum = 0.9", "only the optimizer sgd"]),
    ],
)
def test_a_mistake_gets_one_line(tmp_path, key, value, words):
    lines = mistakes(tmp_path, changed(key, value))
    assert len(lines) == 1, lines
    assert "\n" not in lines[0]
    for word in ["params.yaml: ", *words]:
        assert word in lines[0]


def test_every_mistake_is_told_at_once(tmp_path):
    values = changed("training.lr", -1)
    values["seeds"] = 0
    assert len(mistakes(tmp_path, values)) == 2


def test_an_error_that_says_nothing_gets_one_line(tmp_path, monkeypatch):
    def fail(text: str) -> None:
        raise AssertionError

    monkeypatch.setattr(yaml_file, "loads", fail)
    with pytest.raises(ParamsError, match="has a value that cannot be read: AssertionError"):
        reading.load(written(tmp_path, SMALL))


def test_a_missing_file_gets_one_line(tmp_path):
    with pytest.raises(ParamsError, match="cannot be read"):
        reading.load(tmp_path / "params.yaml")


def test_a_number_in_scientific_notation_is_a_number(tmp_path):
    path = written(tmp_path, changed("training.lr", 1.0))
    path.write_text(path.read_text().replace("1.0", "1e-3"))
    assert reading.load(path).training.lr == 0.001


def test_a_variant_may_have_its_own_network_and_training(tmp_path):
    values = changed("variants.deep", {"network": {"hidden": [8] * 3}, "fc3": {"bias": "ones"}})
    values["variants"]["slow"] = {"training": {"optimizer": "sgd", "momentum": 0.9}}
    settings = reading.load(written(tmp_path, values))
    assert settings.network_of("deep").hidden == [8, 8, 8]
    assert settings.network_of("deep").activation == "relu"
    assert settings.network_of("slow").hidden == [16, 8]
    assert settings.training_of("slow").momentum == 0.9
    assert settings.training_of("slow").lr == 0.001
    assert settings.training_of("deep").optimizer == "adam"


def test_check_refuses_without_a_traceback_and_changes_nothing(fresh_clone, tmp_path):
    clone = fresh_clone.copy(tmp_path / "initlab")
    clone.params = changed("variants.x;touch pwned", {})
    before = {p: p.stat().st_mtime_ns for p in clone.folder.rglob("*") if ".git" not in p.parts}
    result = clone.run(sys.executable, "-B", "-m", "stages.check", expect=1)
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "x;touch pwned" in result.stderr
    after = {p: p.stat().st_mtime_ns for p in clone.folder.rglob("*") if ".git" not in p.parts}
    assert before == after


def test_train_names_the_variants_that_there_are(tmp_path):
    (tmp_path / "data" / "plans").mkdir(parents=True)
    (tmp_path / "data" / "plans" / "baseline.json").write_text("{}")
    command = [sys.executable, "-m", "stages.train", "basline"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert result.stderr == "basline: has no plan in data/plans; there are: baseline\n"


@pytest.fixture(scope="module")
def editor() -> jsonschema.Draft202012Validator:
    """What an editor checks params.yaml with."""
    committed = json.loads(schema.FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(committed)
    return jsonschema.Draft202012Validator(committed)


def test_the_schema_for_editors_is_current():
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run: make schema"
    first = (ROOT / reading.FILE).read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema.FILE.name}"


def test_editors_accept_the_study(editor):
    values = yaml_file.loads((ROOT / reading.FILE).read_text(encoding="utf-8"))
    assert [error.message for error in editor.iter_errors(values)] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trainig", {"lr": 0.1}),
        ("training.lr", "fast"),
        ("training.optimizer", "adm"),
        ("seeds", 0),
        ("network.hidden", [16, 0]),
        ("variants.Shout", {}),
        ("variants.baseline.fc0", {"weight": "ones"}),
        ("variants.baseline.all", {"weight": "zeross"}),
        ("variants.baseline.all", {"weight": "constant"}),
        ("variants.baseline.all", {"weight": {"constant": {"value": 1}}}),
        ("variants.baseline.all", {"weight": {"constant": {"val": "one"}}}),
        ("variants.baseline.all", {"weight": {"zeros": None, "ones": None}}),
        ("variants.baseline.all", {"weights": "ones"}),
        ("display.baseline.colour", "#000000"),
    ],
)
def test_editors_mark_what_a_run_would_refuse(editor, tmp_path, key, value):
    values = changed(key, value)
    assert not editor.is_valid(values)
    assert mistakes(tmp_path, values)
