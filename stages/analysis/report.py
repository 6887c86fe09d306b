"""One object with everything that figures, page, note, summary and README are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from stages.analysis import findings, judging, outcomes
from stages.analysis.cells import Cells
from stages.analysis.claims.heat_maps import HEAT_MAPS
from stages.analysis.claims.lecture import LECTURE
from stages.analysis.claims.literature import LITERATURE
from stages.analysis.claims.small_networks import SMALL_MAPS, SMALL_NETWORKS
from stages.analysis.claims.small_study import SMALL_STUDY
from stages.analysis.claims.study import STUDY
from stages.analysis.judging import Judgement
from stages.analysis.map_lines import Lines
from stages.analysis.maps import Map
from stages.analysis.results import Results
from stages.analysis.study import Study


@dataclass(frozen=True)
class Report:
    """A study with its results, and what follows from them.

    `table` has one row per variant (outcomes.comparison), `judgements` the audited claims,
    `findings` the numbers of every finding that the study supports, by its name. `asked` are the
    maps of questions.yaml and `cells` their cells. `reports` and `tables` are the folders with
    evaluate's tables.
    """

    results: Results
    table: pd.DataFrame
    maps: list[Map]
    judgements: list[Judgement]
    findings: dict[str, dict[str, Any]]
    asked: Sequence[Map]
    cells: Cells
    reports: Path
    tables: Path

    @classmethod
    def of(
        cls,
        results: Results,
        maps: list[Map],
        reports: Path,
        tables: Path,
        asked: Sequence[Map] = (),
    ) -> "Report":
        """The report on these results: claims judged, variants compared, findings measured."""
        lines = Lines.of(maps, results.learned_above)
        judgements = judging.audit((*LECTURE, *LITERATURE, *STUDY), results)
        judgements += judging.audit(HEAT_MAPS, lines)
        cells = Cells.of(asked, results.study.questions.get("commonest", 0))
        judgements += judging.audit((*SMALL_NETWORKS, *SMALL_STUDY), cells)
        judgements += judging.audit(SMALL_MAPS, Lines.of(list(asked), cells.learned_above))
        table = outcomes.comparison(results)
        found = findings.measure(results, table, judgements)
        return cls(results, table, maps, judgements, found, asked, cells, reports, tables)

    @property
    def study(self) -> Study:
        """The study that was run."""
        return self.results.study

    @cached_property
    def rows(self) -> dict[str, Any]:
        """The rows of `table` as named tuples, by variant."""
        return {row.variant: row for row in self.table.itertuples()}

    @cached_property
    def depth(self) -> pd.DataFrame:
        """depth.csv: signal and gradient by hidden layer before training."""
        return pd.read_csv(self.reports / "depth.csv")
