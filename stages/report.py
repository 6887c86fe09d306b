"""Stage report: summary, the audit of the lecture's claims, figures, a note, and the page."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from stages import running, writing
from stages.analysis import judging, maps, outcomes
from stages.analysis.claims import LECTURE
from stages.analysis.map_claims import MAPS
from stages.analysis.outcomes import Outcome
from stages.analysis.results import Results
from stages.analysis.sources import SOURCES
from stages.analysis.study import Study
from stages.rendering import (
    accuracy_figures,
    claims,
    figures,
    map_figures,
    note,
    page,
    probe_figures,
    summary,
)
from stages.training import integrity

REPORTS = Path("reports")
SWEEPS = Path("data/sweeps")
TABLES = Path("data/tables")
TABLE_FILES = (
    "files.csv", "probes.csv", "sample.safetensors", "snapshots.safetensors", "test_set.csv",
    "../variants.txt",
)  # fmt: skip


def main() -> None:
    integrity.read(TABLES, TABLE_FILES)
    study = Study.of(integrity.read_json(Path("data/study.json")))
    results = Results.read(REPORTS, TABLES)
    table = outcomes.comparison(study, results)
    drawn = [
        maps.Map.read(name, told, SWEEPS / f"{name}.json", REPORTS / "sweeps" / f"{name}.csv")
        for name, told in study.sweeps.items()
    ]
    judged = judge(study, results, drawn)

    texts = {
        "summary.csv": summary.csv(table, summary.SUMMARY_COLUMNS),
        "statistics.csv": summary.csv(table, summary.DETAIL_COLUMNS),
        "summary.md": summary.as_markdown(table),
        "claims.json": as_json(judged),
        "claims.md": claims.as_markdown(judged),
        "note.md": note.text(study, results, table, judged),
        "metrics.json": as_json(headline(study, table, judged)),
        "accuracy.json": as_json(accuracies(table)),
    }
    files = {REPORTS / name: text for name, text in texts.items()}
    pictures = {
        REPORTS / "figures" / name: content
        for stem, figure in draw(study, results, table, drawn)
        for name, content in figures.saved(figure, stem).items()
    }
    html = page.text(study, results, table, drawn, judged, REPORTS, TABLES, made=texts)
    writing.replace(files | pictures | {REPORTS / "index.html": html})
    for path in (REPORTS / "figures").glob("map_*"):  # of sweeps that are gone
        if path not in pictures:
            path.unlink()


def judge(study: Study, results: Results, drawn: list[maps.Map]) -> list[dict]:
    """Every claim: of the study's variants, and of its maps."""
    audit = judging.audit((*LECTURE, *SOURCES), study, results)
    lines, cells = maps.as_study(study, drawn), maps.MapResults.of(drawn, results)
    of_maps = claims.rows(lines, cells, judging.audit(MAPS, lines, cells))
    return claims.rows(study, results, audit) + of_maps


def draw(
    study: Study, results: Results, table: pd.DataFrame, drawn: list[maps.Map]
) -> Iterator[tuple[str, figures.plt.Figure]]:
    """Every figure by its name, one after the other."""
    yield "learning_curves", accuracy_figures.learning_curves(study, results, table)
    yield "all_variants", accuracy_figures.all_variants(study, results, table)
    yield "final_accuracy", accuracy_figures.final_accuracy(study, results, table)
    yield "why_stuck", probe_figures.why_stuck(study, results)
    yield "first_weights", probe_figures.first_weights(study, TABLES)
    yield "who_moved", probe_figures.who_moved(study, results)
    yield "little_randomness", probe_figures.little_randomness(study, results)
    for one in drawn:
        yield f"map_{one.name}", map_figures.heat_map(one, one.cells(results.learned_above))
    yield "depth", probe_figures.depth(study, pd.read_csv(REPORTS / "depth.csv"))


def accuracies(table: pd.DataFrame) -> dict[str, float | dict[str, int]]:
    """Every variant's mean test accuracy; where the seeds have none, how many of them learn."""
    return {
        row.variant: row.test_acc_mean
        if row.outcome.has_mean
        else {"seeds_that_learn": row.learning}
        for row in table.itertuples()
    }


def headline(study: Study, table: pd.DataFrame, judged: list[dict]) -> dict:
    """What an experiment comes to in a few numbers, for DVC's tables of metrics.

    Test accuracies of the variants in the first one's group; how many variants learn and are
    stuck; how many claims of the lecture and of the literature have which verdict.
    """
    accuracy, outcome = accuracies(table), list(table["outcome"])
    return {
        "accuracy": {variant: accuracy[variant] for variant in study.first_group()},
        "learn": outcome.count(Outcome.LEARNS),
        "stuck": outcome.count(Outcome.STUCK),
        **claims.counts(judged),
    }


def as_json(values: object) -> str:
    """Indented JSON."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    running.run(main)
