"""What was measured, as tables, and the questions that reports ask of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.analysis.statistics import Values

Flags: TypeAlias = npt.NDArray[np.bool_]  # one a seed

STUCK = 0.02  # at most this far above the commonest class's share, nothing was learned


@dataclass(frozen=True)
class Results:
    """The results of all variants.

    `history` and `probes` have the columns of a run's history.csv and probes.csv, all runs
    one below the other; `commonest` is the share of the test set's commonest class: what a
    network scores that says the same to every image; `images` is how many the test set has.
    """

    history: pd.DataFrame
    probes: pd.DataFrame
    commonest: float
    images: int

    @classmethod
    def read(cls, reports: Path, tables: Path) -> "Results":
        """Read what `evaluate` wrote."""
        confusion = pd.read_csv(reports / "confusion.csv")
        history = pd.read_csv(reports / "history.csv")
        one = confusion[confusion["variant"] == confusion["variant"].iloc[0]]
        counts = one.groupby("actual")["count"].sum() // history["seed"].nunique()
        return cls(
            history=history,
            probes=pd.read_csv(tables / "probes.csv"),
            commonest=float(counts.max() / counts.sum()),
            images=int(counts.sum()),
        )

    def accuracy(self, variant: str, epoch: int | None = None) -> Values:
        """Test accuracies `[seeds]` at an epoch, or at the last one."""
        rows = self.history[self.history["variant"] == variant]
        rows = rows[rows["epoch"] == (rows["epoch"].max() if epoch is None else epoch)]
        return rows.sort_values("seed")["test_acc"].to_numpy()

    def epochs(self, variant: str) -> int:
        """How many epochs it was trained."""
        return int(self.history.loc[self.history["variant"] == variant, "epoch"].max())

    def curve(self, variant: str) -> Values:
        """Mean test accuracy `[epochs + 1]` by epoch."""
        rows = self.history[self.history["variant"] == variant]
        return rows.groupby("epoch")["test_acc"].mean().to_numpy()

    def difference(self, variant: str, other: str) -> Values:
        """Accuracy minus another variant's `[seeds]`, seed by seed, after equally many epochs."""
        epoch = min(self.epochs(variant), self.epochs(other))
        return self.accuracy(variant, epoch) - self.accuracy(other, epoch)

    def probe(
        self, variant: str, layer: str | None, column: str, epoch: int | None = None
    ) -> Values:
        """A probe's values over seeds and epochs, of one layer or all hidden ones.

        `epoch` −1 is the last. What has no value is left out.
        """
        rows = self.probes[self.probes["variant"] == variant]
        rows = rows[rows["layer"] == layer] if layer else rows[rows["layer"] != "out"]
        if epoch is not None:
            rows = rows[rows["epoch"] == (rows["epoch"].max() if epoch == -1 else epoch)]
        return rows[column].dropna().to_numpy()

    def learns(self, variant: str) -> Flags:
        """Which seeds `[seeds]` end clearly above the commonest class's share."""
        return self.accuracy(variant) > self.commonest + STUCK

    def diverged(self, variant: str) -> Flags:
        """Which seeds `[seeds]` ever had a loss or a probe that is not a finite number."""
        losses = self.history[self.history["variant"] == variant].set_index("seed")
        probes = self.probes[self.probes["variant"] == variant].set_index("seed")
        # These have gaps by their meaning: only ReLU units die, and not all tensors move.
        gaps = ["dead_fraction", "weight_moved_at", "bias_moved_at"]
        numbers = probes.select_dtypes("number").drop(columns=gaps, errors="ignore")
        sick = [
            ~np.isfinite(table).all(axis=1).groupby("seed").all()
            for table in (losses[["test_loss"]], numbers)
        ]
        return (sick[0] | sick[1]).to_numpy()

    def layers(self, variant: str) -> list[str]:
        """Its layers from the input to the output."""
        return list(dict.fromkeys(self.probes.loc[self.probes["variant"] == variant, "layer"]))
