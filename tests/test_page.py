"""The page reports/index.html of a small study, opened in a browser that has no network."""

import json
from functools import partial

import pytest

from stages.analysis.claims.lecture import LECTURE
from stages.rendering import page_tables, style
from tests.conftest import needs_chromium
from tests.once import made_once
from tests.page_study import HOSTILE, LEAST, VARIANTS, opened, run

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture
def claims(reports) -> list[dict]:
    return json.loads((reports / "claims.json").read_text(encoding="utf-8"))


CHARTS = {
    "learning_curves", "units", "symmetry", "who_moved", "dead_units", "noise", "signal",
    "gradient", "map_depths", "final_accuracy", "tried",
}  # fmt: skip
BEYOND = """width => [...document.querySelectorAll("body *")]
  .filter(e => !e.closest(".hidden, .skip, thead, .tabs input, #vg-tooltip-element"))
  .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > width + 1)
  .map(e => `${e.tagName}.${e.className.baseVal ?? e.className}`)"""
# Texts of a chart that it cuts.
CUT = """it => { const own = it.getBoundingClientRect();
  return [...it.querySelectorAll("text")].map(one => one.getBoundingClientRect())
    .filter(one => one.right > own.right + 1 || one.left < own.left - 1
      || one.top < own.top - 1 || one.bottom > own.bottom + 1).length }"""
SCREENS = [
    (1280, "light"),
    *(
        pytest.param(width, scheme, marks=pytest.mark.extra)
        for width in (360, 768, 1600)
        for scheme in ("light", "dark")
    ),
]


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_page_is_whole_and_accessible_on_every_screen(browser, reports, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(browser, reports / "index.html", width, scheme)
    plots = {plot.get_attribute("data-chart"): plot for plot in tab.locator(".plot").all()}
    assert plots.keys() == CHARTS
    for name, plot in plots.items():
        marks = plot.locator(".role-mark:not([class*=voronoi]) path")  # no cells of tooltips
        assert name == "tried" or marks.count() > 5, name
        assert len(plot.get_attribute("aria-label")) > 10
        svg = plot.locator("svg.marks")
        assert abs(plot.bounding_box()["height"] - svg.bounding_box()["height"]) < 2, name
        assert svg.evaluate(CUT) == 0, name
    assert all(picture.get_attribute("alt") for picture in tab.locator("img").all())
    tab.locator("#step").click()
    tab.wait_for_function("document.querySelector('#status').textContent.startsWith('After 1 ')")
    assert tab.evaluate(BEYOND, width) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for details in tab.locator("summary").all():
        if details.is_visible():
            details.click()
    violations = Axe().run(tab).response["violations"]
    assert [(v["id"], v["impact"], [n["html"][:80] for n in v["nodes"]]) for v in violations] == []
    tab.context.close()


def test_old_browser_gets_a_notice(browser, reports):
    tab = browser.new_page()
    tab.add_init_script("delete window.DecompressionStream")
    tab.goto((reports / "index.html").as_uri())
    tab.locator("#too-old").wait_for(state="visible")
    tab.close()


def test_page_of_the_smallest_study_is_whole(browser, mnist_folder, tmp_path_factory):
    folder = made_once(tmp_path_factory, "least", partial(run, LEAST, mnist_folder))
    tab = opened(browser, folder / "reports" / "index.html", 360)
    assert f"claims: {len(LECTURE)} were not tested" in tab.locator(".answer").inner_text()
    assert tab.locator(".film img").count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    tab.context.close()


def test_labels_are_text(tab, reports):
    assert tab.evaluate("window.hacked") is None
    assert tab.locator("b, i, img[src=x]").count() == 0
    assert HOSTILE in tab.locator("#all-variants").inner_text()
    groups = tab.locator("#figure-learning_curves .tabs label")
    groups.get_by_text("<i>a&b</i>").click()
    tab.locator("#figure-learning_curves .legend").get_by_text(HOSTILE).wait_for()
    # A larger file does not belong in git.
    assert (reports / "index.html").stat().st_size < 2 * 2**20


def column(tab, name: str) -> list[str]:
    """The values of a column in the table of variants, of the rows that are shown."""
    heads = tab.locator("#all-variants thead th").all_inner_texts()
    place = next(i for i, head in enumerate(heads) if head.startswith(name))
    return tab.locator("#all-variants tbody tr:not([hidden])").evaluate_all(
        "(rows, place) => rows.map(row => row.children[place].dataset.value)", place
    )


def test_table_sorts_by_every_column(tab):
    def sort(name: str) -> list[str]:
        tab.locator("#all-variants thead button", has_text=name).click()
        return column(tab, name)

    tab.locator("#filter").fill("")
    values = [float(value) for value in sort("Accuracy")]
    assert values == sorted(values) and len(values) == len(VARIANTS)
    values = [float(value) for value in sort("Accuracy")]
    assert values == sorted(values, reverse=True)
    assert tab.locator("th[aria-sort=descending]").count() == 1
    for _ in range(2):
        assert sort("Against")[-1] == "nan"  # the baseline's, in either order
    labels = sort("Variant")
    assert labels == tab.evaluate("all => all.sort((a, b) => a.localeCompare(b))", labels)
    assert "after 2 epochs:" in tab.locator("#variant-he_normal").inner_text()


@pytest.mark.parametrize(("words", "labels"), [
    ("stuck zeros", {"fc1 all zeros", "all zeros", "fc2 all zeros"}),
    ("he", {"He normal", "deep, He"}),  # begins a word: not "the"
    ("no such variant", set()),
])  # fmt: skip
def test_table_filters_by_the_beginnings_of_words(tab, words, labels):
    tab.locator("#filter").fill(words)
    assert {*column(tab, "Variant")} == labels
    assert str(len(labels) or "No variant") in tab.locator("output[for=filter]").inner_text()


def test_phone_folds_tables_until_they_are_needed(browser, reports):
    tab = opened(browser, reports / "index.html", 360)
    rows = tab.locator("#all-variants tbody tr:visible")
    assert rows.count() == tab.locator(".claim:visible").count() == 0
    assert tab.locator(".fold > summary:visible").count() == 4  # no claim of the study is tested
    tab.locator("#filter").fill("deep")
    assert rows.count() == 3
    tab.locator(".answer details:has(.corrections) > summary").first.click()
    tab.locator(".corrections a:visible").first.click()
    tab.locator(".claim:target[open]").wait_for()
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.locator(".fold .claim").last.wait_for()
    tab.context.close()


def test_top_draws_the_network_and_links_to_explained_words(tab):
    drawing = tab.get_by_role("img", name="The network 784-16-8-10: image (784 pixels), then fc1 ")
    text = drawing.evaluate("it => it.textContent")
    for label in ("16 units", "fc2", "8 units", "10 classes", "a weight"):
        assert label in text
    words = tab.locator(".network figcaption dfn:visible").all_inner_texts()
    assert words == ["weight", "initialization", "seed"]
    assert not tab.locator("#word-relu").is_visible()
    tab.locator("a[href='#word-relu']").first.press("Enter")
    tab.locator("#word-relu:target").wait_for()


def test_claims_have_their_verdict_evidence_and_correction(tab, claims):
    assert tab.locator(".claim").count() == len(claims)
    for claim in claims:
        fold = tab.locator(f"#claim-{claim['id']}")
        assert fold.get_attribute("open") is None
        line = " ".join(fold.locator("summary").text_content().split())
        assert line.startswith(style.SIGNS[claim["verdict"]])
        assert all(claim[key] in line for key in ("verdict", "claim", "place"))
        tested = [part["words"] for part in claim["parts"] if part["words"]]
        text = fold.text_content().replace("\xa0", " ")
        assert all(words in text for words in tested or [claim["evidence"]])
        assert fold.locator("a").count() == (claim["figure"] is not None)
    untested = [f"claim-{claim['id']}" for claim in claims if claim["verdict"] == "not tested"]
    folded = tab.locator("#claims > details:not([open])")
    ids = folded.evaluate("it => [...it.querySelectorAll('.claim')].map(({ id }) => id)")
    assert untested and {*ids} == {*untested}
    assert folded.inner_text().startswith(f"{len(untested)} claims about other ")
    corrected = [
        claim
        for claim in claims
        if claim["source"] == "the lecture"
        and claim["verdict"] in ("does not hold", "holds in part")
    ]
    assert corrected
    for claim in corrected:
        item = tab.locator(f".corrections li:has(a[href='#claim-{claim['id']}'])")
        text = item.text_content().replace("\xa0", " ")
        failed = [part["words"] for part in claim["parts"] if part["result"] == "does not hold"]
        assert failed and all(words in text for words in failed)


def test_every_link_leads_to_a_place(tab):
    broken = tab.evaluate(
        """() => [...document.querySelectorAll("a[href^='#']")].map(a => a.getAttribute("href"))
          .filter(href => !document.getElementById(href.slice(1).split("=")[0]))"""
    )
    assert broken == []


def test_downloads_are_the_files_themselves(tab, reports):
    buttons = tab.locator("[data-csv]")
    # The number of lines, where the page alone has the table.
    same_layers = sum("network" not in entry for _, _, entry in VARIANTS.values())
    lines = {"moves.csv": 1 + 6 * same_layers, "maps.csv": 1 + 4 * 3}
    assert buttons.count() == len(page_tables.DOWNLOADS)
    for i, button in enumerate(buttons.all()):
        if i % 5 == 4:
            tab.wait_for_timeout(1500)  # Chromium drops the eleventh download in a row
        with tab.expect_download() as download:
            button.click()
        name = download.value.suggested_filename
        content = download.value.path().read_text(encoding="utf-8")
        if name in lines:
            assert len(content.splitlines()) == lines[name], name
        else:
            assert content == (reports / name).read_text(encoding="utf-8"), name


def test_keyboard_reaches_every_control(browser, reports):
    tab = opened(browser, reports / "index.html")
    wanted = tab.evaluate(
        """() => {
          const kinds = "a[href], button:enabled, input, select, summary, [tabindex]";
          const all = [...document.querySelectorAll(kinds)]
            .filter(e => e.checkVisibility() && (e.type !== "radio" || e.checked));
          all.forEach((e, i) => { e.dataset.stop = i; });
          return all.length;
        }"""
    )
    reached = set()
    for _ in range(wanted + 5):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.dataset.stop"))
    assert {str(i) for i in range(wanted)} <= reached
    tab.context.close()
