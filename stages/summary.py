"""Every variant in one row: how well it ends, against the baseline, and how sure that is."""

import math

import numpy as np
import pandas as pd

from stages.measured import Measured
from stages.params import Params
from stages.statistics import (
    SIGNIFICANCE,
    epochs_to,
    holm,
    seeds_for_a_verdict,
    sign_flip_p,
    superiority,
    t_interval,
    wilson_interval,
)

BASELINE = "baseline"
PARTLY = 0.10  # so far below the baseline, what learns does so only partly


def comparison(measured: Measured, settings: Params, images: int) -> pd.DataFrame:
    """A row a variant, accuracies and their differences as fractions.

    `diff_…` is the paired difference to the baseline after equally many epochs, `p_holm`
    that of its sign-flip test (`p`) among all variants. `wilson_…` is the interval of the
    mean accuracy on `images` test images, `superiority` P(variant > baseline),
    `epochs_to_95` the first epoch at 95 % of the final accuracy (all of the mean curve).
    """
    rows = []
    for variant in settings.variants:
        accuracy = measured.accuracy(variant)
        mean, low, high = t_interval(accuracy)
        row = {
            "variant": variant,
            "label": settings.label_of(variant),
            "group": settings.group_of(variant),
            "seeds": len(accuracy),
            "epochs": measured.epochs(variant),
            "test_acc_mean": mean,
            "test_acc_low": low,
            "test_acc_high": high,
        }
        row["wilson_low"], row["wilson_high"] = wilson_interval(mean, images)
        for column in ("diff_mean", "diff_low", "diff_high", "superiority", "p"):
            row[column] = math.nan
        if BASELINE in settings.variants and variant != BASELINE:
            differences = measured.difference(variant, BASELINE)
            row["diff_mean"], row["diff_low"], row["diff_high"] = t_interval(differences)
            row["p"] = sign_flip_p(differences)
            epoch = min(measured.epochs(variant), measured.epochs(BASELINE))
            row["superiority"] = superiority(
                measured.accuracy(variant, epoch), measured.accuracy(BASELINE, epoch)
            )
        row["learning"] = int(measured.learns(variant).sum())
        row["epochs_to_95"] = epochs_to(0.95, measured.curve(variant))
        row["outcome"] = outcome(measured, settings, variant)
        rows.append(row)
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(list(table["p"]))
    return table.round(6)


def outcome(measured: Measured, settings: Params, variant: str) -> str:
    """What became of a variant's seeds, in words: counts where they part ways."""
    diverged, learns = measured.diverged(variant), measured.learns(variant)
    seeds = len(learns)
    if diverged.any():
        return "diverges" if diverged.all() else f"{diverged.sum()} of {seeds} diverge"
    if not learns.any():
        return "stuck"
    if not learns.all():
        return f"{learns.sum()} of {seeds} learn"
    compared = BASELINE in settings.variants
    if compared and np.mean(measured.difference(variant, BASELINE)) < -PARTLY:
        return "learns partly"
    return "learns"


def splits(outcome: str) -> bool:
    """Whether seeds ended so differently that their mean describes none of them."""
    return " of " in outcome


def verdict(table: pd.DataFrame) -> str:
    """What the test's p values can say with so many seeds, in one or two sentences."""
    compared = table[table["p_holm"].notna()]
    if compared.empty:
        return "Nothing is compared: that takes a variant named baseline, another, and two seeds."
    seeds, tests = int(compared["seeds"].min()), len(compared)
    needed = seeds_for_a_verdict(tests)
    if seeds < needed:
        return (
            f"{seeds} seeds are too few for a verdict by p value: the exact sign-flip test on "
            f"{seeds} pairs cannot go below {2.0 ** (1 - seeds):.4g}, and for {tests} comparisons "
            f"(Holm) it would take {needed} seeds. The intervals are what can be read."
        )
    different = int((compared["p_holm"] <= SIGNIFICANCE).sum())
    return (
        f"{different} of {tests} variants differ from the baseline (exact sign-flip test over "
        f"{seeds} paired seeds, Holm-adjusted p ≤ {SIGNIFICANCE})."
    )


def notes(table: pd.DataFrame) -> str:
    """What a reader of the table has to know."""
    lines = [verdict(table)]
    epochs = table["epochs"].max()
    short = table[table["epochs"] < epochs]
    if len(short):
        lines.append(
            f"Trained for fewer than {epochs} epochs and compared with the baseline after equally "
            f"many: {', '.join(f'{row.variant} ({row.epochs})' for row in short.itertuples())}."
        )
    lines.append(
        "Seeds of a start that is not random (zeros, constants, identity, Hadamard) differ in the "
        "order of the images alone."
    )
    return "\n\n".join(lines)


def as_markdown(table: pd.DataFrame) -> str:
    """The table to read, accuracies in per cent."""
    lines = [
        "| group | variant | start | test accuracy | 95 % interval over seeds "
        "| against the baseline, points | outcome |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for row in table.itertuples():
        mean = f"{100 * row.test_acc_mean:.2f} %"
        interval = f"{100 * row.test_acc_low:.2f} – {100 * row.test_acc_high:.2f} %"
        if math.isnan(row.test_acc_low):
            interval = "needs 2 seeds"
        against = "–"
        if not math.isnan(row.diff_mean):
            against = f"{100 * row.diff_mean:+.2f}"
            if not math.isnan(row.diff_low):
                against += f" ({100 * row.diff_low:+.2f} to {100 * row.diff_high:+.2f})"
        if splits(row.outcome):
            mean, interval, against = "–", "the seeds part ways", "–"
        against = against.replace("-", "−")
        cells = [row.group, row.variant, row.label, mean, interval, against, row.outcome]
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
