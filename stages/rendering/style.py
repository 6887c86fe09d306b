"""Colours, dashes and markers of figures and charts, and numbers in words."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from stages.analysis.outcomes import Outcome
from stages.analysis.study import BASELINE, Study

# Okabe and Ito's palette, which readers with any colour vision can distinguish
# (jfly.uni-koeln.de/color). Dashes and markers repeat the distinction.
PALETTE = ["#0072b2", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000"]
CHANCE, REFERENCE = "#d55e00", "#0072b2"  # lines at the commonest class's share and the baseline
DARK, CONTRAST = (14, 19, 24), 4.5  # the page's dark background; the least contrast with it
DASHES = [[1, 0], [7, 3], [2, 2], [7, 2, 2, 2], [12, 3], [4, 1]]
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"]

EVERY_SEED = "every seed"  # in place of an interval without width

# By the verdict on a claim, or on a part of it.
SIGNS = {
    "holds": "✓", "holds, understated": "✓+", "more than claimed": "↑", "holds in part": "≈",
    "does not hold": "✗", "undecided": "?", "not tested": "–",
}  # fmt: skip

DATA_SETS = {
    "mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "kmnist": "KMNIST", "mnist1d": "MNIST-1D",
    "cifar10": "CIFAR-10",
}  # fmt: skip
OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}
SCHEME_LABELS = {"default": "PyTorch's default", "xavier": "Xavier", "he": "He"}


class Look(NamedTuple):
    """How a curve is drawn."""

    color: str
    dash: list[int]
    shape: str


def look(i: int) -> Look:
    """The look of the i-th curve of a chart."""
    return Look(PALETTE[i % len(PALETTE)], DASHES[i % len(DASHES)], SHAPES[i % len(SHAPES)])


def looks(study: Study) -> dict[str, Look]:
    """The look of every variant, by its place in its group and the colour in params.yaml.

    The baseline keeps the first look, since it is drawn with every group.
    """
    found = {}
    for members in study.groups().values():
        others = [name for name in members if name != BASELINE]
        for i, name in enumerate([BASELINE, *others]):
            if name in members:
                color = study.variants[name].color
                found[name] = look(i)._replace(color=color) if color else look(i)
    return {name: found[name] for name in study.variants}


def on_dark(color: str) -> str:
    """A colour #rrggbb for the dark page, lightened until its contrast with the page suffices."""
    channels = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    least = CONTRAST * (luminance(DARK) + 0.05) - 0.05
    steps = ([c + (255 - c) * tenth // 10 for c in channels] for tenth in range(11))
    lightened = next(mixed for mixed in steps if luminance(mixed) >= least)
    return "#" + "".join(f"{channel:02x}" for channel in lightened)


def luminance(channels: Iterable[int]) -> float:
    """The relative luminance of (red, green, blue), each 0 to 255: WCAG 2.2."""
    shares = [channel / 255 for channel in channels]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def setting(value: object) -> object:
    """A setting's value in words; equal widths are like `30 × 64`."""
    if isinstance(value, list) and len(value) > 3 and len(set(value)) == 1:
        return f"{len(value)} × {value[0]}"
    return "all examples" if value is None else value


def shortened(label: str, longest: int) -> str:
    """A label of at most so many characters, cut in its middle: labels can differ at their ends."""
    half = longest // 2
    return label if len(label) <= longest else f"{label[:half]}…{label[1 - half :]}"


def known(value: float | None) -> bool:
    """Whether a value is a number."""
    return value is not None and value == value


def minus(words: str) -> str:
    """Numbers with a minus instead of a hyphen, and no sign at 0.00."""
    return words.replace("-0.00", "0.00").replace("+0.00", "0.00").replace("-", "−")


def decimals(value: float, digits: int) -> str:
    """A number with so many decimals, where half is rounded up, as by toFixed in the page."""
    if not math.isfinite(value):
        return str(value)
    return f"{Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"


def percent(share: float) -> str:
    """Like `97.74 %`."""
    return minus(f"{decimals(100 * share, 2)} %")


def interval(estimate: Any, sign: str = "", unit: str = "") -> str:
    """The interval of an Estimate of a share, like `97.44 to 98.05`; empty if there is none.

    `every seed` if it has no width. It is cut at 0 and 1; a difference, which has a `sign`, at −1.
    """
    _, low, high = estimate
    if not known(low):
        return ""
    low, high = max(low, -1 if sign else 0), min(high, 1)
    ends = minus(f"{100 * low:{sign}.2f} to {100 * high:{sign}.2f}{unit}")
    return EVERY_SEED if math.isclose(low, high, abs_tol=1e-9) else ends


def accuracy(estimate: Any) -> str:
    """An Estimate of an accuracy, like `97.74 % (97.44 to 98.05 %)` or `11.35 % (every seed)`."""
    return percent(estimate[0]) + within(interval(estimate, unit=" %"))


def points(estimate: Any, unit: str = " points") -> str:
    """An Estimate of a difference of accuracies, like `−15.85 points (−27.25 to −4.44)`."""
    return minus(f"{100 * estimate[0]:+.2f}{unit}") + within(interval(estimate, "+"))


def apart(estimate: Any) -> str:
    """A difference of accuracies in words, like `15.85 points (−27.25 to −4.44) below`."""
    if not any(known(end) and abs(end) > 1e-9 for end in estimate):
        return "exactly level with"
    side = "from" if abs(estimate[0]) < 5e-5 else "below" if estimate[0] < 0 else "above"
    return f"{decimals(100 * abs(estimate[0]), 2)} points{within(interval(estimate, '+'))} {side}"


def within(inside: str) -> str:
    """An interval in parentheses, if there is one."""
    return f" ({inside})" if inside else ""


def of_row(row: Any, column: str) -> tuple[float, float, float]:
    """An Estimate from a row of outcomes.comparison: `test_acc` or `diff`."""
    return tuple(getattr(row, f"{column}_{end}") for end in ("mean", "low", "high"))


def outcome(row: Any) -> str:
    """A row's outcome, with counts where its seeds disagree: `3 of 5 learn`."""
    if row.outcome is Outcome.SPLIT:
        return f"{row.learning} of {row.seeds} learn"
    if row.outcome is Outcome.SOME_DIVERGE:
        return f"{row.diverging} of {row.seeds} diverge"
    return row.outcome.value


def ends(counts: Counter[str]) -> str:
    """The outcomes of seeds that disagree, like `of 5 seeds 3 learn and 2 are stuck`."""
    word = {
        "learns": ("learns", "learn"), "stuck": ("is stuck", "are stuck"),
        "diverges": ("diverges", "diverge"),
    }  # fmt: skip
    groups = [f"{count} {word[end][count > 1]}" for end, count in counts.most_common()]
    return f"of {counted(counts.total(), 'seed')} {listed(groups)}"


def together(parts: list[dict]) -> list[tuple[str, list[dict]]]:
    """The parts of a claim, grouped where neighbours state the same of several variants."""
    return [(stated, list(own)) for stated, own in groupby(parts, lambda part: part["stated"])]


def endings(table: pd.DataFrame) -> dict[str, str]:
    """The final accuracy of every variant, or its outcome where the seeds have no mean."""
    return {
        row.variant: percent(row.test_acc_mean) if row.outcome.has_mean else outcome(row)
        for row in table.itertuples()
    }


def counted(count: float, noun: str) -> str:
    """Like `1 seed` and `5 seeds`."""
    count = round(count)
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def sentence(words: str) -> str:
    """With a capital letter, unless it begins with a symbol such as `σ` or `c`."""
    return re.sub(r"^[a-z](?=[a-z])", lambda letter: letter[0].upper(), words)


def listed(words: list[str]) -> str:
    """Like `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def power(value: float) -> str:
    """In two digits, like `10⁻⁶` and `7.4·10⁻⁵`."""
    if value == 0:
        return "0"
    digits, exponent = f"{value:.1e}".replace(".0e", "e").split("e")
    power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return power if digits == "1" else f"{digits}·{power}"


def rounded(value: float) -> str:
    """In two digits, like `0.062` and `740`, or as a power of ten if far from 1."""
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return power(value)
    return f"{float(f'{value:.2g}'):g}"


def factor(estimate: Any) -> str:
    """An Estimate of a factor, like `0.49 (0.47 to 0.51)`."""
    mean, low, high = estimate
    inside = EVERY_SEED if low == high else f"{low:.2f} to {high:.2f}" if known(low) else ""
    return f"{mean:.2f}" + within(inside)


def data_set(name: str) -> str:
    """How a data set is called; a user's own has its file's name."""
    return DATA_SETS.get(name, name)
