"""Labels whose numbers are no values of their variant, which no report must show."""

import math
import re
from collections.abc import Iterator
from typing import Any

from stages.settings.mistakes import mistake
from stages.settings.params import Params
from stages.training.plan import DEFAULT, Plan

SUPERSCRIPTS = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
# Certainly values: 0.1, −0.1, 10⁻⁶, 3·10⁻³, 1e-6, σ 1, 30 layers; neither percentages nor years.
NUMBER = re.compile(
    r"(?<![\w.])(?:(?<!\d )[−-])?(?:(?:\d+(?:\.\d+)?·)?10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+"
    r"|\d+\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+|(?<=σ )\d+|\d+(?=(?: \w+)? layers?\b))(?![\w.]|\s?%)"
)
ROUNDED = 0.01  # how far off, relatively, a label can round a value


def true_ones(settings: Params, found: dict[str, Plan]) -> tuple[Params, list[str]]:
    """The settings without labels that are false, and a line for each.

    A command that changes a value, like `dvc exp run -S`, leaves the label as it is. Reports then
    show the variant's name.
    """
    display, lines = dict(settings.display), []
    for name, plan in found.items():
        if number := _false_number(settings, name, plan):
            key, label = f"display.{name}.label", settings.label_of(name)
            lines.append(mistake(key, label, f"its value is not {number!a}; reports show {name}"))
            display[name] = display[name].model_copy(update={"label": None})
    return settings.model_copy(update={"display": display}), lines


def _false_number(settings: Params, name: str, plan: Plan) -> str | None:
    """The first number in a variant's label that the variant does not have.

    Each has to be a value of its weights, network or training; after "all", of all tensors that
    it fills. With the word "bias" in the label, values of biases count, with "variance" squares.
    """
    label = settings.label_of(name)
    words = label.lower()
    for found in NUMBER.finditer(label if name in settings.display else ""):
        every = label[: found.start()].endswith("all ")
        biases = every or "bias" in words
        fills = [
            fill
            for tensor, fill in plan.tensors.items()
            if fill != DEFAULT and (biases or "bias" not in tensor.rpartition(".")[2])
        ]
        values = [set(_numbers(fill.arguments)) for fill in fills]
        known = set.intersection(*values) if every and values else set().union(*values)
        known |= {len(plan.hidden), plan.lr, plan.momentum, plan.weight_decay}
        known |= set(_numbers(dict(plan.arguments)))
        known |= {value**2 for value in known if "variance" in words}
        if not any(math.isclose(_value(found[0]), value, rel_tol=ROUNDED) for value in known):
            return found[0]
    return None


def _numbers(value: Any) -> Iterator[float]:
    """All numbers in a value of JSON."""
    if isinstance(value, (int, float)):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _numbers(inner)


def _value(words: str) -> float:
    """A number of a label, like `−0.1` or `3·10⁻³`."""
    plain = re.sub("10(?=[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])", "1e", words.replace("·10", "e"))
    return float(plain.translate(SUPERSCRIPTS))
