"""The page reports/index.html of a small study, opened in a browser that has no network."""

import csv
import json
import re

import numpy as np
import pytest

from stages.rendering import page_tables
from tests.conftest import make, needs_chromium
from tests.page_study import PARAMS, opened, tiles

pytestmark = pytest.mark.slow


@pytest.fixture
def claims(reports) -> list[dict]:
    return json.loads((reports / "claims.json").read_text(encoding="utf-8"))


CHARTS = {
    "learning_curves", "units", "symmetry", "who_moved", "dead_units", "noise", "signal",
    "gradient", "map_depths", "final_accuracy", "tried",
}  # fmt: skip


# Not the cells in which the pointer is near to a place.
MARKS = ".role-mark:not([class*=voronoi]) path"


def drawn(tab) -> dict[str, int]:
    """How many marks every chart has."""
    return {
        plot.get_attribute("data-chart"): plot.locator(
            ".role-mark:not([class*=voronoi]) path"
        ).count()
        for plot in tab.locator(".plot").all()
    }


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1600])
def test_all_of_it_is_drawn_reached_and_readable_on_every_screen(browser, reports, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(browser, reports / "index.html", width, scheme)
    marks = drawn(tab)
    assert marks.keys() == CHARTS
    assert min(count for name, count in marks.items() if name != "tried") > 5, marks
    for plot in tab.locator(".plot").all():
        assert len(plot.get_attribute("aria-label")) > 10
        assert plot.get_attribute("role") == "img"
    beyond = tab.evaluate(
        """width => [...document.querySelectorAll("body *")]
          .filter(e => !e.closest(".hidden, .skip, thead, .tabs input, #vg-tooltip-element"))
          .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > width + 1)
          .map(e => `${e.tagName}.${e.className.baseVal ?? e.className}`)""",
        width,
    )
    assert beyond == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for details in tab.locator("summary").all():
        if details.is_visible():
            details.click()
    violations = Axe().run(tab).response["violations"]
    assert [(v["id"], v["impact"], [n["html"][:80] for n in v["nodes"]]) for v in violations] == []
    tab.context.close()


@needs_chromium
def test_a_browser_that_is_too_old_is_told(browser, reports):
    tab = browser.new_page()
    tab.add_init_script("delete window.DecompressionStream")
    tab.goto((reports / "index.html").as_uri())
    tab.locator("#too-old").wait_for(state="visible")
    tab.close()


@needs_chromium
def test_charts_follow_the_screen_as_it_turns_dark_and_narrow(tab):
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function("document.documentElement.dataset.drawn == 'dark wide'")
    label = tab.locator("[data-chart=symmetry] .role-axis-label text").first
    assert label.get_attribute("fill") == "#e6edf3"
    tab.set_viewport_size({"width": 360, "height": 700})
    tab.wait_for_function("document.documentElement.dataset.drawn == 'dark narrow'")
    assert tab.locator("[data-chart=learning_curves] svg").bounding_box()["width"] <= 360


@needs_chromium
def test_the_slider_changes_the_pictures_and_marks_the_epoch(tab):
    def shown():
        pictures = tab.locator(".film img").evaluate_all("all => all.map(one => one.src)")
        line = tab.locator("[data-chart=symmetry] .mark-rule.layer_1_marks line")
        return (*pictures, round(line.bounding_box()["x"]))

    slider = tab.locator("#epoch")
    words = ["before training", *(f"after epoch {n} of 4" for n in (1, 2, 4))]
    slider.focus()
    seen = []
    for expected in words:
        assert tab.locator(".slider output").inner_text() == expected
        assert slider.get_attribute("aria-valuetext") == expected
        assert expected.split(" of")[0] in tab.locator(".film img").first.get_attribute("alt")
        tab.wait_for_timeout(100)
        seen.append(shown())
        tab.keyboard.press("ArrowRight")
    baseline, ones, places = zip(*seen, strict=True)
    assert len(set(baseline)) == len(set(ones)) == len(set(places)) == len(words)
    caption = tab.locator(".film figcaption").nth(1).inner_text()
    assert caption.startswith("16 images that look the same, after epoch 4. 1 of the first ")


@needs_chromium
def test_another_start_is_pictured_when_chosen(tab):
    before = tab.locator(".film img").nth(1).get_attribute("src")
    tab.locator("[data-film='1']").select_option("noise")
    tab.wait_for_function(
        "document.querySelector('#figure-why_stuck .legend').textContent.includes('10⁻⁶')"
    )
    assert tab.locator(".film img").nth(1).get_attribute("src") != before
    assert "10⁻⁶" in tab.locator("[data-chart=symmetry]").get_attribute("aria-label")


@needs_chromium
def test_play_goes_through_the_epochs_and_ends(tab):
    play = tab.locator("#play")
    play.click()
    assert play.inner_text() == "Pause"
    tab.wait_for_function("document.querySelector('#play').textContent == 'Play'")
    assert tab.locator("#epoch").input_value() == "3"


def test_all_ones_stays_sixteen_pictures_of_one_and_the_baseline_does_not(known):
    films = known["films"]
    for variant, different in (("all_ones", 1), ("constant", 1), ("baseline", 16)):
        for frame in films["variants"][variant]["frames"]:
            pictures = tiles(films["images"][frame["image"]])
            assert pictures.shape == (16, 28, 28)
            assert len(np.unique(pictures, axis=0)) == different
    assert films["variants"].keys() == known["variants"].keys()
    zeros = films["variants"]["all_zero"]
    assert {frame["alt"] for frame in zeros["frames"]} == {
        "16 blank images: all weights are exactly 0"
    }
    assert len({frame["image"] for frame in zeros["frames"]}) == 1  # kept once


@needs_chromium
def test_a_legend_entry_isolates_its_curve_and_a_group_is_a_click_away(tab):
    figure = tab.locator("#figure-learning_curves")

    def visible():
        return figure.locator(".mark-line path").evaluate_all(
            "all => all.filter(one => +(one.getAttribute('opacity') ?? 1) > 0.5).length"
        )

    assert visible() == 4
    entry = figure.locator(".legend button", has_text="all ones")
    entry.click()
    assert entry.get_attribute("aria-pressed") == "true"
    tab.wait_for_timeout(100)
    assert visible() == 1
    entry.click()
    tab.wait_for_timeout(100)
    assert visible() == 4
    figure.locator(".tabs label", has_text="zeros").click()
    tab.wait_for_timeout(200)
    labels = figure.locator(".legend button").all_inner_texts()
    assert [label.split(":")[0].strip() for label in labels] == [
        "fc2 all zeros", "weights zero", "PyTorch default",
    ]  # fmt: skip
    assert visible() == 2 + 3  # every seed of the start whose seeds part ways
    assert "2 of 3 learn" in figure.locator(".plot").get_attribute("aria-label")


@needs_chromium
def test_the_pointer_is_told_what_a_cell_is(tab, reports):
    figure = tab.locator("#figure-map_depths")
    figure.evaluate("it => it.scrollIntoView({ behavior: 'instant', block: 'center' })")
    cells = figure.locator(".role-mark.mark-rect path")
    assert cells.count() == 4 * 3
    cells.nth(6).hover(force=True)  # by depth, and then by variance
    tip = tab.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    with (reports / "sweeps" / "depths.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row["x"], row["y"]) == ("2", "10")]
    mean = 100 * sum(float(row["train_acc"]) for row in rows) / len(rows)
    told = tip.inner_text()
    assert f"{mean:.1f} %" in told and "of 2" in told and "∞" in told


@needs_chromium
def test_the_pointer_is_told_what_all_curves_are_there(tab, reports):
    figure = tab.locator("#figure-learning_curves")
    tip = tab.locator("#vg-tooltip-element")

    def told():
        tab.mouse.move(0, 0)
        tip.wait_for(state="hidden")
        figure.evaluate("it => it.scrollIntoView({ behavior: 'instant', block: 'center' })")
        box = figure.locator("svg.marks").bounding_box()
        # Above the second epoch, far from every curve.
        x, y = box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.5
        tab.mouse.move(x - 4, y)
        tab.wait_for_timeout(100)  # a hand comes to rest
        tab.mouse.move(x, y)
        tip.wait_for(state="visible")
        rows = tip.locator("td.value").last.inner_text().splitlines()
        return {start: value for start, _, value in (row.partition(": ") for row in rows)}

    def measured(variant):
        with (reports / "history.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["variant"] == variant]
        last = [float(row["test_acc"]) for row in rows if row["epoch"] == "2"]
        return 100 * sum(last) / len(last)

    by_start = told()
    assert list(by_start) == ["PyTorch default", "fc1 all zeros", "all zeros", "all ones"]
    for words in ("Epoch", "2", "Test accuracy"):
        assert tip.get_by_text(words, exact=True).count() == 1
    for start, variant in (("PyTorch default", "baseline"), ("all ones", "all_ones")):
        value = re.fullmatch(r"(\d+\.\d\d) % \(\d+\.\d\d to \d+\.\d\d\)", by_start[start])
        assert float(value[1]) == pytest.approx(measured(variant), abs=0.006)
    figure.locator(".legend button", has_text="all ones").click()
    assert list(told()) == ["all ones"]
    figure.locator(".tabs label", has_text="zeros").click()
    assert re.match(r"the seeds part ways, 11\.35 to 90\.00 %", told()["weights zero"])


@needs_chromium
def test_the_table_sorts_and_filters(tab, reports):
    rows = tab.locator("#starts tbody tr:not([hidden])")

    def column(n):
        return [row.locator("th, td").nth(n).get_attribute("data-value") for row in rows.all()]

    by_accuracy = tab.locator("#starts thead button", has_text="Accuracy")
    by_accuracy.click()
    values = [float(value) for value in column(2)]
    assert values == sorted(values) and len(values) == len(PARAMS["variants"])
    by_accuracy.click()
    values = [float(value) for value in column(2)]
    assert values == sorted(values, reverse=True)
    assert tab.locator("th[aria-sort=descending]").count() == 1
    tab.locator("#starts thead button", has_text="Against").click()
    tab.locator("#starts thead button", has_text="Against").click()
    assert column(3)[-1] == "nan"  # the baseline has nothing to be compared with
    tab.locator("#starts thead button", has_text="Start").click()
    labels = column(0)
    assert labels == tab.evaluate("all => all.sort((a, b) => a.localeCompare(b))", labels)
    tab.locator("#filter").fill("stuck zeros")
    assert {row.get_attribute("id") for row in rows.all()} == {
        "start-zero_fc1", "start-all_zero", "start-zero_fc2",
    }  # fmt: skip
    assert tab.locator(".filter output").inner_text() == "3 of 14"
    assert "every seed" in rows.first.inner_text()  # and no interval without width
    tab.locator("#filter").fill("he")  # of He, and of no "the"
    assert {row.get_attribute("id") for row in rows.all()} == {
        "start-he_normal", "start-deep_he_adam",
    }  # fmt: skip
    with (reports / "history.csv").open(encoding="utf-8") as file:
        then = [
            float(row["test_acc"])
            for row in csv.DictReader(file)
            if (row["variant"], row["epoch"]) == ("baseline", "2")
        ]
    told = f"from the baseline after 2 epochs: {100 * sum(then) / len(then):.2f} %"
    assert told in tab.locator("#start-he_normal").inner_text()
    tab.locator("#filter").fill("no such start")
    assert rows.count() == 0
    assert tab.locator(".filter output").inner_text() == "No start has all of these words."


@needs_chromium
def test_on_a_phone_tables_are_folded_until_they_are_wanted(browser, reports):
    tab = opened(browser, reports / "index.html", 360)
    rows = tab.locator("#starts tbody tr:visible")
    assert rows.count() == tab.locator(".claims tbody tr:visible").count() == 0
    assert tab.locator(".fold > summary:visible").count() == 5
    assert "12 claims: " in tab.locator("#claims .fold > summary").first.inner_text()
    tab.locator("#filter").fill("deep")
    assert rows.count() == 3
    tab.locator(".corrections a").first.click()
    tab.locator(".claims tr:target details[open]").wait_for()
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.locator(".claims").last.wait_for()
    tab.context.close()


@needs_chromium
def test_the_top_shows_the_network_and_says_what_words_mean(tab):
    drawing = tab.get_by_role("img", name="The network 784-16-8-10: image (784 pixels), then fc1 ")
    words = drawing.evaluate("it => it.textContent")
    for label in ("16 units", "fc2", "8 units", "10 classes", "a weight"):
        assert label in words
    told = tab.locator(".network figcaption")
    assert "784-16-8-10" in told.inner_text() and "each start has 3" in told.inner_text()
    assert {word.inner_text() for word in told.locator("dfn:visible").all()} == {
        "weight", "start", "seed",
    }  # fmt: skip
    assert not tab.locator("#word-gradient").is_visible()
    tab.locator("a[href='#word-gradient']").first.focus()
    tab.keyboard.press("Enter")
    tab.locator("#word-gradient:target").wait_for()


@needs_chromium
def test_the_answer_is_short_and_gives_corrections(tab, claims):
    cards = tab.locator(".answer > div").all()
    assert [card.locator("h2").inner_text() for card in cards] == [
        "What happens", "Why", "The lecture",
    ]  # fmt: skip
    for card in cards:
        assert 1 <= card.locator("> ul").first.locator("> li").count() <= 3
    tab.locator(".answer summary").click()
    for claim in claims:
        if claim["source"] == "the lecture" and claim["verdict"] in (
            "does not hold",
            "holds in part",
        ):
            said = tab.locator(f".corrections li:has(a[href='#claim-{claim['id']}'])").inner_text()
            failed = [part["words"] for part in claim["parts"] if part["result"] == "does not hold"]
            assert failed and all(words in said for words in failed)
    assert tab.locator(".answer a[href='claims.md']").count() == 1


@needs_chromium
def test_every_download_is_the_file_itself(tab, reports, claims):
    buttons = tab.locator("[data-csv]")
    made = {"moves": 1 + 6 * 11, "maps": 1 + 4 * 3}  # by the page: lines of what has no file
    assert buttons.count() == len(page_tables.DOWNLOADS)
    for i, button in enumerate(buttons.all()):
        if i % 5 == 4:
            tab.wait_for_timeout(1500)  # Chromium drops the eleventh download in a row
        with tab.expect_download() as download:
            button.click()
        name = download.value.suggested_filename
        content = download.value.path().read_text(encoding="utf-8")
        if lines := made.get(name.removesuffix(".csv")):
            assert len(content.splitlines()) == lines
        elif name != "claims.csv":
            assert content == (reports / name).read_text(encoding="utf-8"), name
        else:
            assert len(content.splitlines()) == 1 + sum(len(row["parts"]) for row in claims)


@needs_chromium
def test_the_keyboard_reaches_everything(tab):
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
    # And does there what a click does.
    tab.locator("#figure-learning_curves [type=radio]:checked").focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function(
        "document.querySelector('#figure-learning_curves .legend').textContent.includes('fc2')"
    )
    tab.locator("#figure-learning_curves .legend button").first.focus()
    tab.keyboard.press("Space")
    assert tab.locator("#figure-learning_curves [aria-pressed=true]").count() == 1
    tab.locator(".claims summary").first.focus()
    tab.keyboard.press("Enter")
    opened = tab.locator(".claims details[open]").first
    assert "final test accuracy: 90 to 95 %" in opened.inner_text()


@needs_chromium
def test_links_lead_to_places_that_exist_and_claims_are_told_as_audited(tab, claims):
    broken = tab.evaluate(
        """() => [...document.querySelectorAll("a[href^='#']")].map(a => a.getAttribute("href"))
          .filter(href => !document.getElementById(href.slice(1).split("=")[0]))"""
    )
    assert broken == []
    rows = tab.locator(".claims tbody tr")
    assert rows.count() == len(claims)
    for claim in claims:
        row = tab.locator(f"#claim-{claim['id']}")
        assert claim["verdict"] in row.locator(".verdict").inner_text()
        assert claim["evidence"] in row.inner_text()
        assert row.locator("a").count() == (claim["figure"] is not None)
    failed = [claim["claim"] for claim in claims if claim["verdict"] == "does not hold"]
    assert failed
    shown = tab.locator(".answer .corrections").first.locator("a")
    assert shown.all_inner_texts() == failed
    assert tab.locator("details[open]:not(.fold)").count() == 0
    shown.first.click()
    tab.locator(".claims tr:target details[open]").wait_for()
    pictures = tab.locator("img").all()
    assert all(picture.get_attribute("alt") for picture in pictures)


LONG = "שלום 🎉 b\u0430seline " + "x" * 180
HOSTILE = '</script><img src=x onerror="hacked=1"><b>bold</b>'


@needs_chromium
def test_labels_are_text_whatever_is_in_them(study, browser):
    study.params = study.params | {
        "display": {
            "baseline": {"label": HOSTILE, "group": "<i>a&b</i>"},
            "all_ones": {"label": LONG},
        }
    }
    study.repro()
    file = study.folder / "reports" / "index.html"
    tab = opened(browser, file)
    assert tab.evaluate("window.hacked") is None
    assert tab.locator("b, i, img[src=x]").count() == 0
    assert HOSTILE in tab.locator("#starts").inner_text()
    assert HOSTILE in tab.locator("#figure-learning_curves .legend").inner_text()
    assert LONG in tab.locator("#starts").inner_text()
    assert "<i>a&b</i>" in tab.locator("#figure-learning_curves .tabs").inner_text()
    tab.context.close()
    tab = opened(browser, file, 360)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    tab.context.close()
    assert file.stat().st_size < 2 * 2**20  # more does not belong into git: dvc.yaml would cache it


@needs_chromium
def test_the_least_study_there_is_has_a_page_too(study, browser):
    study.params = study.params | {
        "seeds": 1,
        "network": {"hidden": [3], "activation": "tanh"},
        "variants": {"only": {}},
        "display": {},
    }
    study.repro()
    tab = opened(browser, study.folder / "reports" / "index.html", 360)
    assert "the lecture's 12 claims 12 were not tested" in tab.locator(".answer").inner_text()
    assert "3 images, all different" in tab.locator("#symmetry").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    tab.context.close()


def test_make_says_where_it_is_and_opens_it(study, tmp_path):
    said = make(study, "repro").stdout.splitlines()[-1]
    where = study.folder / "reports" / "index.html"
    assert said == f"The report is {where}: make open"
    seen = tmp_path / "seen"
    viewer = tmp_path / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    viewer.chmod(0o755)
    make(study, "open", env={"BROWSER": f"{viewer} %s"})
    assert seen.read_text().strip() == where.as_uri()
