"""The figures, from made-up results."""

import re
from dataclasses import replace

import altair as alt
import numpy as np
import pandas as pd
import pytest
from altair.utils import schemapi

from stages.analysis.report import Report
from stages.rendering import (
    accuracy_figures,
    claims,
    drawing,
    figures,
    note,
    page,
    probe_figures,
    series_figures,
)
from stages.rendering.figures import plt
from tests import made_up
from tests.made_up import DISAGREE, STUCK
from tools import templates

ACCURACIES = {
    "baseline": 0.977, "all_zero": STUCK, "zero_weights": DISAGREE, "constant": 0.36,
    "noise_little": 0.97, "noise_much": 0.96, "deep_default_adam": STUCK, "deep_he_adam": 0.9,
}  # fmt: skip
PROBED = {
    ("all_zero", None, "weight_move"): 0.0, ("all_zero", None, "weight_moved_at"): None,
    ("all_zero", "fc1", "distinct_units"): 1, ("constant", "fc1", "symmetry_gap"): 0.0,
    ("baseline", "out", "weight_moved_at"): 7,
}  # fmt: skip


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with depth.csv, where theory has a gain of 1/6."""
    folder = tmp_path_factory.mktemp("reports")
    rows = [
        {"variant": v, "quantity": q, "depth": d, "std": 1.0, "theory": (1 / 6) ** (d / 2)}
        for v in made_up.EVERY
        for q in ("signal", "gradient")
        for d in (1, 2, 3)
    ]
    pd.DataFrame(rows).to_csv(folder / "depth.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def made(folder):
    """Make a report with its tables in that folder."""

    def make(accuracies: dict = ACCURACIES, **sections) -> Report:
        report = made_up.report(accuracies, PROBED, **sections)
        return replace(report, reports=folder, tables=folder)

    return make


@pytest.fixture(scope="module")
def report(made) -> Report:
    return made()


@pytest.mark.slow
def test_all_charts_are_valid(report):
    with schemapi.debug_mode(True):
        for chart in page.specifications(report).values():
            alt.Chart.from_dict(chart["spec"])
        assert all(map(templates.text, templates.TEMPLATES))


def words(figure: plt.Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(plt.Text) if text.get_visible())


def legend(axes: plt.Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_claims_and_note_link_to_figures_that_are_drawn(report):
    drawn = {draw.__name__ for draw in drawing.FIGURES}
    rows = claims.rows(report)
    assert {row["figure"] for row in rows} - {None} <= drawn
    assert set(re.findall(r"figures/(\w+)\.png", note.text(report, rows))) <= drawn


def test_learning_curves_have_a_curve_for_each_variant_of_the_first_group(report):
    axes = accuracy_figures.learning_curves(report).axes[0]
    assert legend(axes) == ["PyTorch default (97.70 %)", "all zeros (11.35 %)"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert list(axes.lines[0].get_ydata()) == pytest.approx([9.8, 97.7, 97.7, 97.7])
    assert "5 seeds" in axes.get_title()
    assert "Do the initial weights decide what a network learns?" in words(axes.figure)


def test_final_accuracies_are_sorted_with_chance_and_baseline(report):
    figure = accuracy_figures.final_accuracy(report)
    close, whole = figure.axes
    best, others = ([text.get_text() for text in axes.get_yticklabels()] for axes in figure.axes)
    assert others[:2] == ["all zeros", "deep, default, Adam"]
    assert best[-1] == "PyTorch default" and len(best) + len(others) == len(ACCURACIES)
    assert "weights zero  (3 of 5 learn)" in others
    [key] = figure.legends
    assert [text.get_text() for text in key.get_texts()] == ["chance: 11.35 %", "baseline: 97.70 %"]
    assert (close.get_xlim(), whole.get_xlim()) == ((95, 98.5), (0, 100))


def test_why_stuck_has_a_line_for_each_layer(report):
    panels = probe_figures.why_stuck(report).axes
    assert [axes.get_title() for axes in panels[:2]] == ["PyTorch default", "all zeros"]
    assert {line.get_label(): set(line.get_ydata()) for line in panels[1].lines} == {
        "fc1": {1}, "fc2": {64}
    }  # fmt: skip
    assert all(set(line.get_ydata()) == {5.0} for line in panels[2].lines)  # per cent dead


def test_who_moved_marks_tensors_without_a_move_and_late_first_moves(report):
    cells = [text.get_text() for text in probe_figures.who_moved(report).axes[0].texts]
    assert cells.count("0") == 2  # fc1.weight and fc2.weight of all_zero
    assert "0.5  @7" in cells


def test_little_randomness_has_a_place_for_each_size_of_noise(report):
    top, bottom = series_figures.little_randomness(report).axes
    assert [text.get_text() for text in bottom.get_xticklabels()] == ["0", "10⁻⁶", "10⁻²"]
    assert legend(top) == ["before training", "after one epoch", "after 3 epochs"]
    assert [text.get_text() for text in bottom.texts] == ["36.00 %", "97.00 %", "96.00 %"]


def test_seeds_that_disagree_are_drawn_without_a_mean(made):
    report = made(ACCURACIES | {"baseline": DISAGREE, "noise_little": DISAGREE})
    _, bottom = series_figures.little_randomness(report).axes
    assert bottom.texts[1].get_text() == "of 5 seeds\n3 learn and 2 are stuck"
    dots = [
        line for line in bottom.lines if line.get_marker() == "o" and len(line.get_ydata()) == 5
    ]
    assert [list(line.get_ydata()) for line in dots] == [pytest.approx([100 * a for a in DISAGREE])]
    assert np.isnan(bottom.containers[0].lines[0].get_ydata()[1])
    assert legend(bottom) == ["chance: 11.35 %"]
    top = probe_figures.why_stuck(report).axes[0]
    assert len(top.lines) == 2 * 5  # a line for each layer and seed


def test_intervals_of_accuracies_end_at_100(made):
    report = made(ACCURACIES | {"noise_little": [0.99, 1, 1, 1, 1]})
    _, bottom = series_figures.little_randomness(report).axes
    [bars] = bottom.containers[0].lines[2]
    assert bars.get_segments()[1][:, 1].max() == 100


def test_theory_is_drawn_with_the_measured_depth(report):
    forward = series_figures.depth(report).axes[0]
    measured, theory = forward.lines[:2]
    assert list(measured.get_ydata()) == [1, 1, 1]
    assert list(theory.get_ydata()) == pytest.approx([(1 / 6) ** (d / 2) for d in (1, 2, 3)])
    assert "variance × 1/6 per layer" in theory.get_label()


@pytest.mark.parametrize("layers", [1, 3])
def test_depth_without_theory_is_drawn_as_measured(report, folder, tmp_path, layers):
    table = pd.read_csv(folder / "depth.csv").query(f"depth <= {layers}").copy()
    table.loc[(table["variant"] == "deep_he_adam") & (table["depth"] > 1), "theory"] = np.nan
    table.to_csv(tmp_path / "depth.csv")
    forward = series_figures.depth(replace(report, reports=tmp_path)).axes[0]
    labels = [line.get_label() for line in forward.lines]
    assert [label for label in labels if label.startswith("He: ")] == ["He: measured"]


def test_study_of_two_variants_and_one_seed_has_every_figure(made):
    report = made({"baseline": [0.9], "all_ones": [0.11]}, seeds=1)
    drawn = {draw.__name__: draw(report) for draw in drawing.FIGURES}
    for figure in drawn.values():
        figure.draw_without_rendering()  # a warning fails
    assert "params.yaml has no constant" in words(drawn["little_randomness"])
    assert "params.yaml has no deep ReLU network" in words(drawn["depth"])
    assert "one seed" in words(drawn["learning_curves"])


def test_study_without_a_variant_of_its_own_layers_has_no_moves(made):
    assert "no variant" in words(probe_figures.who_moved(made({"deep_he_adam": 0.9})))


@pytest.mark.slow
def test_figure_has_the_same_bytes_twice(report):
    one, two = (figures.saved(probe_figures.who_moved(report), "who") for _ in range(2))
    assert one.keys() == {"who.png", "who.svg"}
    assert one == two
    assert b"<dc:date>" not in one["who.svg"]


@pytest.mark.slow
def test_labels_are_drawn_as_literal_text(made):
    labels = ["a $x$ b", "$1 and $2", r"$\frac{$", "_hidden", "% & # ~ {}"]
    display = {
        name: {"label": label, "group": label if i else "all"}
        for i, (name, label) in enumerate(zip(ACCURACIES, labels * 2, strict=False))
    }
    report = made(display=display)
    for draw in drawing.FIGURES:
        draw(report).draw_without_rendering()  # fails on invalid mathematics
    axes = accuracy_figures.final_accuracy(report).axes
    for text in (label for one in axes for label in one.get_yticklabels()):
        shown, is_math = text._preprocess_math(text.get_text())
        assert not is_math
        assert shown.lstrip("\N{ZERO WIDTH SPACE}").startswith(tuple(labels))
