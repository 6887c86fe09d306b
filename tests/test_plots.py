"""DVC's own pages of plots, opened in a browser that has no network."""

import json

import pytest
import scipy.stats
import vl_convert

from stages.settings import yaml_file
from tests.conftest import ROOT, make, needs_chromium
from tests.test_workflow import changing
from tools import templates


@pytest.mark.slow
@needs_chromium
def test_the_page_of_two_experiments_draws_everything_without_a_network(study, browser, tmp_path):
    study.run("dvc", "exp", "save", "--name", "exp-a")
    changing(study, "variants", all_ones={"all": {"weight": {"constant": {"val": 0.5}}}})
    study.run("dvc", "exp", "run", "--name", "exp-b")
    assert "needs no network now" in make(study, "offline").stdout
    study.run("dvc", "plots", "diff", "exp-a", "exp-b", "--out", str(tmp_path / "page"))

    context = browser.new_context(viewport={"width": 1600, "height": 1000}, offline=True)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "page" / "index.html").as_uri())
    drawn = "count => document.querySelectorAll('.vega-embed svg.marks').length == count"
    page.wait_for_function(drawn, arg=len(used_templates()))
    page.screenshot(path=tmp_path / "page.png", full_page=True)

    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    for chart in page.locator(".vega-embed").all():
        assert chart.locator("[class*=role-mark] path").count() > 10
    text = page.locator("body").inner_text()
    for word in ("exp-a", "exp-b", "baseline", "all_ones", "Symmetry gap", "Test accuracy"):
        assert word in text
    pictures = page.locator("img")
    assert pictures.count() == 2 * len(list((study.folder / "reports" / "figures").glob("*.png")))
    assert all(picture.evaluate("img => img.naturalWidth > 0") for picture in pictures.all())


def used_templates() -> list[str]:
    """The template of every plot of dvc.yaml."""
    stages = yaml_file.loads((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    plots = [plot for entry in stages["evaluate"]["plots"] for plot in entry.values()]
    return [plot["template"] for plot in plots]


def filled(template: str, rows: list[dict]) -> dict:
    """A template as DVC fills it in, for one revision."""
    text = templates.text(template).replace('"<DVC_METRIC_DATA>"', json.dumps(rows))
    text = text.replace('"<DVC_METRIC_COLOR>"', '{"field": "rev", "type": "nominal"}')
    assert template == "heat_map" or "DVC_METRIC" not in text  # which has more of them
    return json.loads(text)


def marks(node: dict, found: list[dict] | None = None) -> list[dict]:
    """Every mark of a scene graph."""
    found = [] if found is None else found
    for item in node.get("items", []):
        if "marktype" in node and node["marktype"] != "group":
            found.append(item | {"marktype": node["marktype"]})
        marks(item, found)
    return found


@pytest.mark.parametrize("seeds", [1, 2, 5, 12, 40])
def test_the_band_of_a_learning_curve_is_students_interval(seeds):
    values = [0.5 + 0.2 * (-1) ** seed + 0.001 * seed for seed in range(seeds)]
    rows = [
        {"rev": "HEAD", "variant": "a", "seed": str(seed), "epoch": str(epoch), "test_acc": str(v)}
        for seed, v in enumerate(values)
        for epoch in (0, 1)
    ]
    scene = vl_convert.vegalite_to_scenegraph(filled("learning_curves", rows))
    band = next(mark for mark in marks(scene["scenegraph"]) if mark["marktype"] == "area")
    mean, half = sum(values) / seeds, 0.0
    if seeds > 1:
        half = scipy.stats.t.ppf(0.975, seeds - 1) * scipy.stats.sem(values)
    inside = min(1, mean + half) - max(0, mean - half)  # no accuracy is above 100 %
    # A panel is 110 pixels high for accuracies of 0 to 1.
    assert abs(band["height"]) / 110 == pytest.approx(inside, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("parted", [["learns", "stuck", "learns"], ["diverges"] * 3])
@pytest.mark.parametrize("template", ["learning_curves", "dead_units", "symmetry_gap"])
def test_seeds_that_part_ways_or_diverge_are_drawn_one_by_one(template, parted):
    column = templates.CURVES[template].y
    rows = [
        {"rev": "HEAD", "variant": name, "seed": seed, "epoch": epoch, "end": end, column: value}
        for name, ends in (("alike", ["learns"] * 3), ("apart", parted))
        for seed, (end, value) in enumerate(zip(ends, ("0.9", "0.1", "0.8"), strict=True))
        for epoch in ("0", "1")
    ]
    scene = vl_convert.vegalite_to_scenegraph(filled(template, rows))["scenegraph"]
    found = marks(scene)
    lines = [mark for mark in found if mark["marktype"] == "line"]
    # Two places a curve: the mean of one variant, and every seed of the other.
    assert len(lines) == 2 * (1 + 3)
    bands = [round(mark["height"], 6) for mark in found if mark["marktype"] == "area"]
    assert sum(height != 0 for height in bands) == 2


def test_no_mean_is_drawn_of_seeds_that_part_ways():
    rows = [
        {"rev": "HEAD", "variant": name, "seed": str(seed), "end": end, "test_acc": "0.5"}
        for name, ends in (("alike", ("learns", "learns")), ("parted", ("learns", "stuck")))
        for seed, end in enumerate(ends)
    ]
    scene = vl_convert.vegalite_to_scenegraph(filled("by_variant", rows))["scenegraph"]
    assert sum(mark["marktype"] == "rect" for mark in marks(scene)) == 1
    cells = [
        {"rev": "HEAD", "variant": "parted", "end": end, "digit": "0", "test_acc": "0.5"}
        for end in ("learns", "stuck")
    ]
    svg = vl_convert.vegalite_to_svg(filled("digits", cells))
    assert "parted (learns)" in svg and "parted (stuck)" in svg


@pytest.mark.parametrize(
    "template", ["learning_curves", "dead_units", "symmetry_gap", "depth", "confusion_by_variant"]
)
def test_panels_stand_in_the_order_of_params_yaml(template):
    cells = {
        "seed": "0", "epoch": "0", "test_acc": "0.5", "dead_fraction": "0.1", "symmetry_gap": "1",
        "quantity": "signal", "depth": "1", "std": "0.5", "theory": "",
        "actual": "0", "predicted": "0", "count": "1",
    }  # fmt: skip
    names = ("zebra", "ape", "mole")
    rows = [{"rev": "HEAD", "variant": variant, **cells} for variant in names]
    svg = vl_convert.vegalite_to_svg(filled(template, rows))
    assert svg.index("zebra") < svg.index("ape") < svg.index("mole")


def test_the_templates_are_current_and_every_one_is_used():
    there = {path.stem: path.read_text(encoding="utf-8") for path in templates.FOLDER.iterdir()}
    assert there == {name: templates.text(name) for name in templates.TEMPLATES}, "make templates"
    assert {*used_templates(), "heat_map"} == set(templates.TEMPLATES)  # that of sweeps
