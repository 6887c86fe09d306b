"""The pictures and charts of the page, and their controls."""

import csv
import io
import re

import numpy as np
import pytest

from stages.rendering import heat_charts
from tests.conftest import needs_chromium
from tests.page_study import VARIANTS, opened, tiles

pytestmark = [pytest.mark.slow, needs_chromium]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def labels(figure, axis: int) -> list[str]:
    """The labels along the horizontal (0) or vertical (1) axis."""
    found = figure.locator(".role-axis-label").nth(axis).locator("text").all_text_contents()
    return [text for text in found if text]


def centred(figure):
    figure.evaluate("it => it.scrollIntoView({ behavior: 'instant', block: 'center' })")
    return figure


def accuracy(known, variant: str, epoch: int) -> float:
    """The mean test accuracy, in percent."""
    found = [
        float(row["test_acc"])
        for row in rows(known["tables"]["history"])
        if (row["variant"], row["epoch"]) == (variant, str(epoch))
    ]
    return 100 * sum(found) / len(found)


# ---------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(("variant", "different", "alt"), [
    ("baseline", 16, "all different"),
    ("all_ones", 1, "look the same"),
    ("twice", 8, "16 images"),
    ("all_zero", 1, "16 blank images"),
    ("louder", 16, "all different"),
    ("noise", 1, "differ by less than a picture can show"),
])  # fmt: skip
def test_pictures_show_equal_and_different_units(known, variant, different, alt):
    films = known["films"]
    assert films["variants"].keys() == known["variants"].keys()
    film = films["variants"][variant]
    pictures = tiles(films["images"][film["frames"][0]["image"]])
    assert pictures.shape == (16, 28, 28)
    assert len(np.unique(pictures, axis=0)) == different
    assert alt in film["frames"][0]["alt"]
    assert film["relative"] == (variant in ("noise", "louder"))
    if variant == "twice":
        assert film["twins"] and (pictures[::2] == pictures[1::2]).all()


@pytest.mark.parametrize(("variant", "texts"), [
    ("all_ones", ["16 images that look the same, after epoch 4.", "1 of the first "]),
    ("twice", ["8 of the first layer’s 16 units are distinct", "Equal units are next to each "]),
    ("louder", ["differences from the mean of these units"]),
    ("deep_he_adam", ["after epoch 1, where its training ended."]),
])  # fmt: skip
def test_captions_describe_the_chosen_variant(tab, variant, texts):
    tab.locator("[data-film='0']").select_option("baseline")
    tab.locator("[data-film='1']").select_option(variant)
    tab.locator("#epoch").press("End")
    caption = tab.locator(".film figcaption").nth(1)
    for text in texts:
        caption.get_by_text(text).wait_for()


def test_slider_and_play_go_through_the_epochs_and_nothing_jumps(tab):
    for place, variant in enumerate(("baseline", "louder")):
        tab.locator(f"[data-film='{place}']").select_option(variant)
    tab.wait_for_function(
        "document.querySelector('#figure-why_stuck .legend').textContent.includes('3·10⁻³')"
    )
    assert "3·10⁻³" in tab.locator("[data-chart=symmetry]").get_attribute("aria-label")
    slider = tab.locator("#epoch")
    slider.press("Home")
    assert tab.locator(".ticks span").all_inner_texts() == ["0", "1", "2", "4"]
    seen, places = [], set()
    for text in ("before training", *(f"after epoch {n} of 4" for n in (1, 2, 4))):
        assert slider.get_attribute("aria-valuetext") == text
        assert tab.locator(".slider output").inner_text() == text
        assert text.split(" of")[0] in tab.locator(".film img").first.get_attribute("alt")
        tab.wait_for_timeout(100)
        pictures = tab.locator(".film img").evaluate_all("all => all.map(one => one.src)")
        line = tab.locator("[data-chart=symmetry] .mark-rule.layer_1_marks line")
        seen.append((*pictures, round(line.bounding_box()["x"])))
        # From the figure's corner: the part above it grows at first.
        places.add(
            tab.evaluate(
                """() => `${["#epoch", "#play", "#figure-why_stuck"].map(one => {
                  const box = (at) => document.querySelector(at).getBoundingClientRect();
                  const { x, y, width, height } = box(one);
                  return [x, y - box("#figure-why_stuck").y, width, height].map(Math.round) })}`"""
            )
        )
        tab.keyboard.press("ArrowRight")
    assert all(len(set(found)) == 4 for found in zip(*seen, strict=True))
    assert len(places) == 1
    play = tab.locator("#play")
    play.click()
    assert play.inner_text() == "Pause"
    tab.wait_for_function("document.querySelector('#play').textContent == 'Play'")
    assert slider.input_value() == "3"


# ------------------------------------------------------------------------------------ curves


def test_legend_isolates_a_curve_and_groups_replace_all(tab):
    figure = tab.locator("#figure-learning_curves")
    group = figure.locator(".tabs label")

    def visible() -> int:
        tab.wait_for_timeout(200)
        return figure.locator(".mark-line path").evaluate_all(
            "all => all.filter(one => +(one.getAttribute('opacity') ?? 1) > 0.5).length"
        )

    group.get_by_text("lecture").click()
    assert visible() == 4
    entry = figure.locator(".legend button", has_text="all ones")
    for pressed, count in (("true", 1), ("false", 4)):
        entry.click()
        assert entry.get_attribute("aria-pressed") == pressed
        assert visible() == count
    group.get_by_text("zeros").click()
    entries = figure.locator(".legend button").all_inner_texts()
    names = [text.split(":")[0].strip() for text in entries]
    assert names == ["fc2 all zeros", "weights zero", "PyTorch default"]
    assert visible() == 2 + 3  # every seed of the variant whose seeds disagree
    assert "2 of 3 learn" in figure.locator(".plot").get_attribute("aria-label")


def test_variants_of_any_group_are_shown_in_one_chart(tab):
    figure = tab.locator("#figure-learning_curves")
    figure.locator(".tabs label", has_text="lecture").click()
    figure.locator("summary").click()
    for variant in ("he_normal", "noise", "deep_he_adam", "twice"):
        figure.locator(f"input[value={variant}]").check()
    figure.locator("input[value=zero_fc1]").uncheck()
    assert figure.locator("[type=radio]:checked").count() == 0
    entries = figure.locator(".legend button")
    assert [text.split(":")[0].strip() for text in entries.all_inner_texts()] == [
        "PyTorch default", "all zeros", "all ones", "0.1 + noise of 10⁻⁶", "every unit twice",
        "He normal", "deep, He",
    ]  # fmt: skip
    looks = entries.locator("svg").evaluate_all("all => all.map(one => one.outerHTML)")
    assert len(set(looks)) == 7
    figure.locator(".tabs label", has_text="zeros").click()
    checked = figure.locator("[type=checkbox]:checked").evaluate_all("all => all.map(x => x.value)")
    assert checked == ["baseline", "zero_fc2", "parted"]
    for variant in checked:
        figure.locator(f"input[value={variant}]").uncheck()
    tab.wait_for_timeout(200)
    assert figure.locator(".mark-line path").count() == 0
    figure.locator("summary").click()


def test_zoom_fills_the_chart_with_the_best_curves(tab, known):
    figure = tab.locator("#figure-learning_curves")
    figure.locator(".tabs label", has_text="lecture").click()
    for pressed in ("true", "false"):
        figure.locator(".zoom").click()
        assert figure.locator(".zoom").get_attribute("aria-pressed") == pressed
        tab.wait_for_timeout(200)
        shares = [float(label.strip("%")) for label in labels(figure, 1)]
        assert (min(shares) == 0) == (pressed == "false")
        if pressed == "true":
            best = accuracy(known, "baseline", 4)
            assert min(shares) < best < max(shares) + 10 and max(shares) - min(shares) < 30


def test_baseline_is_cut_where_the_trainings_of_a_group_end(tab, known):
    figure = tab.locator("#figure-learning_curves")
    figure.locator(".tabs label", has_text="lecture").click()
    tab.wait_for_timeout(200)
    assert labels(figure, 0)[-1] == "4"
    figure.locator(".tabs label", has_text="depth").click()
    tab.wait_for_timeout(200)
    assert labels(figure, 0) == ["0", "1"]
    text = f"{accuracy(known, 'baseline', 1):.2f} % after 1 epoch"
    assert text in figure.locator(".legend").inner_text()
    assert text in figure.locator(".plot").get_attribute("aria-label")


def test_axes_of_signal_and_gradient_are_comparable_and_colours_have_a_key(tab):
    forward, backward = (labels(tab.locator(f"#figure-{x}"), 1) for x in ("signal", "gradient"))
    assert forward == backward and len(forward) > 1
    for name, text in (("who_moved", "≤ 0.0001"), ("map_depths", "100%")):
        key = tab.locator(f"#figure-{name} .role-legend").first
        assert text in key.text_content()


def test_noise_has_a_row_for_every_level(tab):
    rows = tab.locator("#noise-levels tbody tr")
    levels = rows.locator("th").all_inner_texts()
    assert levels == ["ε = 0", "ε = 10⁻⁶", "ε = 3·10⁻³"]
    assert rows.first.locator("td").nth(1).inner_text() == "0"  # no gap without noise
    assert all("%" in cell for cell in rows.locator("td:last-child").all_inner_texts())


def test_labels_that_are_cut_on_a_phone_still_differ(browser, reports):
    tab = opened(browser, reports / "index.html", 360)
    found = labels(tab.locator("#figure-final_accuracy"), 1)
    assert len(set(found)) == len(found) == len(VARIANTS)
    assert any("…" in label and not label.endswith("…") for label in found)
    tab.context.close()


def test_charts_follow_a_screen_that_turns_dark_and_narrow(browser, reports):
    tab = opened(browser, reports / "index.html")
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function("document.documentElement.dataset.drawn == 'dark wide'")
    label = tab.locator("[data-chart=symmetry] .role-axis-label text").first
    assert label.get_attribute("fill") == "#e6edf3"
    tab.set_viewport_size({"width": 360, "height": 700})
    tab.wait_for_function("document.documentElement.dataset.drawn == 'dark narrow'")
    assert tab.locator("[data-chart=learning_curves] svg").bounding_box()["width"] <= 360
    tab.context.close()


# ---------------------------------------------------------------------------------- tooltips


def test_pointer_shows_all_curves_at_the_nearest_epoch(tab, known):
    figure = tab.locator("#figure-learning_curves")
    tip = tab.locator("#vg-tooltip-element")

    def shown() -> dict[str, str]:
        tab.mouse.move(0, 0)
        tip.wait_for(state="hidden")
        box = centred(figure).locator("svg.marks").bounding_box()
        # Above the second epoch, far from every curve.
        x, y = box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.5
        tab.mouse.move(x - 4, y)
        tab.wait_for_timeout(100)  # a hand comes to rest
        tab.mouse.move(x, y)
        tip.wait_for(state="visible")
        lines = tip.locator("td.value").last.inner_text().splitlines()
        return {name: value for name, _, value in (line.partition(": ") for line in lines)}

    figure.locator(".tabs label", has_text="lecture").click()
    values = shown()
    assert sorted(values) == ["PyTorch default", "all ones", "all zeros", "fc1 all zeros"]
    for name, variant in (("PyTorch default", "baseline"), ("all ones", "all_ones")):
        value = re.fullmatch(r"(\d+\.\d\d) % \(\d+\.\d\d to \d+\.\d\d\)", values[name])
        assert float(value[1]) == pytest.approx(accuracy(known, variant, 2), abs=0.006)
    figure.locator(".legend button", has_text="all ones").click()
    assert list(shown()) == ["all ones"]
    figure.locator(".tabs label", has_text="zeros").click()
    assert "11.35 to 90.00 %" in shown()["weights zero"]


def test_pointer_shows_the_numbers_of_a_cell(tab, reports, known):
    tip = tab.locator("#vg-tooltip-element.visible")
    cells = centred(tab.locator("#figure-map_depths")).locator(".role-mark.mark-rect path")
    assert cells.count() == 4 * 3
    cells.nth(6).hover(force=True)  # by depth, and then by variance
    text = tip.inner_text()
    scores = [
        float(row["train_acc"])
        for row in rows((reports / "sweeps" / "depths.csv").read_text(encoding="utf-8"))
        if (row["x"], row["y"]) == ("2", "10")
    ]
    assert f"{100 * sum(scores) / len(scores):.1f} %" in text and "of 2" in text and "∞" in text

    moves = rows(known["tables"]["moves"])
    still = [row for row in moves if float(row["largest_move"] or 1) == 0]
    assert still and all(row["moved_at"] == "" for row in still)
    cells = centred(tab.locator("#figure-who_moved")).locator(".role-mark.mark-rect path")
    fills = cells.evaluate_all("all => all.map(one => one.getAttribute('fill'))")
    assert fills.count(heat_charts.STILL) == len(still)
    assert len(set(fills)) > len(moves) / 3  # a large move leaves colours for all others
    cells.first.hover(force=True)
    tip.get_by_text("at step 1").wait_for()
    cells.nth(fills.index(heat_charts.STILL)).hover(force=True)
    tip.get_by_text("never").wait_for()


def test_tap_shows_a_tooltip_until_the_next_tap(browser, reports):
    tab = opened(browser, reports / "index.html", 360, has_touch=True)
    tip = tab.locator("#vg-tooltip-element.visible")
    for chart, text in (
        ("learning_curves", "all ones"),
        ("map_depths", "Hidden layers"),
        ("final_accuracy", "at the end"),
    ):
        plot = centred(tab.locator(f"[data-chart={chart}]"))
        tab.wait_for_timeout(100)
        box = plot.bounding_box()
        tab.touchscreen.tap(box["x"] + 0.6 * box["width"], box["y"] + 0.32 * box["height"])
        tip.wait_for()
        assert text in tip.inner_text()
        tab.touchscreen.tap(4, 4)
        tip.wait_for(state="hidden")
    tab.context.close()


def test_link_of_a_claim_highlights_its_variants(browser, reports):
    tab = opened(browser, reports / "index.html")

    def follow(link: str) -> list[str]:
        claim = tab.locator(".claim").filter(has=tab.locator(link)).first
        claim.locator("summary").press("Enter")
        claim.locator(link).press("Enter")
        return claim.locator(link).get_attribute("data-about").split()

    variants = follow("a[href='#films'][data-about]")
    tab.wait_for_function(
        "wanted => document.querySelector('[data-film]').value == wanted", arg=variants[0]
    )
    pair = [picker.input_value() for picker in tab.locator("[data-film]").all()]
    assert pair == [*variants, "baseline"][:2]
    tab.wait_for_function(
        "() => { const { y } = document.querySelector('#films:target').getBoundingClientRect();"
        " return y >= 0 && y < 200 }"
    )

    figure = tab.locator("#figure-learning_curves")
    figure.locator(".tabs label", has_text="depth").click()
    follow("a[href='#figure-learning_curves'][data-about='all_zero']")
    figure.locator("[aria-pressed=true]", has_text="all zeros").wait_for()
    assert figure.locator("[type=radio]:checked").input_value() == "lecture"
    assert figure.locator("[aria-pressed=true]").count() == 1
    assert figure.locator("details[open]").count() == 0

    follow("a[href='#figure-who_moved'][data-about='all_zero']")
    tab.locator("#figure-who_moved text[font-weight=bold]", has_text="all zeros").first.wait_for()
    tab.context.close()
