"""The study, its results, every variant in one row, and summary.md, from made-up results."""

import csv
import io
import math

import pandas as pd
import pytest

from stages.analysis import outcomes
from stages.analysis.outcomes import Outcome
from stages.analysis.report import Report
from stages.analysis.results import Results
from stages.analysis.statistics import t_interval
from stages.rendering import summary
from tests import made_up
from tests.made_up import DISAGREE, STUCK

ACCURACIES = {
    "baseline": 0.977, "all_zero": STUCK, "zero_weights": DISAGREE, "constant": 0.36,
    "he_normal": 0.976,
}  # fmt: skip
MEANS = [
    "test_acc_mean", "test_acc_low", "test_acc_high", "diff_mean", "diff_low", "diff_high",
    "all_low", "all_high", "wilson_low", "wilson_high",
]  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    return made_up.results(ACCURACIES)


@pytest.fixture(scope="module")
def report(results: Results) -> Report:
    return made_up.report_of(results)


def row_of(results: Results, variant: str) -> pd.Series:
    return outcomes.comparison(results).set_index("variant").loc[variant]


def test_a_row_has_accuracy_difference_and_their_intervals(report):
    he = report.table.set_index("variant").loc["he_normal"]
    assert list(report.table["variant"]) == list(ACCURACIES)
    assert he[["label", "group", "seeds"]].tolist() == ["He normal", "schemes", 5]
    assert he["test_acc_mean"] == pytest.approx(0.976)
    assert he["test_acc_low"] < 0.976 < he["test_acc_high"]
    assert he[["test_acc_least", "test_acc_most"]].tolist() == pytest.approx([0.974, 0.978])
    # The difference of every seed is −0.001.
    differences = ["diff_mean", "diff_low", "diff_high", "all_low", "all_high"]
    assert he[differences].tolist() == pytest.approx([-0.001] * 5)
    assert he[["wilson_low", "wilson_high"]].tolist() == pytest.approx([0.9728, 0.9788], abs=1e-4)


@pytest.mark.parametrize(
    ("variant", "diverging", "outcome", "words"),
    [
        ("baseline", [], Outcome.LEARNS, "learns"), ("all_zero", [], Outcome.STUCK, "stuck"),
        ("zero_weights", [], Outcome.SPLIT, "3 of 5 learn"),
        ("constant", [], Outcome.PARTLY, "learns partly"),
        ("constant", [0, 1], Outcome.SOME_DIVERGE, "2 of 5 diverge"),
        ("constant", range(5), Outcome.DIVERGES, "diverges"),
    ],
)  # fmt: skip
def test_the_outcome_follows_from_the_seeds(results, variant, diverging, outcome, words):
    table = outcomes.comparison(made_up.diverge(results, variant, *diverging))
    row = table.set_index("variant").loc[variant]
    assert row["outcome"] is outcome
    if not outcome.has_mean:
        assert row[MEANS].isna().all() and row["test_acc_least"] <= row["test_acc_most"]
    text = summary.csv(table, summary.SUMMARY_COLUMNS)
    [written] = [row for row in csv.DictReader(io.StringIO(text)) if row["variant"] == variant]
    assert (written["outcome"], bool(written["test_acc_mean"])) == (words, outcome.has_mean)


def test_without_a_baseline_that_learns_nothing_is_compared_or_learns_partly(results):
    alone = made_up.results({"constant": 0.36})
    diverged = made_up.diverge(results, "baseline", *range(5))
    stuck = made_up.results({"baseline": STUCK, "constant": 0.36})
    for one in (alone, diverged, stuck):
        row = row_of(one, "constant")
        assert row["outcome"] is Outcome.LEARNS and math.isnan(row["diff_mean"])
        assert "No intervals of differences" in summary.as_markdown(made_up.report_of(one))


@pytest.mark.parametrize("shorter", ["constant", "baseline"])
def test_variants_are_compared_after_the_same_number_of_epochs(shorter):
    results = made_up.results(dict.fromkeys(ACCURACIES, [0.5] * 5))
    for variant in ("baseline", "constant"):
        results = made_up.with_accuracy(results, variant, made_up.EPOCHS, 0.9)
    results = made_up.shortened(results, shorter)
    row = row_of(results, "constant")
    assert (row["diff_mean"], row["outcome"]) == (0, Outcome.LEARNS)
    text = summary.as_markdown(made_up.report_of(results))
    if shorter == "constant":
        assert row[["compared_after", "baseline_acc"]].tolist() == [2, 0.5]
        assert "constant (2; baseline at that epoch: 50.00 %)" in text
        assert row_of(results, "he_normal")["diff_mean"] == pytest.approx(-0.4)


def test_simultaneous_intervals_decide_how_many_variants_differ():
    results = made_up.results(ACCURACIES | {
        "baseline": 0.9, "constant": 0.95, "he_normal": [0.89, 0.91, 0.9, 0.92, 0.88]
    })  # fmt: skip
    report, he = made_up.report_of(results), row_of(results, "he_normal")
    assert report.findings["differences"] == {"compared": 3, "below": 1, "above": 1}
    wide = t_interval(results.difference("he_normal", "baseline"), 3)
    assert (he["all_low"], he["all_high"]) == pytest.approx(wide[1:], abs=1e-6)
    assert he["all_low"] < he["diff_low"] < 0 < he["diff_high"] < he["all_high"]


def test_summary_lists_every_variant(report):
    lines = summary.as_markdown(report).splitlines()
    assert [line.split(" | ")[1] for line in lines[2:7]] == list(ACCURACIES)
    assert lines[3].startswith("| lecture | all_zero | all zeros | 11.35 % | every seed | −86.")
    assert lines[4].endswith("| – | the seeds disagree | – | 3 of 5 learn |")
    assert "| −0.10 (every seed) | learns |" in lines[6]


def test_summary_of_one_seed_has_no_interval():
    text = summary.as_markdown(made_up.report({"baseline": [0.9], "constant": [0.9]}, seeds=1))
    assert "needs 2 seeds" in text and "No intervals of differences" in text and "nan" not in text


def test_tables_have_their_columns(report):
    texts = summary.texts(report)
    found = pd.read_csv(io.StringIO(texts["summary.csv"])).set_index("variant")
    assert [found.index.name, *found.columns] == summary.SUMMARY_COLUMNS
    assert found["diff_mean"]["he_normal"] == -0.001 and math.isnan(found["diff_mean"]["baseline"])
    details = pd.read_csv(io.StringIO(texts["statistics.csv"]))
    assert list(details.columns) == summary.DETAIL_COLUMNS
    assert list(details["learning"]) == [5, 0, 3, 5, 5]


def test_metrics_have_accuracies_and_count_outcomes(report):
    assert summary.headline(report) == {
        "accuracy": {"baseline": 0.977, "all_zero": 0.1135}, "learn": 2, "stuck": 1
    }  # fmt: skip
    accuracies = summary.accuracies(report)
    assert accuracies["zero_weights"] == {"seeds_that_learn": 3}
    assert accuracies["constant"] == 0.36


def test_results_are_read_from_the_tables_of_evaluate(tmp_path, results):
    results.history.to_csv(tmp_path / "history.csv", index=False)
    results.probes.to_csv(tmp_path / "probes.csv", index=False)
    test_set = pd.DataFrame([{"images": 20, "commonest": 0.6, "learned_above": 0.62}])
    test_set.to_csv(tmp_path / "test_set.csv", index=False)
    read = Results.read(results.study, tmp_path, tmp_path)
    assert (read.commonest, read.images, read.learned_above) == (0.6, 20, 0.62)
    for name in ("history", "probes"):
        pd.testing.assert_frame_equal(
            getattr(read, name), getattr(results, name), check_dtype=False
        )
