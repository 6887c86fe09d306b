"""Names and numbers, as a report shows them."""

import math
import re
from collections.abc import Iterable

SHOWN = 3  # names in a line; beyond, "and n more"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")


def owner(parameter: str) -> str:
    """The name of the layer that a parameter belongs to; its own if it stands alone."""
    layer, _, leaf = parameter.partition(".parametrizations.")
    if not leaf:
        layer, _, leaf = parameter.rpartition(".")
    return layer if layer and ("weight" in leaf or "bias" in leaf) else parameter


def places(names: Iterable[str]) -> str:
    """Names in one line: those that differ in numbers alone as a range, and the first few."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(NUMBER.sub("*", name), []).append(name)
    shown = []
    for alike in groups.values():
        shown += (
            [f"{alike[0]} … {alike[-1]} ({len(alike)} in all)"] if len(alike) > SHOWN else alike
        )
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def shown(number: float) -> str:
    """Three digits, or two with a power of ten where that is easier to read."""
    if number == 0 or 1e-3 <= abs(number) < 1e4 or not math.isfinite(number):
        return f"{float(f'{number:.3g}'):g}"
    digits, _, power = f"{number:.1e}".partition("e")
    return f"{digits}·10{str(int(power)).translate(SUPERSCRIPTS)}"


def percent(share: float) -> str:
    """A share between 0 and 1, such as 12 %."""
    if 0 < share < 0.01:
        return "less than 0.01 %" if share < 1e-4 else f"{share * 100:.1g} %"
    return f"{share * 100:.0f} %"


def counted(count: int, noun: str) -> str:
    """Such as 1 step, 20 steps."""
    return f"{count} {noun}{'s' * (count != 1)}"
