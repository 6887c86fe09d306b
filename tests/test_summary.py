"""Every variant in one row, from made-up results."""

import math

import numpy as np
import pytest

from stages import ROOT, report, summary
from tests import made_up

STUCK = [0.1135] * 5


@pytest.fixture
def settings():
    study = made_up.settings()
    kept = ("baseline", "all_zero", "zero_weights", "constant", "he_normal")
    return study.model_copy(update={"variants": {v: study.variants[v] for v in kept}})


@pytest.fixture
def results():
    return made_up.results(
        {
            "baseline": 0.977, "all_zero": STUCK, "constant": 0.36, "he_normal": 0.976,
            "zero_weights": [0.96, 0.1135, 0.97, 0.96, 0.1135],
        }
    )  # fmt: skip


@pytest.fixture
def table(results, settings):
    return summary.comparison(results, settings, 10_000).set_index("variant")


def test_the_summary_has_the_promised_columns(table, settings):
    assert report.SUMMARY_COLUMNS == [
        "variant", "group", "seeds", "test_acc_mean", "test_acc_low", "test_acc_high",
        "diff_mean", "diff_low", "diff_high", "p_holm", "outcome",
    ]  # fmt: skip
    assert set(report.SUMMARY_COLUMNS + report.DETAIL_COLUMNS) <= {"variant", *table.columns}
    assert list(table.index) == list(settings.variants)


def test_rows_say_how_well_and_how_sure(table):
    he = table.loc["he_normal"]
    assert he["group"] == "schemes"
    assert he["seeds"] == 5
    assert he["test_acc_mean"] == pytest.approx(0.976)
    assert he["test_acc_low"] < 0.976 < he["test_acc_high"]
    assert (he["diff_mean"], he["diff_low"], he["diff_high"]) == pytest.approx([-0.001] * 3)
    assert he["p"] == 0.0625
    assert he["p_holm"] == pytest.approx(0.25)
    assert he["superiority"] == pytest.approx(6 / 25 + 0.5 * 4 / 25)
    assert he["epochs_to_95"] == 1
    assert he["wilson_low"] < 0.976 < he["wilson_high"]
    assert math.isnan(table.loc["baseline", "diff_mean"])


def test_outcomes_are_words_and_counts_where_seeds_part_ways(results, table, settings):
    assert list(table["outcome"]) == ["learns", "stuck", "3 of 5 learn", "learns partly", "learns"]
    history = results.history
    history.loc[(history["variant"] == "constant") & (history["seed"] < 2), "test_loss"] = np.nan
    history.loc[history["variant"] == "he_normal", "test_loss"] = np.nan
    assert summary.outcome(results, settings, "constant") == "2 of 5 diverge"
    assert summary.outcome(results, settings, "he_normal") == "diverges"


def test_differences_are_taken_after_equally_many_epochs(settings):
    results = made_up.results(dict.fromkeys(settings.variants, 0.5))
    history = results.history
    late = (history["variant"] == "baseline") & (history["epoch"] == made_up.EPOCHS)
    history.loc[late, "test_acc"] = 0.9
    short = (history["variant"] == "constant") & (history["epoch"] == made_up.EPOCHS)
    history.drop(history[short].index, inplace=True)
    table = summary.comparison(results, settings, 10_000).set_index("variant")
    assert table.loc["constant", "diff_mean"] == pytest.approx(0)
    assert table.loc["he_normal", "diff_mean"] == pytest.approx(-0.4)


def test_too_few_seeds_get_a_sentence_and_enough_a_verdict(results, settings, table):
    words = summary.verdict(table)
    assert "5 seeds are too few for a verdict by p value" in words
    assert "0.0625" in words
    assert "4 comparisons (Holm) it would take 8 seeds" in words
    many = made_up.results({v: 0.9 if v == "baseline" else 0.5 for v in settings.variants}, seeds=8)
    words = summary.verdict(summary.comparison(many, settings, 10_000))
    assert words.startswith("4 of 4 variants differ from the baseline")


def test_nothing_is_compared_without_a_baseline_or_with_one_seed(settings):
    alone = settings.model_copy(update={"variants": {"constant": settings.variants["constant"]}})
    table = summary.comparison(made_up.results({"constant": 0.36}), alone, 10_000)
    assert "Nothing is compared" in summary.verdict(table)
    one = made_up.results({v: [0.9] for v in settings.variants})
    table = summary.comparison(one, settings, 10_000)
    assert "Nothing is compared" in summary.verdict(table)
    assert "needs 2 seeds" in summary.as_markdown(table)


def test_the_table_to_read(table):
    text = summary.as_markdown(table.reset_index())
    assert "| lecture | all_zero | all zeros | 11.35 % | 11.35 – 11.35 % |" in text
    assert "| – | the seeds part ways | – | 3 of 5 learn |" in text
    assert "−0.10 (−0.10 to −0.10)" in text
    assert text.count("\n") == 7


def test_a_label_cannot_break_the_table(table):
    table["label"] = "a|b"
    assert r"| a\|b |" in summary.as_markdown(table.reset_index())


@pytest.mark.parametrize("file", ["summary.md", "claims.md"])
def test_the_readme_shows_what_the_study_measured(file):
    """Its tables are those of the reports, line by line."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [line for line in readme.splitlines() if line.startswith("|")]
    report = (ROOT / "reports" / file).read_text(encoding="utf-8").splitlines()
    table = [line for line in report if line.startswith("|")]
    assert all(line in shown for line in table if file == "claims.md" or "| lecture |" in line)
