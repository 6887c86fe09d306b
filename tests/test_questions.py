"""The small study of questions.yaml: its settings, its answers, and the numbers in them."""

import csv
import math
import re
import statistics
from collections import defaultdict
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from scipy import stats

from stages.analysis.cells import Cells, Trained
from stages.rendering import answers
from stages.settings import reading, sweeps
from stages.settings.mistakes import ParamsError
from stages.settings.params import Params
from tests.conftest import NO_QUESTIONS, ROOT, SMALL, as_yaml

DOCUMENT = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
QUESTIONS = yaml.safe_load((ROOT / "questions.yaml").read_text(encoding="utf-8"))["questions"]
WRITTEN = yaml.safe_load((answers.TEMPLATES / "answers.yaml").read_text(encoding="utf-8"))
NUMBER = r"[−+]?[\d,.]+"
PLAIN = re.compile(rf"\[({NUMBER}) % \(({NUMBER}) to ({NUMBER}) %\)\]\(#([\w-]+)\)")
APART = re.compile(rf"\[({NUMBER}) points \(({NUMBER}) to ({NUMBER})\)\]\(#([\w-]+)\)")


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def tables() -> dict[str, dict[str, list[dict[str, str]]]]:
    """The rows of every table, by the anchor of their row and by their column."""
    found: dict = defaultdict(lambda: defaultdict(list))
    for name in QUESTIONS["sweeps"]:
        with (ROOT / "reports" / "sweeps" / f"{name}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found[f"{name}-{row['y']}"][row["x"]].append(row)
    return found


def interval(values: list[float]) -> tuple[float, float, float]:
    """The mean of some values and Student's 95 % interval, in per cent."""
    mean, n = statistics.fmean(values), len(values)
    half = stats.t.ppf(0.975, n - 1) * statistics.stdev(values) / math.sqrt(n)
    return tuple(100 * end for end in (mean, max(mean - half, 0), min(mean + half, 1)))


def apart(own: list[dict[str, str]], other: list[dict[str, str]]) -> list[float]:
    """Differences of accuracies, of the seeds that both have."""
    return [float(a["test_acc"]) - float(b["test_acc"]) for a, b in zip(own, other, strict=False)]


def texts() -> str:
    """The answers of the document, without its tables."""
    return DOCUMENT.partition("## The measurements")[0]


def test_most_questions_are_answered_by_a_measurement():
    answered = [part for part in texts().split("\n**")[1:] if "*Not answered" not in part]
    assert len(texts().split("\n**")) - 1 == sum(map(len, WRITTEN.values()))
    assert len(answered) >= 45
    unlinked = [part.splitlines()[0] for part in answered if not re.search(r"\]\((#|\.\./)", part)]
    assert not unlinked


def test_accuracies_in_answers_are_those_of_the_linked_row():
    rows, shown = tables(), PLAIN.findall(texts())
    assert len(shown) > 60
    for mean, low, high, anchor in shown:
        written = [number(text) for text in (mean, low, high)]
        cells = [[float(row["test_acc"]) for row in cell] for cell in rows[anchor].values()]
        near = [
            all(abs(a - b) <= 0.0501 for a, b in zip(written, interval(cell), strict=True))
            for cell in cells
            if len(cell) > 1
        ]
        assert any(near), (mean, low, high, anchor)


def test_differences_in_answers_are_paired_and_those_of_the_linked_row():
    rows, shown = tables(), APART.findall(texts())
    assert len(shown) > 8
    for mean, _, _, anchor in shown:
        sweep = anchor.partition("-")[0]
        others = [cells for name, cells in rows.items() if name.startswith(f"{sweep}-")]
        differences = {
            round(100 * statistics.fmean(apart(own, other[column])), 1)
            for column, own in rows[anchor].items()
            for other in others
        }
        assert any(abs(number(mean) - one) <= 0.1 for one in differences), (mean, anchor)


def test_links_lead_to_rows_that_are_there():
    anchors = set(re.findall(r'<a id="([\w-]+)"></a>', DOCUMENT))
    linked = set(re.findall(r"\]\(#([\w-]+)\)", texts()))
    headings = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in
                re.findall(r"^## (.*)", DOCUMENT, re.MULTILINE)}  # fmt: skip
    assert linked - anchors <= headings
    assert len(linked & anchors) > 50


def test_answers_name_cells_of_the_study():
    for one in (entry for topic in WRITTEN.values() for entry in topic):
        assert ("answer" in one) != ("limit" in one), one["source"]
        for sweep, y, x in re.findall(r"[\"'](\w+)/([\w.-]+)/([\w.-]+)[\"']", str(one)):
            axes = QUESTIONS["sweeps"][sweep]["axes"]
            assert y in axes["y"].get("settings", {}) or "key" in axes["y"], (one["source"], y)
            assert x in axes["x"].get("settings", {}) or "key" in axes["x"], (one["source"], x)


def test_an_answer_whose_condition_is_false_is_left_out():
    environment = answers.Environment()
    environment.globals["mean"] = {"a/b/c": 0.4}.__getitem__
    shown = {"answer": "It learns: {{ mean('a/b/c') }}."}
    assert answers.answered(environment, shown) == "It learns: 0.4."
    assert answers.answered(environment, shown | {"if": "mean('a/b/c') > 0.3"})
    assert answers.answered(environment, shown | {"if": "mean('a/b/c') > 0.5"}) is None
    environment.globals["mean"] = lambda _: (_ for _ in ()).throw(answers.Missing())
    assert answers.answered(environment, shown) is None


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("pytorch/pytorch#1", "https://github.com/pytorch/pytorch/issues/1"),
        ("arcee-ai/mergekit PR 664", "https://github.com/arcee-ai/mergekit/pull/664"),
        ("discuss.pytorch.org/t/2", "https://discuss.pytorch.org/t/2"),
    ],
)
def test_addresses_of_sources(source, url):
    assert answers.address(source) == url


def cells(*losses_and_accuracies: tuple[float, float]) -> Cells:
    import pandas as pd

    columns = ["train_loss", "test_acc"]
    rows = pd.DataFrame(losses_and_accuracies, columns=columns).assign(test_loss=1.0)
    return Cells({"one": Trained("one", {}, rows)}, commonest=0.1)


def test_ends_of_cells():
    assert cells((1.0, 0.4), (1.0, 0.5)).ends("one") == {"learns": 2}
    assert cells((1.0, 0.4), (1.0, 0.5)).agree("one")
    assert cells((1.0, 0.4), (2.3, 0.14)).ends("one") == {"learns": 1, "stuck": 1}
    assert not cells((math.nan, 0.1), (math.nan, 0.1)).agree("one")


# ------------------------------------------------------------------------------ settings

ASKED = {
    "axes": {
        "x": {"settings": {
            "sgd": {"training": {"optimizer": "sgd", "lr": 0.5}, "seeds": 2}, "adam": {},
        }},
        "y": {"settings": {
            "default": {"label": "PyTorch default"},
            "two": {"network": {"residual": {"blocks": 2}}, "seeds": 3,
                    "training": {"optimizer": "sgd", "lr": 0.25}},
        }},
    },
    "base": {"network": {"residual": {"width": 8}}}, "seeds": 1, "steps": 1, "shows": "test_acc",
}  # fmt: skip


def resolved(tmp_path: Path, sweep: dict) -> dict:
    """The cells of a sweep of a questions.yaml, by their y and x."""
    written = deepcopy(NO_QUESTIONS)
    written["questions"]["sweeps"]["asked"] = sweep
    path = tmp_path / "questions.yaml"
    path.write_text(as_yaml(written), encoding="utf-8")
    asked = reading.asked(Params.model_validate(SMALL), path)
    grid = sweeps.resolve(asked, "questions.")["asked"]
    return {(cell.y, cell.x): cell.plan for cell in grid.cells}


def test_settings_by_name_are_merged_and_y_is_over_x(tmp_path):
    found = resolved(tmp_path, ASKED)
    assert {key: plan.seeds for key, plan in found.items()} == {
        ("default", "sgd"): 2, ("default", "adam"): 1, ("two", "sgd"): 2, ("two", "adam"): 3,
    }  # fmt: skip
    assert found["two", "sgd"].lr == 0.25
    assert (found["default", "sgd"].lr, found["default", "adam"].lr) == (0.5, 0.001)
    assert [found[y, "adam"].arguments["blocks"] for y in ("default", "two")] == [8, 2]
    assert {plan.arguments["width"] for plan in found.values()} == {8}


def test_a_tensor_can_be_named(tmp_path):
    cell = {"network": {"recurrent": {"width": 4, "kind": "rnn"}}, "cell": {"weight": "zeros"},
            "cell.weight_hh_l0": {"weight": "eye"}}  # fmt: skip
    axes = {"x": ASKED["axes"]["x"], "y": {"settings": {"one": cell}}}
    plan = resolved(tmp_path, ASKED | {"axes": axes, "base": {}})["one", "adam"]
    fills = {name: fill.initializer for name, fill in plan.tensors.items()}
    assert fills["cell.weight_hh_l0"] == "eye"
    assert fills["cell.weight_ih_l0"] == "constant"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"x": {"settings": {"a": {"fc9": {"weight": "ones"}}}}},
         "questions.sweeps.asked: at x = a, y = default: fc9: unknown key"),
        ({"x": {"settings": {"a": {"training": {"lr": -1}}}}},
         "questions.sweeps.asked: at x = a, y = default: training.lr = -1: must be"),
        ({"x": {"settings": {"A": {}}}}, "questions.sweeps.asked.axes.x.settings.A"),
        ({"x": {"settings": {"a": {}}, "values": [1]}},
         "questions.sweeps.asked.axes.x: takes either settings or values"),
        ({"x": {"values": [1]}}, "questions.sweeps.asked.axes.x: needs settings by name"),
    ],
)  # fmt: skip
def test_a_mistake_in_questions_gets_one_line(tmp_path, change, line):
    with pytest.raises(ParamsError) as caught:
        resolved(tmp_path, ASKED | {"axes": ASKED["axes"] | change})
    [found] = caught.value.lines
    assert found.startswith(f"questions.yaml: {line}")


def test_sweeps_of_both_files_need_different_names(tmp_path):
    settings = Params.model_validate(SMALL | {"sweeps": {"asked": ASKED}})
    path = tmp_path / "questions.yaml"
    written = deepcopy(NO_QUESTIONS)
    written["questions"]["sweeps"]["asked"] = ASKED
    path.write_text(as_yaml(written), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"^questions\.yaml: questions\.sweeps\.asked: is in"):
        reading.asked(settings, path)
