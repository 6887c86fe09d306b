"""Heat maps as evidence for claims."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stages.analysis.maps import Map


@dataclass(frozen=True)
class Lines:
    """Heat maps as evidence for claims: every map, and every row of one as a map of its own.

    All cells of a line count, so its seeds never disagree. Rows have the column `learn` as well.
    """

    lines: dict[str, Map]

    @classmethod
    def of(cls, maps: list[Map], learned_above: float) -> "Lines":
        """The lines of all maps; a network learns if its test accuracy is above that."""
        judged = (replace(m, rows=m.rows.assign(learn=m.learn(learned_above))) for m in maps)
        return cls({line.name: line for one in judged for line in (one, *one.lines())})

    @cached_property
    def plans(self) -> dict[str, dict[str, Any]]:
        """Every line's plan, by its name."""
        return {name: line.plan() for name, line in self.lines.items()}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Every line's label, by its name."""
        return {name: line.label for name, line in self.lines.items()}

    def ends(self, name: str) -> Counter[str]:
        """All of a line's seeds are counted as learning."""
        return Counter({"learns": self.lines[name].seeds})

    def agree(self, name: str) -> bool:
        """Always: all cells count."""
        return True
