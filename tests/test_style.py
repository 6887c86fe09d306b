"""Numbers and lists in words, and who is drawn how."""

from math import nan
from types import SimpleNamespace

import pytest

from stages.analysis.outcomes import Outcome
from stages.analysis.statistics import Estimate
from stages.rendering import page, style
from tests import made_up

ALONE = Estimate(0.9, nan, nan)  # of one seed


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.97744, "97.74 %"), (1, "100.00 %"), (-0.1585, "−15.85 %"), (-0.00001, "0.00 %")],
)
def test_a_share_is_in_per_cent(share, words):
    assert style.percent(share) == words


def test_an_accuracy_has_its_interval_if_there_is_one():
    assert style.accuracy(Estimate(0.97744, 0.97441, 0.98048)) == "97.74 % (97.44 to 98.05 %)"
    assert style.accuracy(Estimate(0.0001, -0.00001, 0.0002)) == "0.01 % (0.00 to 0.02 %)"
    assert style.accuracy(ALONE) == "90.00 %"
    assert style.interval(ALONE) == ""


def test_an_interval_without_width_is_said_in_words():
    alike = Estimate(0.1135, 0.1135, 0.1135)
    assert style.interval(alike) == style.interval(alike, unit=" %") == "every seed"
    assert style.accuracy(alike) == "11.35 % (every seed)"
    assert style.points(Estimate(0, 0, 0)) == "0.00 points (every seed)"
    assert style.factor(Estimate(1, 1, 1)) == "1.00 (every seed)"


def test_a_difference_has_signs():
    estimate = Estimate(-0.15846, -0.27249, 0.04443)
    assert style.points(estimate) == "−15.85 points (−27.25 to +4.44)"
    assert style.points(estimate, "") == "−15.85 (−27.25 to +4.44)"
    assert style.points(ALONE) == "+90.00 points"


def test_no_difference_is_minus_zero():
    assert "−0.00" not in style.points(Estimate(-0.00001, -0.00002, 0.00001))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.LEARNS, "learns"),
        (Outcome.DIVERGES, "diverges"),
        (Outcome.SPLIT, "3 of 5 learn"),
        (Outcome.SOME_DIVERGE, "2 of 5 diverge"),
    ],
)
def test_an_outcome_has_counts_where_seeds_part_ways(outcome, words):
    row = SimpleNamespace(outcome=outcome, learning=3, diverging=2, seeds=5)
    assert style.outcome(row) == words


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 seed"), (0, "0 seeds"), (5.0, "5 seeds"), (60_000, "60,000 seeds")]
)
def test_what_is_counted_has_its_plural(count, words):
    assert style.counted(count, "seed") == words


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists_read_as_people_write_them(words, text):
    assert style.listed(words) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (1e-6, "10⁻⁶"), (7e-5, "7·10⁻⁵"), (0.0652, "0.065"), (742.0, "740"), (3e8, "3·10⁸")],
)
def test_numbers_are_rounded_and_far_from_1_are_powers(value, words):
    assert style.rounded(value) == words


def test_looks_tell_the_members_of_a_group_apart():
    study = made_up.study()
    looks = style.looks(study)
    assert list(looks) == list(study.variants)
    for members in study.groups().values():
        curves = {"baseline", *members}  # the baseline is drawn beside every group
        assert len({looks[name].color for name in curves}) == len(curves)
    first = [style.look(i) for i in range(6)]
    assert len({tuple(look.dash) for look in first}) == len({look.shape for look in first}) == 6


def test_a_colour_of_ones_own_changes_nothing_else():
    display = {"group": "lecture", "color": "#123456"}
    usual = style.looks(made_up.study())
    own = style.looks(made_up.study(display={"all_zero": display}))
    assert own.pop("all_zero") == usual.pop("all_zero")._replace(color="#123456")
    assert own == usual


def test_every_colour_is_seen_in_the_dark_and_changes_no_more_than_it_must():
    for color in [*style.PALETTE, "#123456"]:
        shown = style.on_dark(color)
        channels = [int(shown[i : i + 2], 16) for i in (1, 3, 5)]
        assert style.contrast(channels, style.DARK) >= style.SEEN >= 3
    assert style.on_dark("#e69f00") == "#e69f00"
    assert style.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


def test_the_dark_that_colours_are_measured_against_is_the_pages():
    assert "--back: #" + "".join(f"{channel:02x}" for channel in style.DARK) in page.read(
        "page.css"
    )
