"""Heat maps as evidence for claims."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stages.analysis.maps import Map


@dataclass(frozen=True)
class Lines:
    """Heat maps as evidence for claims: every map, and every row of one as a map of its own.

    All cells of a line count, so its seeds never disagree; a network learns if its test accuracy
    is above `learned_above`.
    """

    lines: dict[str, Map]
    learned_above: float

    @classmethod
    def of(cls, maps: list[Map], learned_above: float) -> "Lines":
        """The lines of all maps."""
        return cls({line.name: line for one in maps for line in (one, *one.lines())}, learned_above)

    @cached_property
    def plans(self) -> dict[str, dict[str, Any]]:
        """Every line's plan, by its name."""
        return {name: line.plan() for name, line in self.lines.items()}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Every line's label, by its name."""
        return {name: line.label for name, line in self.lines.items()}

    def figure(self, name: str) -> str:
        """The figure of the map with this line."""
        return self.lines[name].figure

    def ends(self, name: str) -> Counter[str]:
        """All of a line's seeds are counted as learning."""
        return Counter({"learns": self.lines[name].seeds})

    def agree(self, name: str) -> bool:
        """Always: all cells count."""
        return True
