"""Stage report: summary, the audit of claims, figures, a note, and the page."""

import json
from pathlib import Path

from stages import running, writing
from stages.analysis.maps import Map
from stages.analysis.report import Report
from stages.analysis.results import Results
from stages.analysis.study import Study
from stages.rendering import (
    claim_tables,
    claims,
    drawing,
    lesson,
    note,
    page,
    questions,
    summary,
)
from stages.training import integrity

REPORTS = Path("reports")
QUESTIONS = Path("docs/questions.md")
SWEEPS = Path("data/sweeps")
TABLES = Path("data/tables")
TABLE_FILES = (
    "files.csv", "probes.csv", "sample.safetensors", "snapshots.safetensors", "test_set.csv",
    "../variants.txt",
)  # fmt: skip


def main() -> None:
    report = read()
    judged = claims.rows(report)
    texts = summary.texts(report) | {
        "claims.json": as_json(judged),
        "claims.md": claim_tables.as_markdown(judged),
        "note.md": note.text(report, judged),
        "metrics.json": as_json(summary.headline(report) | claim_tables.counts(judged)),
        "accuracy.json": as_json(summary.accuracies(report)),
    }
    pictures = drawing.pictures(report)
    html = page.text(report, judged, texts)
    files: dict[str, str | bytes] = {"index.html": html, "lesson.html": lesson.text(), **texts}
    files |= {f"figures/{name}": content for name, content in pictures.items()}
    made = {REPORTS / name: content for name, content in files.items()}
    writing.replace(made | {QUESTIONS: questions.text(report)})
    for path in (REPORTS / "figures").glob("map_*"):  # of sweeps that are gone
        if path.name not in pictures:
            path.unlink()


def read() -> Report:
    """Read the study and its results, judge the claims, and measure the findings."""
    integrity.read(TABLES, TABLE_FILES)
    study = Study.of(integrity.read_json(Path("data/study.json")))
    results = Results.read(study, REPORTS, TABLES)
    maps, asked = (
        [
            Map.read(name, described, SWEEPS / f"{name}.json", REPORTS / "sweeps" / f"{name}.csv")
            for name, described in sweeps.items()
        ]
        for sweeps in (study.sweeps, study.questions.get("sweeps", {}))
    )
    return Report.of(results, maps, REPORTS, TABLES, asked)


def as_json(values: object) -> str:
    """Indented JSON."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    running.run(main)
