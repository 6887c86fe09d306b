"""Every variant in a row, as tables and in words; and the few numbers that DVC calls metrics."""

import pandas as pd

from stages.analysis.outcomes import Outcome
from stages.analysis.report import Report
from stages.analysis.study import BASELINE
from stages.rendering import style
from stages.rendering.environment import environment

SUMMARY_COLUMNS = [
    "variant", "group", "seeds", "test_acc_mean", "test_acc_low", "test_acc_high",
    "diff_mean", "diff_low", "diff_high", "outcome",
]  # fmt: skip
DETAIL_COLUMNS = [
    "variant", "label", "epochs", "wilson_low", "wilson_high", "all_low", "all_high",
    "learning",
]  # fmt: skip


def texts(report: Report) -> dict[str, str]:
    """The tables by file name, and summary.md to read."""
    return {
        "summary.csv": csv(report.table, SUMMARY_COLUMNS),
        "statistics.csv": csv(report.table, DETAIL_COLUMNS),
        "summary.md": as_markdown(report),
    }


def csv(table: pd.DataFrame, columns: list[str]) -> str:
    """Columns of outcomes.comparison's table, with outcomes in words."""
    words = [style.outcome(row) for row in table.itertuples()]
    return table.assign(outcome=words)[columns].to_csv(index=False, lineterminator="\n")


def as_markdown(report: Report) -> str:
    """summary.md: accuracies in per cent, and how to read them."""
    table = report.table
    epochs = dict(zip(table["variant"], table["epochs"], strict=True)).get(BASELINE)
    others = table[(table["epochs"] != epochs) & table["diff_mean"].notna()]
    template = environment(autoescape=False).get_template("summary.md")
    return template.render(
        rows=list(table.itertuples()),
        others=list(others.itertuples()),
        epochs=epochs,
        findings=report.findings,
    )


def accuracies(report: Report) -> dict[str, float | dict[str, int]]:
    """Every variant's mean test accuracy, or how many seeds learn where they disagree."""
    return {
        name: row.test_acc_mean if row.outcome.has_mean else {"seeds_that_learn": row.learning}
        for name, row in report.rows.items()
    }


def headline(report: Report) -> dict:
    """The numbers of an experiment in DVC's tables of metrics.

    Test accuracies of the variants in the first group; how many variants learn and are stuck.
    """
    accuracy, outcome = accuracies(report), list(report.table["outcome"])
    return {
        "accuracy": {variant: accuracy[variant] for variant in report.study.first_group()},
        "learn": outcome.count(Outcome.LEARNS),
        "stuck": outcome.count(Outcome.STUCK),
    }
