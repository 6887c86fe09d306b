"""Numbers and lists in words, and the looks of variants."""

from math import nan
from types import SimpleNamespace

import pytest

from stages.analysis.outcomes import Outcome
from stages.analysis.statistics import Estimate
from stages.rendering import page, style
from tests import made_up


def row(outcome: Outcome) -> SimpleNamespace:
    return SimpleNamespace(outcome=outcome, learning=3, diverging=2, seeds=5)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (style.percent(-0.00001), "0.00 %"),
        (style.decimals(36.5, 0), "37"),
        (style.decimals(0.125, 2), "0.13"),  # as in JavaScript
        (style.decimals(nan, 2), "nan"),
        (style.accuracy(Estimate(0.97744, 0.97441, 0.98048)), "97.74 % (97.44 to 98.05 %)"),
        (style.accuracy(Estimate(0.0001, -0.00001, 0.0002)), "0.01 % (0.00 to 0.02 %)"),
        (style.accuracy(Estimate(0.98, 0.92, 1.04)), "98.00 % (92.00 to 100.00 %)"),
        (style.points(Estimate(-0.8, -1.4, -0.2)), "−80.00 points (−100.00 to −20.00)"),
        (style.accuracy(Estimate(0.1135, 0.1135, 0.1135)), "11.35 % (every seed)"),
        (style.points(Estimate(-0.15846, -0.27249, 0.04443)), "−15.85 points (−27.25 to +4.44)"),
        (style.points(Estimate(0.9, nan, nan)), "+90.00 points"),
        (style.points(Estimate(0, 0, 0)), "0.00 points (every seed)"),
        (style.points(Estimate(-0.00001, -0.00002, 0.00001)), "0.00 points (0.00 to 0.00)"),
        (style.apart(Estimate(0, 0, 0)), "exactly level with"),
        (style.apart(Estimate(0, -0.003, 0.003)), "0.00 points (−0.30 to +0.30) from"),
        (style.factor(Estimate(0.492, 0.471, 0.513)), "0.49 (0.47 to 0.51)"),
        (style.outcome(row(Outcome.LEARNS)), "learns"),
        (style.outcome(row(Outcome.SPLIT)), "3 of 5 learn"),
        (style.outcome(row(Outcome.SOME_DIVERGE)), "2 of 5 diverge"),
        (style.counted(1, "seed"), "1 seed"),
        (style.counted(60_000.0, "seed"), "60,000 seeds"),
        (style.listed(["a"]), "a"),
        (style.listed(["a", "b", "c"]), "a, b and c"),
        (style.rounded(0), "0"),
        (style.rounded(1e-6), "10⁻⁶"),
        (style.rounded(7e-5), "7·10⁻⁵"),
        (style.rounded(0.0652), "0.065"),
        (style.rounded(3e8), "3·10⁸"),
    ],
)
def test_values_in_words(found, words):
    assert found == words


def test_members_of_a_group_differ_in_color_dash_and_shape():
    study = made_up.study()
    looks = style.looks(study)
    assert list(looks) == list(study.variants)
    for members in study.groups().values():
        curves = {"baseline", *members}  # the baseline is drawn with every group
        assert len({looks[name].color for name in curves}) == len(curves)
    first = [style.look(i) for i in range(6)]
    assert len({tuple(look.dash) for look in first}) == len({look.shape for look in first}) == 6


def test_color_of_params_yaml_changes_one_look_alone():
    display = {"group": "lecture", "color": "#123456"}
    usual = style.looks(made_up.study())
    own = style.looks(made_up.study(display={"all_zero": display}))
    assert own.pop("all_zero") == usual.pop("all_zero")._replace(color="#123456")
    assert own == usual


@pytest.mark.parametrize("color", [*style.PALETTE, "#123456"])
def test_every_color_has_contrast_with_the_dark_page(color):
    back, light, usual = (
        style.luminance(channels) + 0.05
        for channels in (style.DARK, *map(bytes.fromhex, (style.on_dark(color)[1:], color[1:])))
    )
    assert light / back >= style.CONTRAST
    assert light == usual or usual / back < style.CONTRAST


def test_dark_background_is_the_pages():
    dark = "".join(f"{channel:02x}" for channel in style.DARK)
    assert f"--back: #{dark}" in page.read("page.css")
