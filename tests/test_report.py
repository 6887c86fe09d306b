"""The figures, from made-up results."""

import numpy as np
import pandas as pd
import pytest

from stages import figures, measured, params, reasons, report, summary
from stages.figures import plt
from tests import made_up
from tests.conftest import SMALL

STUCK = [0.1135] * 5
ACCURACIES = {
    "baseline": 0.977, "all_zero": STUCK, "zero_weights": [0.96, 0.1135, 0.97, 0.96, 0.1135],
    "constant": 0.36, "noise_0_000001": 0.97, "noise_0_01": 0.96,
    "deep_default_adam": STUCK, "deep_he_adam": 0.9,
}  # fmt: skip


@pytest.fixture
def settings():
    study = made_up.settings()
    return study.model_copy(update={"variants": {v: study.variants[v] for v in ACCURACIES}})


@pytest.fixture
def results():
    return made_up.results(
        ACCURACIES,
        {
            ("all_zero", None, "weight_move"): 0.0,
            ("all_zero", None, "weight_moved_at"): None,
            ("all_zero", "fc1", "distinct_units"): 1,
            ("constant", "fc1", "symmetry_gap"): 0.0,
            ("baseline", "out", "weight_moved_at"): 7,
        },
    )


@pytest.fixture
def drawn(results, settings, monkeypatch):
    """Every figure by its name."""
    rng = np.random.default_rng(0)
    weights = {"baseline": (np.zeros((16, 784)), rng.normal(size=(16, 784)))}
    monkeypatch.setattr(report, "fc1_weights", lambda variants: weights)
    table = summary.comparison(results, settings, 10_000)
    figures_by_name = dict(report.draw(results, settings, table))
    yield figures_by_name
    plt.close("all")


def words(figure: plt.Figure) -> str:
    """All text of a figure, as far as it is shown."""
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(plt.Text) if text.get_visible())


def test_every_figure_asks_its_question_in_its_title(drawn):
    questions = {
        "learning_curves": "Does the initial value of the weights decide what is learned?",
        "all_variants": "Which ways to start learn, and which never do?",
        "final_accuracy": "How well does every start end?",
        "why_stuck": "Why is it stuck?",
        "first_weights": "What does the network see?",
        "who_moved": "Who moved?",
        "little_randomness": "How little randomness is enough?",
        "depth": "Does the signal survive depth?",
    }
    assert drawn.keys() == questions.keys()
    for name, question in questions.items():
        assert question in words(drawn[name]), name


def test_the_lectures_figure_has_a_curve_for_every_variant_of_its_group(drawn):
    axes = drawn["learning_curves"].axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["PyTorch default (97.70 %)", "all zeros (11.35 %)"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert list(axes.lines[0].get_ydata()) == pytest.approx([9.8, 97.7, 97.7, 97.7])
    assert "5 seeds" in axes.get_title()


def test_a_panel_a_group_and_single_seeds_where_they_part_ways(drawn):
    panels = {axes.get_title(): axes for axes in drawn["all_variants"].axes if axes.get_title()}
    assert list(panels) == ["lecture", "zeros", "constants", "symmetry", "depth"]
    zeros = panels["zeros"]
    assert len(zeros.lines) == 5 + 1  # the seeds, and the baseline
    labels = [text.get_text() for text in zeros.get_legend().get_texts()]
    assert labels == ["weights zero, biases random (3 of 5 learn)", "baseline (97.70 %)"]


def test_final_accuracies_are_sorted_with_chance_and_baseline_drawn(drawn):
    whole = drawn["final_accuracy"].axes[0]
    labels = [text.get_text() for text in whole.get_yticklabels()]
    assert labels[-1] == "PyTorch default"
    assert labels[0] in ("all zeros", "30 layers, default, Adam")
    assert "weights zero, biases random  (3 of 5 learn)" in labels
    shown = words(drawn["final_accuracy"])
    assert "chance: 11.35 %" in shown
    assert "baseline: 97.70 %" in shown


def test_who_never_moved_is_marked_and_who_moved_late_tells_when(drawn):
    shown = [text.get_text() for text in drawn["who_moved"].axes[0].texts]
    assert shown.count("0") == 2  # fc1.weight and fc2.weight of all_zero
    assert "0.5  @7" in shown


def test_noise_is_found_in_the_parameters(settings):
    pairs = reasons.noise_levels(settings)
    assert pairs == {0.1: [(0.0, "constant"), (1e-6, "noise_0_000001"), (0.01, "noise_0_01")]}


def test_theory_is_drawn_beside_the_measured_depth(drawn):
    forward = drawn["depth"].axes[0]
    measured_line, theory = forward.lines[:2]
    assert list(measured_line.get_ydata()) == [1, 1]
    assert list(theory.get_ydata()) == pytest.approx([1, (1 / 6) ** 0.5])
    assert "variance × 1/6 a layer" in theory.get_label()


def test_a_study_of_two_variants_has_every_figure_too(monkeypatch):
    small = params.Params.model_validate(SMALL)
    results = made_up.results({"baseline": [0.9, 0.91], "all_ones": [0.11, 0.12]})
    table = summary.comparison(results, small, 10_000)
    weights = {v: (np.ones((16, 784)),) * 2 for v in small.variants}
    monkeypatch.setattr(report, "fc1_weights", lambda variants: weights)
    drawn = dict(report.draw(results, small, table))
    assert "params.yaml has no constant" in words(drawn["little_randomness"])
    assert "params.yaml has no deep_default" in words(drawn["depth"])
    plt.close("all")


def test_a_colour_of_ones_own(results, settings):
    curves = report.learning_curves(results.history, settings)
    outcomes = dict.fromkeys(ACCURACIES, "learns")
    figure = figures.learning_curves(curves, results.history, outcomes, {"all_zero": "#123456"})
    assert figure.axes[0].lines[1].get_color() == "#123456"
    plt.close(figure)


def test_curves_have_a_row_for_every_variant_and_epoch(results, settings):
    curves = report.learning_curves(results.history, settings)
    assert list(curves["epoch"]) == [0, 1, 2, 3] * len(ACCURACIES)
    last = curves.iloc[3]
    assert (last["label"], last["group"]) == ("PyTorch default", "lecture")
    assert last["test_acc_low"] < last["test_acc_mean"] < last["test_acc_high"]


def test_a_figure_has_the_same_bytes_twice(drawn, tmp_path, results, settings):
    for name in ("one", "two"):
        figures.save(reasons.who_moved(results, settings), tmp_path / name)
    for kind in (".png", ".svg"):
        assert (tmp_path / f"one{kind}").read_bytes() == (tmp_path / f"two{kind}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "one.svg").read_bytes()


def test_the_commonest_class_is_counted():
    confusion = pd.DataFrame(
        {"variant": ["a"] * 3 + ["b"], "actual": [0, 1, 1, 0], "count": [40, 50, 10, 9]}
    )
    assert report.commonest_class(confusion, 2) == (0.6, 50)


def test_runs_are_read_as_tables(tmp_path):
    for variant in ("a", "b"):
        (tmp_path / variant).mkdir()
        results = made_up.results({variant: 0.5})
        results.history.to_csv(tmp_path / variant / "history.csv", index=False)
        results.probes.to_csv(tmp_path / variant / "probes.csv", index=False)
    loaded = measured.load(tmp_path, ["a", "b"], 0.2)
    assert list(loaded.accuracy("b")) == pytest.approx([0.498, 0.499, 0.5, 0.501, 0.502])
    assert loaded.layers("a") == ["fc1", "fc2", "out"]
    assert loaded.epochs("a") == made_up.EPOCHS
    assert len(loaded.probe("a", None, "dead_fraction", -1)) == 10
    assert len(loaded.probe("a", "out", "dead_fraction")) == 0
