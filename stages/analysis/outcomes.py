"""Every variant in one row: how well it ends, against the baseline, and how sure that is."""

import math
from enum import Enum

import numpy as np
import pandas as pd

from stages.analysis.results import Results
from stages.analysis.statistics import Estimate, t_interval, wilson_interval
from stages.analysis.study import BASELINE

PARTLY = 0.10  # so far below the baseline, what learns does so only partly


class Outcome(Enum):
    """What became of a variant's seeds."""

    LEARNS = "learns"
    PARTLY = "learns partly"
    STUCK = "stuck"
    SPLIT = "some learn"
    DIVERGES = "diverges"
    SOME_DIVERGE = "some diverge"

    @property
    def splits(self) -> bool:
        """Whether seeds ended so differently that their mean describes none of them."""
        return self in (Outcome.SPLIT, Outcome.SOME_DIVERGE)

    @property
    def has_mean(self) -> bool:
        """Whether one number describes all seeds."""
        return not self.splits and self is not Outcome.DIVERGES


UNKNOWN = Estimate(math.nan, math.nan, math.nan)
UNCOMPARED = dict.fromkeys(
    ("diff_mean", "diff_low", "diff_high", "all_low", "all_high", "compared_after", "baseline_acc"),
    math.nan,
)


def comparison(results: Results) -> pd.DataFrame:
    """One row per variant, accuracies and their differences as fractions.

    `outcome` is an Outcome; `learning` and `diverging` count such seeds. `diff_…` is the paired
    difference to a baseline that learns, after the same number of epochs, and `all_low`, `all_high`
    its interval with those of all variants holding at once. `wilson_…` is the interval of the mean
    accuracy over test images. All means are nan where the seeds have none. For a variant trained
    for fewer epochs than the baseline, `compared_after` is their number and `baseline_acc` the
    baseline's accuracy then.
    """
    variants = results.study.variants
    there = baseline_learns(results)
    compared = [name for name in variants if there and name != BASELINE and results.agree(name)]
    rows = []
    for name, variant in variants.items():
        accuracy, became = results.accuracy(name), outcome(results, name)
        mean = t_interval(accuracy) if became.has_mean else UNKNOWN
        wilson_low, wilson_high = wilson_interval(mean.mean, results.images)
        against = _against_baseline(results, name, len(compared)) if name in compared else {}
        ends = results.ends(name)
        rows.append(
            {
                "variant": name,
                "label": variant.label,
                "group": variant.group,
                "seeds": len(accuracy),
                "epochs": results.epochs(name),
                **_estimate("test_acc", mean),
                "test_acc_least": accuracy.min(),
                "test_acc_most": accuracy.max(),
                "wilson_low": wilson_low,
                "wilson_high": wilson_high,
                **UNCOMPARED,
                **against,
                "learning": ends["learns"],
                "diverging": ends["diverges"],
                "outcome": became,
            }
        )
    return pd.DataFrame(rows).astype({"compared_after": "Int64"}).round(6)


def baseline_learns(results: Results) -> bool:
    """Whether all seeds of a baseline learn: a difference to one that is stuck means nothing."""
    return BASELINE in results.study.variants and set(results.ends(BASELINE)) == {"learns"}


def _against_baseline(results: Results, name: str, together: int) -> dict[str, float]:
    """The difference to the baseline, alone and as one of `together` that hold at once."""
    epoch, differences = results.epochs(name), results.difference(name, BASELINE)
    wide, shorter = t_interval(differences, together), epoch < results.epochs(BASELINE)
    return {
        **_estimate("diff", t_interval(differences)),
        "all_low": wide.low,
        "all_high": wide.high,
        "compared_after": epoch if shorter else math.nan,
        "baseline_acc": results.accuracy(BASELINE, epoch).mean() if shorter else math.nan,
    }


def _estimate(column: str, estimate: Estimate) -> dict[str, float]:
    return {f"{column}_{end}": value for end, value in estimate._asdict().items()}


def outcome(results: Results, name: str) -> Outcome:
    """What became of a variant's seeds."""
    ends = results.ends(name)
    if ends["diverges"]:
        return Outcome.DIVERGES if len(ends) == 1 else Outcome.SOME_DIVERGE
    if len(ends) > 1:
        return Outcome.SPLIT
    if ends["stuck"]:
        return Outcome.STUCK
    if baseline_learns(results) and np.mean(results.difference(name, BASELINE)) < -PARTLY:
        return Outcome.PARTLY
    return Outcome.LEARNS
