"""What was measured, as tables, and what reports ask of them."""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.analysis.statistics import Values
from stages.analysis.study import Study

FIRST, LAST = "the first layer", "the last layer"  # of any network, in place of a name

Flags: TypeAlias = npt.NDArray[np.bool_]  # one a seed


@dataclass(frozen=True)
class Results:
    """The results of all variants of a study; evidence for claims.

    `history` and `probes` have the columns of a run's history.csv and probes.csv and `end`, all
    runs one below the other. `commonest` is the share of the test set's commonest class: the
    accuracy of a network that gives every image the same class. `images` counts the test set's,
    and a seed learns if it ends above `learned_above`.
    """

    study: Study
    history: pd.DataFrame
    probes: pd.DataFrame
    commonest: float
    images: int
    learned_above: float

    @classmethod
    def read(cls, study: Study, reports: Path, tables: Path) -> "Results":
        """Read the tables of `evaluate`."""
        [test_set] = pd.read_csv(tables / "test_set.csv").to_dict("records")
        history = pd.read_csv(reports / "history.csv")
        probes = pd.read_csv(tables / "probes.csv")
        return cls(study=study, history=history, probes=probes, **test_set)

    @cached_property
    def plans(self) -> dict[str, dict[str, Any]]:
        """Every variant's plan."""
        return {name: variant.plan for name, variant in self.study.variants.items()}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Every variant's label."""
        return {name: variant.label for name, variant in self.study.variants.items()}

    @cached_property
    def _histories(self) -> dict[str, pd.DataFrame]:
        return dict(iter(self.history.sort_values(["seed", "epoch"]).groupby("variant")))

    @cached_property
    def _probes(self) -> dict[str, pd.DataFrame]:
        return dict(iter(self.probes.groupby("variant")))

    def accuracies(self, variant: str) -> npt.NDArray[np.float64]:
        """Test accuracies `[seeds, epochs + 1]`, from before training on."""
        rows = self._histories[variant]
        return rows["test_acc"].to_numpy().reshape(rows["seed"].nunique(), -1)

    def accuracy(self, variant: str, epoch: int | None = None) -> Values:
        """Test accuracies `[seeds]` at an epoch, or at the last one."""
        return self.accuracies(variant)[:, -1 if epoch is None else epoch]

    def epochs(self, variant: str) -> int:
        """How many epochs it was trained."""
        return self.accuracies(variant).shape[1] - 1

    def difference(self, variant: str, other: str) -> Values:
        """Accuracy minus another variant's `[seeds]`, after equally many epochs.

        Seed by seed, of the seeds that both have.
        """
        epoch = min(self.epochs(variant), self.epochs(other))
        own, others = self.accuracy(variant, epoch), self.accuracy(other, epoch)
        shared = min(len(own), len(others))
        return own[:shared] - others[:shared]

    def probe(
        self, variant: str, layer: str | None, column: str, epoch: int | None = None
    ) -> Values:
        """A probe's values over seeds and epochs, of one layer or all hidden ones.

        `layer` is a name, FIRST or LAST. `epoch` −1 is the last. What has no value is left out.
        """
        return self._rows(variant, layer, epoch)[column].dropna().to_numpy()

    def probe_by_seed(
        self, variant: str, layer: str | None, column: str, epoch: int | None, how: str
    ) -> Values:
        """A probe's `max`, `min` or `mean` over layers and epochs `[seeds]`.

        Not a number where one that goes into it is not.
        """
        rows = self._rows(variant, layer, epoch)
        known = rows.assign(unknown=rows[column].isna()).groupby("seed")
        values = known[column].agg(how).where(~known["unknown"].any())
        return values.to_numpy(dtype=np.float64)

    def move(self, variant: str, layer: str, kind: str) -> tuple[float, float]:
        """The largest move of a layer's `weight` or `bias` in any seed, and the first one's step.

        The step is that of the earliest seed, and not a number where none moved.
        """
        first = self.probe(variant, layer, f"{kind}_moved_at", -1)
        largest = self.probe_by_seed(variant, layer, f"{kind}_move", -1, "max").max()
        return float(largest), float(first.min()) if len(first) else math.nan

    def _rows(self, variant: str, layer: str | None, epoch: int | None) -> pd.DataFrame:
        rows = self._probes[variant]
        layers = self.study.variants[variant].layers
        layer = {FIRST: layers[0], LAST: layers[-1]}.get(layer, layer) if layer else None
        rows = rows[rows["layer"] == layer] if layer else rows[rows["layer"] != layers[-1]]
        if epoch is not None:
            rows = rows[rows["epoch"] == (rows["epoch"].max() if epoch == -1 else epoch)]
        return rows

    def ends(self, variant: str) -> Counter[str]:
        """How many seeds end how: `learns`, `stuck`, `diverges`."""
        rows = self._histories[variant]
        return Counter(rows[rows["epoch"] == rows["epoch"].max()]["end"])

    def agree(self, variant: str) -> bool:
        """Whether all seeds end alike and none diverges: only then does a mean describe them."""
        ends = self.ends(variant)
        return len(ends) == 1 and "diverges" not in ends

    def ended(self, variant: str, end: str) -> Flags:
        """Which seeds `[seeds]` end so."""
        rows = self._histories[variant]
        return (rows[rows["epoch"] == rows["epoch"].max()]["end"] == end).to_numpy()
