"""Heat maps: the tables of sweeps by cell, with the predictions of mean-field theory."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.analysis import initializations
from stages.analysis.mean_field import MeanField
from stages.training import integrity

DEPTH, WIDTH = "network.hidden.depth", "network.hidden.width"
VARIANCE = "all.weight.scaled_normal.variance"
RATE = "training.lr"
SCHEME_VARIANCES = {"default": 1 / 3, "Xavier": 1, "He": 2}  # their variance times fan-in
MULTIPLE = 6  # of the depth scale: so deep a network was seen to train (Schoenholz et al. 2017)
DRAWN = (2, 4, MULTIPLE)
POINTS = 121  # along a line


@dataclass(frozen=True)
class Axis:
    """A setting by its key, its values, and labels for them if they have any."""

    key: str
    values: list[Any]
    labels: list[str] | None

    @property
    def names(self) -> list[str]:
        """Every value in words, in as few digits as distinguish them."""
        if self.labels:
            return self.labels
        written = ([_short(value, digits) for value in self.values] for digits in (3, 4, 6, 17))
        return next(names for names in written if len(set(names)) == len(names))

    @property
    def rises(self) -> bool:
        """Whether its values are numbers in their order."""
        numbers = not any(isinstance(value, str) for value in self.values)
        return numbers and sorted(self.values) == self.values


def _short(value: Any, digits: int) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Map:
    """A sweep: its axes, a plan for every cell by y and then x, and one row per cell and seed.

    `rows` have the columns of reports/sweeps/NAME.csv, and i and j, the cell's place along x and
    y; `steps` counts those of every cell's training, and `shows` is the column to show.
    """

    name: str
    figure: str
    label: str
    seeds: int
    shows: str
    x: Axis
    y: Axis
    steps: list[int]
    plans: list[dict[str, Any]]
    rows: pd.DataFrame

    @classmethod
    def of(
        cls, name: str, described: dict[str, Any], cells: list[Any], rows: pd.DataFrame
    ) -> "Map":
        """A map from its description in study.json, its plan's cells, and its rows in order."""
        x, y = Axis(**described["x"]), Axis(**described["y"])
        seeds = [cell["plan"]["seeds"] for cell in cells]
        j, i = np.divmod(np.repeat(np.arange(len(cells)), seeds), len(x.values))
        return cls(
            name=name, figure=f"map_{name}", label=described["label"], seeds=described["seeds"],
            shows=described["shows"], x=x, y=y, steps=[cell["steps"] for cell in cells],
            plans=[cell["plan"] for cell in cells], rows=rows.assign(i=i, j=j),
        )  # fmt: skip

    @classmethod
    def read(cls, name: str, described: dict[str, Any], plan: Path, table: Path) -> "Map":
        """Read the files of check and sweep; raises DamagedError if they do not belong together."""
        cells = integrity.read_json(plan)["cells"]
        expected = [(c["x"], c["y"], seed) for c in cells for seed in range(c["plan"]["seeds"])]
        try:
            names = {
                side: str for side in ("x", "y") if isinstance(described[side]["values"][0], str)
            }
            rows = pd.read_csv(
                table, dtype=names, float_precision="round_trip", keep_default_na=False,
                na_values={f"{part}_loss": ["nan"] for part in ("start", "train", "test")},
            )  # fmt: skip
            there = list(rows[["x", "y", "seed"]].itertuples(index=False, name=None))
        except (OSError, ValueError, KeyError):
            there = []
        if there != expected:
            raise integrity.DamagedError(
                table, "is missing, or is not of this sweep; run `dvc repro`"
            )
        return cls.of(name, described, cells, rows)

    def marked_names(self) -> list[str]:
        """The values of x in words, with the names of schemes in ReLU networks without biases.

        In layers as wide as those before them Xavier's variance times fan-in is 1.
        """
        field = theory(self.plans[0])
        if self.x.key != VARIANCE or not field or (field.activation, field.biases) != ("relu", 0):
            return self.x.names
        return [
            "\n".join(
                [name, *(mark for mark, at in SCHEME_VARIANCES.items() if abs(at - value) < 1e-3)]
            )
            for name, value in zip(self.x.names, self.x.values, strict=True)
        ]

    def learn(self, above: float) -> pd.Series:
        """Which networks end with a test accuracy above that; none where nothing was trained."""
        return self.rows.get("test_acc", self.rows["seed"] * math.nan) > above

    def cells(self, above: float) -> pd.DataFrame:
        """One row per cell: place, names, the value shown over seeds, how many learn, and theory.

        `depth_scale` is ξ, and not a number where theory does not speak; `constant` counts the
        networks that answer the same to every image before training.
        """
        rows = self.rows.assign(learn=self.learn(above), shown=self.rows[self.shows])
        found = rows.groupby(["j", "i"], as_index=False).agg(
            mean=("shown", "mean"), least=("shown", "min"), most=("shown", "max"),
            learn=("learn", "sum"), constant=("constant", "sum"), seeds=("seed", "count"),
        )  # fmt: skip
        return found.assign(
            map=self.name, x=np.array(self.x.names)[found["i"]],
            y=np.array(self.y.names)[found["j"]], depth_scale=self.depth_scales,
        )  # fmt: skip

    def lines(self) -> list["Map"]:
        """Every row as a map of its own, called after the row's value."""
        found, width = [], len(self.x.values)
        for j, (value, label) in enumerate(zip(self.y.values, self.y.names, strict=True)):
            cells = slice(j * width, (j + 1) * width)
            found.append(
                replace(
                    self, name=f"{self.name}, {value}", label=label,
                    y=replace(self.y, values=[value], labels=[label]),
                    rows=self.rows[self.rows["j"] == j].assign(j=0),
                    steps=self.steps[cells], plans=self.plans[cells],
                )
            )  # fmt: skip
        return found

    def plan(self) -> dict[str, Any]:
        """What the cells' plans share, so that claims find the map as they find variants.

        Where cells differ the value is None, but for the tensors, which are the first cell's, and
        the arguments of a network, of which those that differ are left out. Both
        axes are there as key and values, the common width of all hidden layers, and the steps.
        """
        plans = [plan | {"steps": n} for plan, n in zip(self.plans, self.steps, strict=True)]
        shared = {k: v if all(p[k] == v for p in plans) else None for k, v in plans[0].items()}
        widths = {width for plan in plans for width in plan["hidden"]}
        arguments = (set(map(repr, plan["arguments"].items())) for plan in plans)
        common = set.intersection(*arguments)
        return shared | {
            "arguments": {k: v for k, v in plans[0]["arguments"].items() if repr((k, v)) in common},
            "tensors": plans[0]["tensors"],
            "width": widths.pop() if len(widths) == 1 else None,
            "x": [self.x.key, *self.x.values],
            "y": [self.y.key, *self.y.values] if len(self.y.values) > 1 else None,
        }

    @cached_property
    def depth_scales(self) -> list[float]:
        """Every cell's ξ, and not a number where theory does not speak of it."""
        fields = map(theory, self.plans)
        return [field.depth_scale() if field else math.nan for field in fields]

    @cached_property
    def depth_lines(self) -> list[dict[str, float]]:
        """Where a network is as deep as DRAWN depth scales, as places along x and y.

        A line has a `multiple` and a `side` of the edge of chaos. Only for maps of variance ×
        depth that theory speaks of; finer than the cells, and only inside the map.
        """
        field = theory(self.plans[0])
        ours = (self.x.key, self.y.key) == (VARIANCE, DEPTH) and self.x.rises and self.y.rises
        if not field or not ours:
            return []
        values = np.linspace(self.x.values[0], self.x.values[-1], POINTS)
        scales = np.array([replace(field, weights=value).depth_scale() for value in values])
        i = np.interp(values, self.x.values, range(len(self.x.values)))
        found: list[dict[str, float]] = []
        for multiple in DRAWN:
            deep = multiple * scales
            j = np.interp(deep, self.y.values, range(len(self.y.values)))
            inside = (deep >= self.y.values[0]) & (deep <= self.y.values[-1])
            found += [
                {"multiple": multiple, "side": int(k > scales.argmax()), "i": i[k], "j": j[k]}
                for k in np.flatnonzero(inside)
            ]
        return found


def theory(plan: dict[str, Any]) -> MeanField | None:
    """The mean field of a network, if all weights are N(0, σ_w²/fan_in), all biases N(0, σ_b²)."""
    weights, biases = (set(initializations.laws(plan, kind)) for kind in ("weight", "bias"))
    if len(weights) > 1 or len(biases) > 1:
        return None
    match *weights, *biases:
        case ("kaiming_normal", "fan_in", gain), ("constant", 0.0):
            return MeanField(plan["activation"], gain**2)
        case ("kaiming_normal", "fan_in", gain), ("normal", 0.0, std):
            return MeanField(plan["activation"], gain**2, std**2)
    return None
