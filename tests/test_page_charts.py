"""What the page's pictures and charts show, and how they answer to a reader."""

import csv
import io

import numpy as np
import pytest

from stages.rendering import heat_charts
from tests.conftest import needs_chromium
from tests.page_study import opened, tiles

pytestmark = [pytest.mark.slow, needs_chromium]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def labels(figure, axis: int) -> list[str]:
    """The words along the horizontal (0) or vertical (1) axis."""
    found = figure.locator(".role-axis-label").nth(axis).locator("text").all_text_contents()
    return [words for words in found if words]


def centred(figure):
    figure.evaluate("it => it.scrollIntoView({ behavior: 'instant', block: 'center' })")


# ---------------------------------------------------------------------------------- pictures


def test_equal_units_stand_side_by_side(known, tab):
    film = known["films"]["variants"]["twice"]
    assert film["twins"] and not known["films"]["variants"]["baseline"]["twins"]
    for frame in film["frames"]:
        pictures = tiles(known["films"]["images"][frame["image"]])
        assert (pictures[::2] == pictures[1::2]).all()
        assert len(np.unique(pictures, axis=0)) == 8
    tab.locator("[data-film='1']").select_option("twice")
    caption = tab.locator(".film figcaption").nth(1)
    caption.get_by_text("Equal units stand side by side").wait_for()
    assert "8 of the first layer’s 16 units are distinct" in caption.inner_text()


def test_units_that_start_nearly_alike_are_pictured_by_their_differences(known, tab):
    films = known["films"]["variants"]
    assert {name for name, film in films.items() if film["relative"]} == {"noise", "louder"}
    assert "differ by less than a picture can show" in films["noise"]["frames"][0]["alt"]
    for frame in films["louder"]["frames"]:
        assert len(np.unique(tiles(known["films"]["images"][frame["image"]]), axis=0)) > 1
    tab.locator("[data-film='1']").select_option("louder")
    words = "differences from the mean of these units"
    tab.locator(".film figcaption").nth(1).get_by_text(words).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_white_picture_has_an_edge(browser, reports, scheme):
    tab = opened(browser, reports / "index.html", scheme=scheme)
    back, edge, behind = tab.locator(".film img").first.evaluate(
        """it => [document.body, it, it].map((one, i) =>
             getComputedStyle(one)[i === 1 ? "borderTopColor" : "backgroundColor"])"""
    )
    assert edge == behind and edge not in (back, "rgb(255, 255, 255)")
    tab.context.close()


def test_the_slider_has_a_tick_for_every_picture_and_nothing_jumps(tab):
    tab.locator("[data-film='1']").select_option("noise")
    assert tab.locator(".ticks span").all_inner_texts() == ["0", "1", "2", "4"]
    slider = tab.locator("#epoch")
    slider.focus()
    places = set()
    for _ in range(4):
        # From the figure's corner: the part above it grows when it wakes.
        boxes = tab.evaluate(
            """() => ["#epoch", "#play", "#figure-why_stuck"].map(one => {
              const box = (at) => document.querySelector(at).getBoundingClientRect();
              const { x, y, width, height } = box(one);
              return [x, y - box("#figure-why_stuck").y, width, height].map(Math.round) })"""
        )
        places.add(str(boxes))
        tab.keyboard.press("ArrowRight")
        tab.wait_for_timeout(50)
    assert len(places) == 1


def test_a_shorter_training_ends_at_its_own_last_epoch(tab):
    tab.locator("[data-film='1']").select_option("deep_he_adam")
    tab.locator("#epoch").press("End")
    shown = tab.locator(".film figcaption").all_inner_texts()
    assert "after epoch 4." in shown[0]
    assert "after epoch 1, where its training ended." in shown[1]
    tab.locator("[data-film='0']").select_option("deep_xavier_adam")
    tab.wait_for_function("document.querySelector('#epoch').max == 1")
    assert tab.locator(".slider output").inner_text() == "after epoch 1 of 1"
    assert "ended" not in tab.locator(".films").inner_text()


def test_distinct_units_tell_what_the_gap_does_not(known):
    units, gaps = (rows(known["tables"][name]) for name in ("units", "symmetry"))
    shares = {row["distinct"] for row in units if row["variant"] == "twice"}
    assert shares == {"0.5"}
    assert {row["distinct"] for row in units if row["variant"] == "all_ones"} == {"0.0625"}
    assert all(float(row["symmetry_gap"]) > 1 for row in gaps if row["variant"] == "twice")
    # A seed of its own where seeds part ways; else one row for all that are equal.
    assert sum(row["variant"] == "parted" for row in units) == 3 * 5
    assert sum(row["variant"] == "twice" for row in units) == 5


# ---------------------------------------------------------------------------------- curves


def test_starts_of_any_group_stand_in_one_chart(tab):
    figure = tab.locator("#figure-learning_curves")
    figure.locator("summary").click()
    for variant in ("he_normal", "noise", "deep_he_adam", "twice"):
        figure.locator(f"input[value={variant}]").check()
    figure.locator("input[value=zero_fc1]").uncheck()
    assert figure.locator("[type=radio]:checked").count() == 0
    entries = figure.locator(".legend button")
    starts = [words.split(":")[0].strip() for words in entries.all_inner_texts()]
    assert starts == [
        "PyTorch default", "all zeros", "all ones", "0.1 + noise of 10⁻⁶", "every unit twice",
        "He normal", "deep, He",
    ]  # fmt: skip
    looks = entries.locator("svg").evaluate_all("all => all.map(one => one.outerHTML)")
    assert len(set(looks)) == 7
    tab.wait_for_timeout(200)
    assert figure.locator(".mark-line path").count() >= 7  # more where seeds part ways
    figure.locator(".tabs label", has_text="zeros").click()
    checked = figure.locator("[type=checkbox]:checked").evaluate_all("all => all.map(x => x.value)")
    assert checked == ["baseline", "zero_fc2", "parted"]
    for variant in checked:
        figure.locator(f"input[value={variant}]").uncheck()
    tab.wait_for_timeout(200)
    assert figure.locator(".mark-line path").count() == 0
    figure.locator("input[value=all_ones]").check()
    tab.wait_for_timeout(200)
    assert figure.locator(".mark-line path").count() >= 1


def test_the_top_fills_the_chart_when_asked(tab, known):
    figure = tab.locator("#figure-learning_curves")
    assert "0%" in labels(figure, 1)
    figure.locator(".zoom").click()
    tab.wait_for_timeout(200)
    shares = [float(label.strip("%")) for label in labels(figure, 1)]
    low, high = min(shares), max(shares)
    accuracies = [
        100 * float(row["test_acc"])
        for row in rows(known["tables"]["history"])
        if row["variant"] == "baseline" and row["epoch"] == "4"
    ]
    mean = sum(accuracies) / len(accuracies)
    assert 0 < low < mean < high + 10 and high - low < 30
    assert figure.locator(".zoom").get_attribute("aria-pressed") == "true"
    figure.locator(".zoom").click()
    tab.wait_for_timeout(200)
    assert "0%" in labels(figure, 1)


def test_the_baseline_is_cut_where_a_groups_own_trainings_end(tab, known):
    figure = tab.locator("#figure-learning_curves")
    assert labels(figure, 0)[-1] == "4"
    figure.locator(".tabs label", has_text="depth").click()
    tab.wait_for_timeout(200)
    assert labels(figure, 0) == ["0", "1"]
    after = [
        float(row["test_acc"])
        for row in rows(known["tables"]["history"])
        if row["variant"] == "baseline" and row["epoch"] == "1"
    ]
    words = f"{100 * sum(after) / len(after):.2f} % after 1 epoch"
    assert words in figure.locator(".legend").inner_text()
    assert words in figure.locator(".plot").get_attribute("aria-label")


def test_charts_side_by_side_have_one_scale(tab):
    forward, backward = (
        labels(tab.locator(f"#figure-{name}"), 1) for name in ("signal", "gradient")
    )
    assert forward == backward and len(forward) > 1


def test_a_label_stands_below_its_tick(tab):
    figure = tab.locator("#figure-learning_curves")
    axis = figure.locator(".role-axis").filter(has=tab.locator("text", has_text="Epoch")).last
    middles = [
        [box["x"] + box["width"] / 2 for box in [one.bounding_box() for one in found.all()]]
        for found in (axis.locator(".role-axis-tick line"), axis.locator(".role-axis-label text"))
    ]
    assert middles[0] == pytest.approx(middles[1], abs=1.5)


def test_a_tap_tells_what_a_pointer_is_told(browser, reports):
    size = {"width": 360, "height": 800}
    context = browser.new_context(viewport=size, has_touch=True, offline=True)
    tab = context.new_page()
    tab.goto((reports / "index.html").as_uri())
    tab.wait_for_function("document.documentElement.dataset.drawn")
    tip = tab.locator("#vg-tooltip-element.visible")
    for chart, words in (
        ("learning_curves", "all ones"),
        ("map_depths", "Hidden layers"),
        ("final_accuracy", "at the end"),
    ):
        plot = tab.locator(f"[data-chart={chart}]")
        centred(plot)
        tab.wait_for_timeout(100)
        box = plot.bounding_box()
        tab.touchscreen.tap(box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"])
        tip.wait_for()
        assert words in tip.inner_text()
        tab.touchscreen.tap(4, 4)
        tip.wait_for(state="hidden")
    context.close()


# ---------------------------------------------------------------------------------- heat maps


def test_who_never_moved_stands_out_and_the_pointer_is_told_of_the_first_move(
    tab,
    known,
):
    figure = tab.locator("#figure-who_moved")
    centred(figure)
    cells = figure.locator(".role-mark.mark-rect path")
    moves = rows(known["tables"]["moves"])
    still = [row for row in moves if float(row["largest_move"] or 1) == 0]
    assert still and all(row["moved_at"] == "" for row in still)
    fills = cells.evaluate_all("all => all.map(one => one.getAttribute('fill'))")
    assert fills.count(heat_charts.STILL) == len(still)
    # One that moved far leaves a colour for every other size.
    assert len(set(fills)) > len(moves) / 3
    tip = tab.locator("#vg-tooltip-element.visible")
    cells.first.hover(force=True)
    tip.wait_for()
    assert "at step 1" in tip.inner_text()
    cells.nth(fills.index(heat_charts.STILL)).hover(force=True)
    tip.get_by_text("never").wait_for()


def test_heat_maps_have_a_key(tab):
    for name, word in (("who_moved", "≤ 0.0001"), ("map_depths", "100%")):
        key = tab.locator(f"#figure-{name} .role-legend").first
        assert word in key.text_content()


@pytest.mark.parametrize("width", [360, 1280])
def test_no_chart_leaves_a_gap_and_none_is_cut(browser, reports, width):
    tab = opened(browser, reports / "index.html", width)
    for plot in tab.locator(".plot").all():
        svg = plot.locator("svg.marks")
        box, inside = plot.bounding_box(), svg.bounding_box()
        assert abs(box["height"] - inside["height"]) < 2, plot.get_attribute("data-chart")
        beyond = svg.evaluate(
            """it => { const own = it.getBoundingClientRect();
              return [...it.querySelectorAll("text")]
                .map(one => one.getBoundingClientRect())
                .filter(one => one.right > own.right + 1 || one.left < own.left - 1
                  || one.top < own.top - 1 || one.bottom > own.bottom + 1).length }"""
        )
        assert beyond == 0, plot.get_attribute("data-chart")
    tab.context.close()


# ---------------------------------------------------------------------------------- links


def test_a_link_of_a_claim_shows_what_the_claim_is_about(tab):
    link = tab.locator("a[href='#films'][data-about]").first
    variants = link.get_attribute("data-about").split()
    link.press("Enter")
    tab.wait_for_function(
        "wanted => document.querySelector('[data-film]').value == wanted", arg=variants[0]
    )
    pair = [picker.input_value() for picker in tab.locator("[data-film]").all()]
    assert pair == [*variants, "baseline"][:2]
    assert tab.evaluate("document.querySelector(':target').id") == "films"
    tab.wait_for_function(
        "() => { const { y } = document.querySelector('#films').getBoundingClientRect();"
        " return y >= 0 && y < 200 }"
    )

    link = tab.locator("a[href='#figure-learning_curves'][data-about='all_zero']").first
    figure = tab.locator("#figure-learning_curves")
    figure.locator(".tabs label", has_text="depth").click()
    link.press("Enter")
    figure.locator("[aria-pressed=true]", has_text="all zeros").wait_for()
    assert figure.locator("[type=radio]:checked").input_value() == "lecture"
    assert figure.locator("[aria-pressed=true]").count() == 1
    assert figure.locator("details[open]").count() == 0

    link = tab.locator("a[href='#figure-who_moved'][data-about='all_zero']").first
    link.press("Enter")
    bold = tab.locator("#figure-who_moved text[font-weight=bold]", has_text="all zeros")
    bold.first.wait_for()
