"""The sweeps of questions.yaml as tables, and how their numbers are written."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stages.analysis.maps import Map
from stages.analysis.report import Report
from stages.analysis.statistics import t_interval
from stages.rendering import style

DIGITS = 1  # of accuracies in per cent: there are 1,000 test examples


class Missing(LookupError):
    """A study without a network that an answer is about."""


def share(value: float) -> str:
    """A share in per cent."""
    return f"{style.decimals(100 * value, DIGITS)} %"


def size(value: float) -> str:
    """A loss in three digits, or as a power of ten."""
    if value >= 1e5:
        return style.power(value) if math.isfinite(value) else "not a number"
    return f"{float(f'{value:.3g}'):,g}" if value == value else "not a number"


def accuracy(report: Report, cell: str) -> str:
    """Like `53.2 % (51.0 to 55.4 %)`; where seeds disagree, like `3 of 5 seeds learn`."""
    cells = report.cells
    if cell not in cells.trained:
        raise Missing(cell)
    ends, values = cells.ends(cell), cells.accuracy(cell)
    if not cells.agree(cell):
        if ends["diverges"]:
            return f"{ends['diverges']} of {style.counted(len(values), 'seed')} diverge"
        return f"{ends['learns']} of {style.counted(len(values), 'seed')} learn"
    mean, low, high = t_interval(values)
    if math.isclose(low, high, abs_tol=1e-9):
        return f"{share(mean)} ({style.EVERY_SEED})"
    ends_ = f"{style.decimals(100 * max(low, 0), DIGITS)} to {share(min(high, 1))}"
    return f"{share(mean)} ({ends_})"


@dataclass(frozen=True)
class Table:
    """A sweep as a table: `rows` have an anchor's name, a label, and a text for every column."""

    name: str
    label: str
    about: str
    columns: list[str]
    rows: list[tuple[str, str, list[str]]]


def tables(report: Report) -> list[Table]:
    """A table for every sweep of questions.yaml."""
    return [
        Table(
            one.name, one.label, about(one), [*one.x.names, *(title for title, _ in EXTRA)],
            list(_rows(report, one)),
        )
        for one in report.asked
    ]  # fmt: skip


EXTRA = (("loss before training", "start_loss"), ("tensors that never change", "still"))


def _rows(report: Report, one: Map) -> Iterator[tuple[str, str, list[str]]]:
    for j, (value, label) in enumerate(zip(one.y.values, one.y.names, strict=True)):
        rows = one.rows[one.rows["j"] == j]
        if one.shows == "train_loss":
            shown = [size(v) for v in rows.groupby("i")["train_loss"].mean()]
        else:
            shown = [accuracy(report, f"{one.name}/{value}/{x}") for x in one.x.values]
        start = list(dict.fromkeys(size(v) for v in rows.groupby("i")["start_loss"].mean()))
        still = list(dict.fromkeys(share(v) for v in rows.groupby("i")["still"].mean()))
        shown += [start[0] if len(start) == 1 else f"{start[0]} … {start[-1]}", " / ".join(still)]
        yield f"{one.name}/{value}", label, shown


def about(one: Map) -> str:
    """The seeds and the length of training, as a sentence."""
    seeds = sorted({plan["seeds"] for plan in one.plans})
    steps = sorted(set(one.steps))
    of = " to ".join(map(str, dict.fromkeys([seeds[0], seeds[-1]])))
    shown = "training loss" if one.shows == "train_loss" else "test accuracy"
    return f"{shown} after {style.listed([str(n) for n in steps])} steps, {of} seeds".capitalize()
