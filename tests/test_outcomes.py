"""The study, its results and every variant in one row, from made-up figures."""

import csv
import io
import math

import numpy as np
import pandas as pd
import pytest

from stages import report
from stages.analysis import outcomes, initializations
from stages.analysis.claims import LECTURE
from stages.analysis.judging import audit
from stages.analysis.outcomes import Outcome
from stages.analysis.results import Results
from stages.analysis.statistics import t_interval
from stages.analysis.study import Study
from stages.rendering import claims, style, summary
from tests import made_up
from tests.made_up import PARTED, STUCK

ACCURACIES = {
    "baseline": 0.977, "all_zero": STUCK, "zero_weights": PARTED, "constant": 0.36,
    "he_normal": 0.976,
}  # fmt: skip


@pytest.fixture
def study() -> Study:
    return made_up.study(ACCURACIES)


@pytest.fixture
def results() -> Results:
    return made_up.results(ACCURACIES)


@pytest.fixture
def table(study: Study, results: Results) -> pd.DataFrame:
    return outcomes.comparison(study, results)


def of(table: pd.DataFrame, variant: str) -> pd.Series:
    return table.set_index("variant").loc[variant]


def test_rows_say_how_well_and_how_sure(table, study):
    assert list(table["variant"]) == list(study.variants)
    he = of(table, "he_normal")
    assert (he["label"], he["group"], he["seeds"]) == ("He normal", "schemes", 5)
    assert he["test_acc_mean"] == pytest.approx(0.976)
    assert he["test_acc_low"] < 0.976 < he["test_acc_high"]
    assert (he["test_acc_least"], he["test_acc_most"]) == pytest.approx((0.974, 0.978))
    assert (he["diff_mean"], he["diff_low"], he["diff_high"]) == pytest.approx([-0.001] * 3)
    # Of three differences that have a mean; each seed's is −0.001.
    assert (he["all_low"], he["all_high"]) == pytest.approx([-0.001] * 2)
    assert he["superiority"] == pytest.approx(6 / 25 + 0.5 * 4 / 25)
    assert he["epochs_to_95"] == 1
    assert pd.isna(of(table, "all_zero")["epochs_to_95"])  # nothing was learned
    assert he["wilson_low"] == pytest.approx(0.9728, abs=1e-4)  # of 10,000 images
    assert he["wilson_high"] == pytest.approx(0.9788, abs=1e-4)
    assert math.isnan(of(table, "baseline")["diff_mean"])


def test_outcomes_are_what_became_of_the_seeds(table, study, results):
    assert list(table["outcome"]) == [
        Outcome.LEARNS, Outcome.STUCK, Outcome.SPLIT, Outcome.PARTLY, Outcome.LEARNS
    ]  # fmt: skip
    assert of(table, "zero_weights")["learning"] == 3
    results = made_up.diverge(results, "constant", 0, 1)
    results = made_up.diverge(results, "he_normal", *range(5))
    table = outcomes.comparison(study, results)
    assert of(table, "constant")["outcome"] is Outcome.SOME_DIVERGE
    assert of(table, "constant")["diverging"] == 2
    assert of(table, "he_normal")["outcome"] is Outcome.DIVERGES


def test_seeds_that_part_ways_have_no_mean_and_no_interval(table):
    parted = of(table, "zero_weights")
    means = [c for c in table.columns if c.startswith(("test_acc_mean", "diff_", "all_", "wilson"))]
    means += ["test_acc_low", "test_acc_high", "superiority", "epochs_to_95"]
    assert parted[means].isna().all()
    assert (parted["test_acc_least"], parted["test_acc_most"]) == (STUCK[0], 0.97)


def test_a_mean_is_given_only_where_it_describes_all_seeds():
    means = {outcome for outcome in Outcome if outcome.has_mean}
    assert means == {Outcome.LEARNS, Outcome.PARTLY, Outcome.STUCK}
    assert {outcome for outcome in Outcome if outcome.splits} == set(Outcome) - means - {
        Outcome.DIVERGES
    }


def test_without_a_baseline_nothing_learns_partly():
    table = outcomes.comparison(made_up.study(["constant"]), made_up.results({"constant": 0.36}))
    assert list(table["outcome"]) == [Outcome.LEARNS]
    assert math.isnan(table["diff_mean"].item())


def test_differences_are_taken_after_equally_many_epochs(study):
    results = made_up.results(dict.fromkeys(ACCURACIES, 0.5))
    history = results.history
    last = history["epoch"] == made_up.EPOCHS
    history.loc[last & (history["variant"] == "baseline"), "test_acc"] = 0.9
    history.drop(history[last & (history["variant"] == "constant")].index, inplace=True)
    table = outcomes.comparison(study, results)
    assert of(table, "constant")["diff_mean"] == pytest.approx(0)
    assert of(table, "constant")["outcome"] is Outcome.LEARNS
    assert of(table, "constant")[["compared_after", "baseline_acc"]].tolist() == [2, 0.5]
    assert of(table, "he_normal")[["compared_after", "baseline_acc"]].isna().all()
    assert of(table, "he_normal")["diff_mean"] == pytest.approx(-0.4)
    text = summary.as_markdown(table)
    assert (
        "Not trained for 3 epochs and compared with the baseline after equally many: constant "
        "(2; the baseline then: 50.00 %)." in text
    )


def test_a_shorter_baseline_is_no_other_one(study):
    results = made_up.results(dict.fromkeys(ACCURACIES, [0.5] * 5))
    history = results.history
    last = history["epoch"] == made_up.EPOCHS
    history.loc[last & (history["variant"] == "he_normal"), "test_acc"] = 0.9
    history.drop(history[last & (history["variant"] == "baseline")].index, inplace=True)
    he = of(outcomes.comparison(study, results), "he_normal")
    assert (he["diff_mean"], he["superiority"], he["test_acc_mean"]) == (0, 0.5, 0.9)


def test_who_differs_is_told_by_intervals_that_hold_at_once(study):
    accuracies = {
        "baseline": 0.9, "all_zero": STUCK, "zero_weights": PARTED, "constant": 0.95,
        "he_normal": [0.89, 0.91, 0.9, 0.92, 0.88],
    }  # fmt: skip
    results = made_up.results(accuracies)
    table = outcomes.comparison(study, results)
    found = outcomes.differences(table)
    assert (found.compared, found.below, found.above) == (3, ["all_zero"], ["constant"])
    wide = t_interval(results.difference("he_normal", "baseline"), 3)
    he = of(table, "he_normal")
    assert (he["all_low"], he["all_high"]) == pytest.approx(wide[1:], abs=1e-6)
    assert he["all_low"] < he["diff_low"] < 0 < he["diff_high"] < he["all_high"]
    assert "Of 3 differences to the baseline, 1 is below 0 and 1 above it" in (
        summary.as_markdown(table)
    )


@pytest.mark.parametrize("accuracies", [{"constant": 0.36}, {"baseline": [0.9], "constant": [0.9]}])
def test_nothing_is_compared_without_a_baseline_or_with_one_seed(accuracies):
    table = outcomes.comparison(made_up.study(accuracies), made_up.results(accuracies))
    text = summary.as_markdown(table)
    assert "Nothing is compared" in text
    assert ("needs 2 seeds" in text) == (table["seeds"].max() == 1)
    assert "nan" not in text


def test_the_table_to_read(table):
    lines = summary.as_markdown(table).splitlines()
    assert [line.split(" | ")[1] for line in lines[2:7]] == list(ACCURACIES)
    assert lines[3].startswith("| lecture | all_zero | all zeros | 11.35 % | every seed | −86.")
    assert lines[4].endswith("| – | the seeds part ways | – | 3 of 5 learn |")
    assert "| −0.10 (every seed) | learns |" in lines[6]


def test_a_label_cannot_break_the_table(table):
    assert "| a&#124;b |" in summary.as_markdown(table.assign(label="a|b"))
    assert "| a&#124;b |" in summary.as_markdown(table.assign(group="a|b"))


def test_the_tables_to_compute_with(table):
    text = summary.csv(table, summary.SUMMARY_COLUMNS)
    assert text.splitlines()[0] == (
        "variant,group,seeds,test_acc_mean,test_acc_low,test_acc_high,diff_mean,diff_low,"
        "diff_high,outcome"
    )
    rows = {row["variant"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["zero_weights"]["outcome"] == "3 of 5 learn"
    assert float(rows["he_normal"]["diff_mean"]) == -0.001
    assert rows["baseline"]["diff_mean"] == ""
    details = pd.read_csv(io.StringIO(summary.csv(table, summary.DETAIL_COLUMNS)))
    assert list(details.columns) == summary.DETAIL_COLUMNS
    assert list(details["learning"]) == [5, 0, 3, 5, 5]


def test_headlines_count_outcomes_and_verdicts(study, results, table):
    judged = claims.rows(study, results, audit(LECTURE, study, results))
    found = report.headline(study, table, judged)
    verdicts = [found.pop(by) for by in ("lecture", "literature", "study")]
    assert found == {
        "accuracy": {"baseline": 0.977, "all_zero": 0.1135}, "learn": 2, "stuck": 1
    }  # fmt: skip
    assert verdicts[0] == {"holds": 0, "in_part": 1, "fails": 3, "undecided": 0, "untested": 8}
    assert {count for counts in verdicts[1:] for count in counts.values()} == {0}


def test_who_diverges_has_no_number_anywhere(study, results):
    results = made_up.diverge(results, "baseline", *range(5))
    table = outcomes.comparison(study, results)
    assert table["diff_mean"].isna().all()
    assert of(table, "constant")["outcome"] is Outcome.LEARNS  # compared with nothing
    assert style.endings(table)["baseline"] == "diverges"
    assert "the seeds of both ending alike" in summary.as_markdown(table)


def test_where_seeds_part_ways_an_accuracy_is_a_count(table):
    found = report.accuracies(table)
    assert found["zero_weights"] == {"seeds_that_learn": 3}
    assert found["constant"] == 0.36


def test_variants_are_shown_by_group_and_told_by_their_settings(study):
    assert study.groups() == {
        "lecture": ["baseline", "all_zero"], "zeros": ["zero_weights"], "constants": ["constant"],
        "schemes": ["he_normal"],
    }  # fmt: skip
    assert study.first_group() == ["baseline", "all_zero"]
    assert study.with_own_settings() == []
    full = made_up.study()
    deep = [name for name in full.variants if name.startswith("deep_")]
    assert full.with_own_settings() == deep
    assert full.same_layers() == [name for name in full.variants if name not in deep]
    assert full.variants["deep_he_sgd"].layers == ["fc1", "fc2", "fc3", "out"]


def test_noise_around_a_constant_is_found_in_the_plans(study):
    assert initializations.noise(study) == []
    assert initializations.noise(made_up.study()) == [
        (0.1, 0.0, "constant"), (0.1, 1e-6, "noise_little"), (0.1, 1e-2, "noise_much")
    ]  # fmt: skip
    alone = made_up.study(["noise_little", "constant_small"])
    assert initializations.noise(alone) == []  # its constant is another one


def test_deep_variants_are_found_by_scheme_and_only_with_relu():
    assert initializations.deep(made_up.study()) == {
        "default": "deep_default_adam", "xavier": "deep_xavier_adam", "he": "deep_he_adam"
    }  # fmt: skip
    assert initializations.deep(made_up.study(network={"activation": "tanh"})) == {}
    assert initializations.deep(made_up.study(["baseline", "deep_he_adam"])) == {
        "he": "deep_he_adam"
    }


def test_results_are_read_as_evaluate_writes_them(tmp_path, results):
    results.history.to_csv(tmp_path / "history.csv", index=False)
    results.probes.to_csv(tmp_path / "probes.csv", index=False)
    test_set = pd.DataFrame([{"images": 20, "commonest": 0.6, "learned_above": 0.62}])
    test_set.to_csv(tmp_path / "test_set.csv", index=False)
    read = Results.read(tmp_path, tmp_path)
    assert (read.commonest, read.images, read.learned_above) == (0.6, 20, 0.62)
    assert list(read.accuracy("constant")) == pytest.approx([0.358, 0.359, 0.36, 0.361, 0.362])
    assert list(read.accuracy("constant", 0)) == [0.098] * 5
    assert list(read.curve("all_zero")) == pytest.approx([0.098, 0.1135, 0.1135, 0.1135])
    assert read.epochs("baseline") == made_up.EPOCHS
    assert read.layers("baseline") == ["fc1", "fc2", "out"]
    assert len(read.probe("baseline", None, "dead_fraction", -1)) == 10
    assert len(read.probe("baseline", "out", "dead_fraction")) == 0
    assert list(read.ended("zero_weights", "learns")) == [True, False, True, True, False]
    assert read.ends("zero_weights") == {"learns": 3, "stuck": 2}
    gaps = read.probe_by_seed("constant", None, "symmetry_gap", None, "max")
    assert list(gaps) == [1.5] * 5
    assert np.isnan(read.probe_by_seed("constant", "out", "dead_fraction", -1, "mean")).all()
