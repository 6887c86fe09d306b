"""The cells of small sweeps as evidence for claims and answers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from stages.analysis.maps import Map
from stages.analysis.results import Flags
from stages.analysis.statistics import Values

# Above the commonest class's share: a seed that ends higher has learned. Five standard errors of an
# accuracy of a tenth on 1,000 examples: a network that guesses does not pass by chance.
MARGIN = 0.05


@dataclass(frozen=True)
class Trained:
    """A cell's networks: its label, its plan with the number of `steps`, and a row a seed."""

    label: str
    plan: dict[str, Any]
    rows: pd.DataFrame


@dataclass(frozen=True)
class Cells:
    """Cells by `SWEEP/Y/X`; `commonest` is the share of the test examples' commonest class."""

    trained: dict[str, Trained]
    commonest: float

    @classmethod
    def of(cls, maps: Iterable[Map], commonest: float) -> "Cells":
        """The cells of all maps."""
        return cls({name: cell for one in maps for name, cell in _cells(one)}, commonest)

    @cached_property
    def plans(self) -> dict[str, dict[str, Any]]:
        """Every cell's plan, by its name."""
        return {name: cell.plan for name, cell in self.trained.items()}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Every cell's label, by its name."""
        return {name: cell.label for name, cell in self.trained.items()}

    @property
    def learned_above(self) -> float:
        """A seed learns if it ends above this test accuracy."""
        return self.commonest + MARGIN

    def values(self, name: str, column: str) -> Values:
        """A column of a cell's table `[seeds]`."""
        return self.trained[name].rows[column].to_numpy(dtype=float)

    def accuracy(self, name: str) -> Values:
        """Test accuracies `[seeds]`."""
        return self.values(name, "test_acc")

    def ended(self, name: str, end: str) -> Flags:
        """Which seeds `[seeds]` end so: `learns`, `stuck`, `diverges`."""
        return np.array(self._ends(name)) == end

    def ends(self, name: str) -> Counter[str]:
        """How many seeds end how."""
        return Counter(self._ends(name))

    def agree(self, name: str) -> bool:
        """Whether all seeds end alike and none diverges: only then does a mean describe them."""
        ends = self.ends(name)
        return len(ends) == 1 and "diverges" not in ends

    def _ends(self, name: str) -> list[str]:
        rows = self.trained[name].rows
        diverges = ~np.isfinite(rows[["train_loss", "test_loss"]]).all(axis=1)
        learns = rows["test_acc"] > self.learned_above
        ends: list[str] = np.select([diverges, learns], ["diverges", "learns"], "stuck").tolist()
        return ends


def _cells(one: Map) -> Iterable[tuple[str, Trained]]:
    columns = len(one.x.values)
    for place, (plan, steps) in enumerate(zip(one.plans, one.steps, strict=True)):
        j, i = divmod(place, columns)
        rows = one.rows[(one.rows["j"] == j) & (one.rows["i"] == i)]
        label = f"{one.y.names[j]}, {one.x.names[i]}"
        yield (
            f"{one.name}/{one.y.values[j]}/{one.x.values[i]}",
            Trained(label, plan | {"steps": steps}, rows),
        )
