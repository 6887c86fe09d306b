"""Every variant in a row, as tables and in words."""

import pandas as pd

from stages.analysis import outcomes
from stages.analysis.study import BASELINE
from stages.rendering import style
from stages.rendering.environment import environment

SUMMARY_COLUMNS = [
    "variant", "group", "seeds", "test_acc_mean", "test_acc_low", "test_acc_high",
    "diff_mean", "diff_low", "diff_high", "outcome",
]  # fmt: skip
DETAIL_COLUMNS = [
    "variant", "label", "epochs", "wilson_low", "wilson_high", "all_low", "all_high", "superiority",
    "learning", "epochs_to_95",
]  # fmt: skip


def csv(table: pd.DataFrame, columns: list[str]) -> str:
    """Columns of what outcomes.comparison gives, with outcomes in words."""
    words = [style.outcome(row) for row in table.itertuples()]
    return table.assign(outcome=words)[columns].to_csv(index=False, lineterminator="\n")


def as_markdown(table: pd.DataFrame) -> str:
    """summary.md: the table to read, accuracies in per cent, and what has to be known of it."""
    epochs = dict(zip(table["variant"], table["epochs"], strict=True)).get(BASELINE)
    otherwise = table[(table["epochs"] != epochs) & table["diff_mean"].notna()]
    template = environment(autoescape=False).get_template("summary.md")
    return template.render(
        rows=list(table.itertuples()),
        otherwise=list(otherwise.itertuples()),
        epochs=epochs,
        differ=outcomes.differences(table),
    )
