"""The templates of `dvc plots`, drawn with Vega-Lite from made-up rows."""

import json

import pytest
import scipy.stats
import vl_convert

from stages.settings import yaml_file
from tests.conftest import ROOT
from tools import templates


def filled(template: str, rows: list[dict]) -> dict:
    """A template with the values that DVC would insert for one revision."""
    text = templates.text(template).replace('"<DVC_METRIC_DATA>"', json.dumps(rows))
    text = text.replace('"<DVC_METRIC_COLOR>"', '{"field": "rev", "type": "nominal"}')
    assert template == "heat_map" or "DVC_METRIC" not in text  # heat_map has titles to insert
    return json.loads(text)


def marks(node: dict) -> list[dict]:
    """All marks of a scene graph, with their type."""
    found = []
    for item in node.get("items", []):
        if node.get("marktype", "group") != "group":
            found.append(item | {"marktype": node["marktype"]})
        found += marks(item)
    return found


def drawn(template: str, rows: list[dict]) -> list[dict]:
    """The marks of a filled template."""
    rows = [{"rev": "HEAD"} | row for row in rows]
    return marks(vl_convert.vegalite_to_scenegraph(filled(template, rows))["scenegraph"])


@pytest.mark.parametrize("seeds", [1, 2, 5, 40])
def test_band_of_a_learning_curve_is_students_interval(seeds):
    values = [0.5 + 0.2 * (-1) ** seed + 0.001 * seed for seed in range(seeds)]
    rows = [
        {"variant": "a", "seed": str(seed), "epoch": str(epoch), "test_acc": str(value)}
        for seed, value in enumerate(values)
        for epoch in (0, 1)
    ]
    band = next(mark for mark in drawn("learning_curves", rows) if mark["marktype"] == "area")
    mean, half = sum(values) / seeds, 0.0
    if seeds > 1:
        half = scipy.stats.t.ppf(0.975, seeds - 1) * scipy.stats.sem(values)
    inside = min(1, mean + half) - max(0, mean - half)  # an accuracy is between 0 and 1
    # A panel is 110 pixels high for accuracies of 0 to 1.
    assert abs(band["height"]) / 110 == pytest.approx(inside, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("outcomes", [["learns", "stuck", "learns"], ["diverges"] * 3])
@pytest.mark.parametrize("template", ["learning_curves", "dead_units", "symmetry_gap"])
def test_seeds_that_disagree_or_diverge_are_drawn_one_by_one(template, outcomes):
    column = templates.CURVES[template].y
    rows = [
        {"variant": name, "seed": seed, "epoch": epoch, "end": end, column: value}
        for name, ends in (("agree", ["learns"] * 3), ("disagree", outcomes))
        for seed, (end, value) in enumerate(zip(ends, ("0.9", "0.1", "0.8"), strict=True))
        for epoch in ("0", "1")
    ]
    found = drawn(template, rows)
    # A curve of two points: the mean of one variant, and every seed of the other.
    assert sum(mark["marktype"] == "line" for mark in found) == 2 * (1 + 3)
    bands = [round(mark["height"], 6) for mark in found if mark["marktype"] == "area"]
    assert sum(height != 0 for height in bands) == 2


def test_no_mean_is_drawn_of_seeds_that_disagree():
    rows = [
        {"variant": name, "seed": str(seed), "end": end, "test_acc": "0.5"}
        for name, ends in (("agree", ("learns", "learns")), ("disagree", ("learns", "stuck")))
        for seed, end in enumerate(ends)
    ]
    assert sum(mark["marktype"] == "rect" for mark in drawn("by_variant", rows)) == 1
    cells = {"rev": "HEAD", "variant": "mine", "actual": "0", "predicted": "0", "count": "1"}
    rows = [cells | {"end": end} for end in ("learns", "stuck")]
    svg = vl_convert.vegalite_to_svg(filled("confusion_by_variant", rows))
    assert "mine (learns)" in svg and "mine (stuck)" in svg


@pytest.mark.parametrize(
    "template", ["learning_curves", "dead_units", "symmetry_gap", "depth", "confusion_by_variant"]
)
def test_panels_have_the_order_of_params_yaml(template):
    cells = {
        "rev": "HEAD", "seed": "0", "epoch": "0", "test_acc": "0.5", "dead_fraction": "0.1",
        "symmetry_gap": "1", "quantity": "signal", "depth": "1", "std": "0.5", "theory": "",
        "actual": "0", "predicted": "0", "count": "1",
    }  # fmt: skip
    rows = [{"variant": variant, **cells} for variant in ("zebra", "ape", "mole")]
    svg = vl_convert.vegalite_to_svg(filled(template, rows))
    assert svg.index("zebra") < svg.index("ape") < svg.index("mole")


def test_templates_are_current_and_all_are_used():
    files = {path.stem: path.read_text(encoding="utf-8") for path in templates.FOLDER.iterdir()}
    assert files == {name: templates.text(name) for name in templates.TEMPLATES}, "make templates"
    stages = yaml_file.loads((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    plots = [plot for entry in stages["evaluate"]["plots"] for plot in entry.values()]
    plots += [plot for entry in stages["sweep"]["do"]["plots"] for plot in entry.values()]
    assert {plot["template"] for plot in plots} == set(templates.TEMPLATES)
