"""The figures, from made-up results."""

import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from stages import report
from stages.analysis.claims import LECTURE
from stages.analysis.judging import audit
from stages.analysis.outcomes import comparison
from stages.analysis.results import Results
from stages.analysis.sources import SOURCES
from stages.analysis.study import Study
from stages.rendering import accuracy_figures, claims, figures, note, probe_figures, style
from stages.rendering.figures import plt
from stages.training import snapshots
from tests import made_up
from tests.conftest import ROOT
from tests.made_up import PARTED, STUCK

ACCURACIES = {
    "baseline": 0.977, "all_zero": STUCK, "zero_weights": PARTED, "constant": 0.36,
    "noise_little": 0.97, "noise_much": 0.96, "deep_default_adam": STUCK, "deep_he_adam": 0.9,
}  # fmt: skip
QUESTIONS = {
    "learning_curves": "Does the initial value of the weights decide what is learned?",
    "all_variants": "Which ways to start learn, and which never do?",
    "final_accuracy": "How well does every start end?",
    "why_stuck": "Why is it stuck?",
    "first_weights": "What does the network see?",
    "who_moved": "Who moved?",
    "little_randomness": "How little randomness is enough?",
    "depth": "Does the signal survive depth?",
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def study() -> Study:
    return made_up.study(ACCURACIES)


@pytest.fixture
def results() -> Results:
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
def draw(tmp_path, monkeypatch):
    """Draws every figure, from depth.csv and snapshots in a folder of the test's own."""
    monkeypatch.setattr(report, "REPORTS", tmp_path)
    monkeypatch.setattr(report, "TABLES", tmp_path)

    def every(study: Study, results: Results) -> dict[str, plt.Figure]:
        depth(study).to_csv(tmp_path / "depth.csv", index=False)
        pictures = {}
        for name in study.first_group():
            last = 1.0 if name == "baseline" else 0.0
            taken = {0: torch.zeros(16, 784), 1: torch.full((16, 784), last)}
            for key, values in snapshots.quantized(taken).items():
                pictures[f"{name}/{key}"] = values
        save_file(pictures, tmp_path / "snapshots.safetensors")
        return dict(report.draw(study, results, comparison(study, results), []))

    return every


def depth(study: Study) -> pd.DataFrame:
    """A depth.csv: measured is 1 everywhere, and theory has a gain of 1/6."""
    return pd.DataFrame(
        [
            {"variant": v, "quantity": q, "depth": d, "std": 1.0, "theory": (1 / 6) ** (d / 2)}
            for v in study.variants
            for q in ("signal", "gradient")
            for d in (1, 2, 3)
        ]
    )


def words(figure: plt.Figure) -> str:
    """All text of a figure, as far as it is shown."""
    return "\n".join(text.get_text() for text in figure.findobj(plt.Text) if text.get_visible())


def legend(axes: plt.Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_every_figure_asks_its_question_in_its_title(draw, study, results):
    drawn = draw(study, results)
    assert drawn.keys() == QUESTIONS.keys()
    for name, question in QUESTIONS.items():
        assert question in words(drawn[name]), name


def test_claims_and_note_point_to_figures_that_are_drawn(study, results):
    every = (*LECTURE, *SOURCES)
    assert {claim.figure for claim in every} - {None} <= QUESTIONS.keys()
    rows = claims.rows(study, results, audit(every, study, results))
    text = note.text(study, results, comparison(study, results), rows)
    assert set(re.findall(r"figures/(\w+)\.png", text)) <= QUESTIONS.keys()


def test_the_lectures_figure_has_a_curve_for_every_variant_of_its_group(study, results):
    axes = accuracy_figures.learning_curves(study, results, comparison(study, results)).axes[0]
    assert legend(axes) == ["PyTorch default (97.70 %)", "all zeros (11.35 %)"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert list(axes.lines[0].get_ydata()) == pytest.approx([9.8, 97.7, 97.7, 97.7])
    assert "5 seeds" in axes.get_title()


def test_a_colour_of_ones_own(results):
    display = {"all_zero": {"group": "lecture", "color": "#123456"}}
    study = made_up.study(ACCURACIES, display)
    axes = accuracy_figures.learning_curves(study, results, comparison(study, results)).axes[0]
    assert axes.lines[1].get_color() == "#123456"


def test_a_panel_a_group_and_single_seeds_where_they_part_ways(study, results):
    figure = accuracy_figures.all_variants(study, results, comparison(study, results))
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(panels) == ["lecture", "zeros", "constants", "symmetry", "depth"]
    zeros = panels["zeros"]
    assert len(zeros.lines) == 5 + 1  # the seeds, and the baseline
    assert legend(zeros) == ["weights zero, biases random (3 of 5 learn)", "baseline (97.70 %)"]


def test_final_accuracies_are_sorted_with_chance_and_baseline_drawn(study, results):
    figure = accuracy_figures.final_accuracy(study, results, comparison(study, results))
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["all zeros", "deep, default, Adam"]
    assert labels[-1] == "PyTorch default"
    assert "weights zero, biases random  (3 of 5 learn)" in labels
    shown = words(figure)
    assert "chance: 11.35 %" in shown
    assert "baseline: 97.70 %" in shown


def test_distinct_and_dead_units_have_a_line_a_layer(study, results):
    panels = probe_figures.why_stuck(study, results).axes
    assert [axes.get_title() for axes in panels[:2]] == ["PyTorch default", "all zeros"]
    zero = panels[1]
    assert {line.get_label(): set(line.get_ydata()) for line in zero.lines} == {
        "fc1": {1}, "fc2": {64}
    }  # fmt: skip
    assert all(set(line.get_ydata()) == {5.0} for line in panels[2].lines)  # per cent dead


def test_first_weights_stand_before_and_after_training(draw, study, results):
    figure = draw(study, results)["first_weights"]
    before, after, *still = [axes for axes in figure.axes if axes.images]
    assert before.images[0].get_array().max() == 0
    assert after.images[0].get_array().max() == pytest.approx(1)
    assert [axes.get_title() for axes in (before, after)] == ["before training", "after training"]
    assert [axes.texts[0].get_text() for axes in (before, *still)] == ["exactly 0"] * 3
    assert not after.texts


def test_who_never_moved_is_marked_and_who_moved_late_tells_when(study, results):
    shown = [text.get_text() for text in probe_figures.who_moved(study, results).axes[0].texts]
    assert shown.count("0") == 2  # fc1.weight and fc2.weight of all_zero
    assert "0.5  @7" in shown


def test_noise_has_a_place_for_every_size_of_it(study, results):
    top, bottom = probe_figures.little_randomness(study, results).axes
    assert [text.get_text() for text in bottom.get_xticklabels()] == ["0", "10⁻⁶", "10⁻²"]
    assert legend(top) == ["before training", "after one epoch", "after 3 epochs"]
    assert [text.get_text() for text in bottom.texts[:3]] == ["36.00 %", "97.00 %", "96.00 %"]


def test_no_mean_is_drawn_where_seeds_part_ways():
    accuracies = ACCURACIES | {"baseline": PARTED, "noise_little": PARTED}
    study, results = made_up.study(accuracies), made_up.results(accuracies)
    _, bottom = probe_figures.little_randomness(study, results).axes
    assert bottom.texts[1].get_text() == "of 5 seeds 3 learn and 2 are stuck"
    means = bottom.lines[-1] if len(bottom.lines[-1].get_xdata()) == 3 else None
    every = [line for line in bottom.lines if len(set(line.get_xdata())) == 1]
    assert [list(line.get_ydata()) for line in every if len(line.get_ydata()) == 5] == [
        pytest.approx([100 * accuracy for accuracy in PARTED])
    ]
    assert means is None or means.get_ydata()[1] != means.get_ydata()[1]
    assert "baseline" not in words(bottom.figure)
    top = probe_figures.why_stuck(study, results).axes[0]
    assert len(top.lines) == 2 * 5  # a line a layer and seed
    figure = accuracy_figures.all_variants(study, results, comparison(study, results))
    assert "baseline (" not in words(figure)


def test_theory_is_drawn_beside_the_measured_depth(study):
    forward = probe_figures.depth(study, depth(study)).axes[0]
    measured, theory = forward.lines[:2]
    assert list(measured.get_ydata()) == [1, 1, 1]
    assert list(theory.get_ydata()) == pytest.approx([(1 / 6) ** (d / 2) for d in (1, 2, 3)])
    assert "variance × 1/6 a layer" in theory.get_label()


@pytest.mark.parametrize("layers", [1, 3])
def test_where_theory_says_nothing_the_measured_is_drawn_alone(study, layers):
    table = depth(study).query(f"depth <= {layers}").copy()
    other = table["variant"] == "deep_he_adam"
    table.loc[other & (table["depth"] > 1), "theory"] = float("nan")
    forward = probe_figures.depth(study, table).axes[0]
    labels = [line.get_label() for line in forward.lines]
    assert "He: measured" in labels
    assert not any(label.startswith("He: theory") for label in labels)


def test_a_study_of_two_variants_and_one_seed_has_every_figure_too(draw):
    accuracies = {"baseline": [0.9], "all_ones": [0.11]}
    drawn = draw(made_up.study(accuracies, seeds=1), made_up.results(accuracies))
    assert drawn.keys() == QUESTIONS.keys()
    for figure in drawn.values():
        figure.draw_without_rendering()  # a warning fails
    assert "params.yaml has no constant" in words(drawn["little_randomness"])
    assert "params.yaml has no deep ReLU network" in words(drawn["depth"])
    assert "one seed" in words(drawn["learning_curves"])


def test_a_figure_has_the_same_bytes_twice(study, results):
    one, two = (figures.saved(probe_figures.who_moved(study, results), "who") for _ in range(2))
    assert one.keys() == {"who.png", "who.svg"}
    assert one == two
    assert b"<dc:date>" not in one["who.svg"]


@pytest.mark.slow
@pytest.mark.parametrize("label", ["a $x$ b", "$1 and $2", r"$\frac{$", "_hidden", "% & # ~ {}"])
def test_a_label_is_shown_as_it_is(draw, results, label):
    display = {name: {"label": label, "group": label} for name in ACCURACIES}
    study = made_up.study(ACCURACIES, display)
    drawn = draw(study, results)
    for figure in drawn.values():
        figure.draw_without_rendering()  # bad mathematics ends here
    shown = legend(drawn["learning_curves"].axes[0])
    assert len(shown) == len(study.first_group()[: len(style.PALETTE)])
    for text in drawn["learning_curves"].axes[0].get_legend().get_texts():
        words, is_math = text._preprocess_math(text.get_text())
        assert not is_math
        assert words.lstrip("\N{ZERO WIDTH SPACE}").startswith(label)


def test_a_users_matplotlibrc_changes_nothing(tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "text.usetex: True\nlines.linewidth: 9\nsavefig.dpi: 30\n"
    )
    code = (
        "import stages; from stages.rendering import figures; figure, axes = figures.new();"
        "axes.plot([1, 2]); import hashlib;"
        "print(hashlib.sha256(figures.saved(figure, 'f')['f.svg']).hexdigest())"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"MATPLOTLIBRC": str(folder), "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        ).stdout
        for folder in (tmp_path, tmp_path / "none")
    ]  # fmt: skip
    assert printed[0] == printed[1] != ""


def test_no_interval_leads_above_all_that_there_can_be():
    figure, axes = figures.new()
    probe_figures._draw_intervals(axes, [np.array([99.0, 100, 100])], [], 0, None, most=100)
    [bar] = axes.containers[0].lines[2]
    assert bar.get_segments()[0][:, 1].max() == 100
    figures.plt.close(figure)
