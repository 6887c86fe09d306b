"""Tables and figures from made-up histories."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from stages import ROOT, figures, params, report
from stages.statistics import t_interval
from tests.conftest import SMALL


@pytest.fixture
def settings():
    return params.Params.model_validate(SMALL)


def history(seeds: int = 3) -> pd.DataFrame:
    rows = [
        {"variant": variant, "seed": seed, "epoch": epoch, "test_acc": level + 0.01 * seed * epoch}
        for variant, level in (("baseline", 0.9), ("all_ones", 0.1))
        for seed in range(seeds)
        for epoch in range(3)
    ]
    return pd.DataFrame(rows)


def test_the_interval_is_students():
    values = np.array([0.97, 0.98, 0.975, 0.972, 0.979])
    mean, low, high = t_interval(values)
    expected = scipy.stats.t.interval(0.95, 4, np.mean(values), scipy.stats.sem(values))
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx(expected)


def test_the_interval_of_one_value_is_unknown_and_of_equal_values_a_point():
    mean, low, high = t_interval(np.array([0.5]))
    assert mean == 0.5
    assert math.isnan(low)
    assert math.isnan(high)
    assert t_interval(np.array([0.1135] * 5)) == (0.1135, 0.1135, 0.1135)


def test_curves_have_a_row_for_every_variant_and_epoch(settings):
    curves = report.learning_curves(history(), settings)
    assert list(curves["variant"]) == ["baseline"] * 3 + ["all_ones"] * 3
    assert list(curves["epoch"]) == [0, 1, 2] * 2
    last = curves.iloc[2]
    assert last["label"] == "PyTorch default"
    assert curves.iloc[5]["label"] == "all_ones"
    assert last["test_acc_mean"] == pytest.approx(0.92)
    assert last["test_acc_low"] < 0.92 < last["test_acc_high"]


def test_the_table_to_read(settings):
    final = report.learning_curves(history(), settings).groupby("variant", sort=False).last()
    table = report.as_markdown(final.reset_index())
    assert "| baseline | PyTorch default | 3 | 92.00 % | 87.03 – 96.97 % |" in table
    assert table.count("\n") == 4


def test_a_label_cannot_break_the_table(settings):
    curves = report.learning_curves(history(), settings)
    curves["label"] = "a|b"
    final = curves.groupby("variant", sort=False).last().reset_index()
    assert r"| a\|b |" in report.as_markdown(final)


def test_one_seed_has_no_interval(settings):
    final = report.learning_curves(history(1), settings).groupby("variant", sort=False).last()
    assert "needs 2 seeds" in report.as_markdown(final.reset_index())


def test_the_figure_has_a_labelled_curve_for_every_variant(settings):
    figure = figures.learning_curves(report.learning_curves(history(), settings), {})
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["PyTorch default (92.00 %)", "all_ones (12.00 %)"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert list(axes.lines[0].get_ydata()) == pytest.approx([90, 91, 92])
    assert axes.get_xlabel() == "Epoch"
    assert axes.get_ylabel() == "Test accuracy (%)"
    assert "3 seeds" in axes.get_title()
    figures.plt.close(figure)


def test_a_colour_of_ones_own(settings):
    curves = report.learning_curves(history(), settings)
    figure = figures.learning_curves(curves, {"all_ones": "#123456"})
    assert figure.axes[0].lines[1].get_color() == "#123456"
    figures.plt.close(figure)


def test_a_figure_has_the_same_bytes_twice(settings, tmp_path):
    curves = report.learning_curves(history(), settings)
    for name in ("one", "two"):
        figures.save(figures.learning_curves(curves, {}), tmp_path / name)
    for kind in (".png", ".svg"):
        assert (tmp_path / f"one{kind}").read_bytes() == (tmp_path / f"two{kind}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "one.svg").read_bytes()


def test_the_readme_shows_the_table_of_the_study():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / "reports" / "summary.md").read_text(encoding="utf-8") in readme
