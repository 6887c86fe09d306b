"""Every variant in one row: how well it ends, against the baseline, and how sure that is."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pandas as pd

from stages.analysis.results import Results
from stages.analysis.statistics import (
    SIGNIFICANCE,
    epochs_to,
    holm,
    seeds_for_a_verdict,
    sign_flip_p,
    superiority,
    t_interval,
    wilson_interval,
)
from stages.analysis.study import BASELINE, Study

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


def comparison(study: Study, results: Results) -> pd.DataFrame:
    """A row a variant, accuracies and their differences as fractions.

    `outcome` is an Outcome; `learning` and `diverging` count the seeds that do. `diff_…` is the
    paired difference to the baseline after equally many epochs, `p_holm` that of its sign-flip
    test (`p`) among all variants. `wilson_…` is the interval of the mean accuracy on the test
    images, `superiority` P(variant > baseline), `epochs_to_95` the first epoch at 95 % of the
    final accuracy (all of the mean curve).
    """
    rows = []
    for name, variant in study.variants.items():
        accuracy = results.accuracy(name)
        estimate = t_interval(accuracy)
        wilson_low, wilson_high = wilson_interval(estimate.mean, results.images)
        rows.append(
            {
                "variant": name,
                "label": variant.label,
                "group": variant.group,
                "seeds": len(accuracy),
                "epochs": results.epochs(name),
                "test_acc_mean": estimate.mean,
                "test_acc_low": estimate.low,
                "test_acc_high": estimate.high,
                "test_acc_least": accuracy.min(),
                "test_acc_most": accuracy.max(),
                "wilson_low": wilson_low,
                "wilson_high": wilson_high,
                **_against_baseline(study, results, name),
                "learning": int(results.learns(name).sum()),
                "diverging": int(results.diverged(name).sum()),
                "epochs_to_95": epochs_to(0.95, results.curve(name)),
                "outcome": outcome(study, results, name),
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(list(table["p"]))
    return table.round(6)


def _against_baseline(study: Study, results: Results, name: str) -> dict[str, float]:
    columns = ("diff_mean", "diff_low", "diff_high", "superiority", "p")
    if BASELINE not in study.variants or name == BASELINE:
        return dict.fromkeys(columns, math.nan)
    differences = results.difference(name, BASELINE)
    epoch = min(results.epochs(name), results.epochs(BASELINE))
    values = (
        *t_interval(differences),
        superiority(results.accuracy(name, epoch), results.accuracy(BASELINE, epoch)),
        sign_flip_p(differences),
    )
    return dict(zip(columns, values, strict=True))


def outcome(study: Study, results: Results, name: str) -> Outcome:
    """What became of a variant's seeds."""
    diverged, learns = results.diverged(name), results.learns(name)
    if diverged.any():
        return Outcome.DIVERGES if diverged.all() else Outcome.SOME_DIVERGE
    if not learns.any():
        return Outcome.STUCK
    if not learns.all():
        return Outcome.SPLIT
    compared = BASELINE in study.variants
    if compared and np.mean(results.difference(name, BASELINE)) < -PARTLY:
        return Outcome.PARTLY
    return Outcome.LEARNS


@dataclass(frozen=True)
class SignFlipTest:
    """What the p values of a comparison can say.

    With `seeds` pairs none can go below `least`; `needed` seeds are the fewest with which one
    of so many `tests` could be significant; `different` of them are.
    """

    seeds: int
    tests: int
    needed: int
    least: float
    different: int
    significance: float = SIGNIFICANCE


def sign_flip_test(table: pd.DataFrame) -> SignFlipTest:
    """The sign-flip test against the baseline, from what `comparison` gives."""
    compared = table[table["p_holm"].notna()]
    seeds, tests = int(table["seeds"].min()), len(compared)
    different = int((compared["p_holm"] <= SIGNIFICANCE).sum())
    return SignFlipTest(seeds, tests, seeds_for_a_verdict(tests), 2.0 ** (1 - seeds), different)
