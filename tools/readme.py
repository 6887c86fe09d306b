"""Writes the measured part of README.md, from reports/ and tools/readme.md; `make readme`."""

import csv
import json
from pathlib import Path

from stages import writing
from stages.rendering import claims, style
from stages.rendering.environment import environment
from stages.settings import reading

README = Path("README.md")
TEMPLATE = Path(__file__).with_suffix(".md")
REPORTS = Path("reports")
START, END = "<!-- measured: make readme -->\n", "<!-- /measured -->\n"


def main() -> None:
    try:
        writing.replace({README: renewed()})
    except reading.ParamsError as error:
        raise SystemExit(str(error)) from None
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"reports/: not what `dvc repro` makes: {error}") from None


def renewed() -> str:
    """README.md with the figures of what is in reports/; ends the command where one is missing.

    A README without a place for them stays as it is.
    """
    text = README.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    after = rest.partition(END)[2]
    return before + START + measured() + END + after if start else text


def measured() -> str:
    """The part of README.md that is made from reports/."""
    settings = reading.load()
    rows = json.loads((REPORTS / "claims.json").read_text(encoding="utf-8"))
    with (REPORTS / "summary.csv").open(newline="", encoding="utf-8") as file:
        summary = {row["variant"]: row for row in csv.DictReader(file)}

    def of(variant: str) -> str:
        """How a variant ends."""
        if variant not in summary:
            raise SystemExit(f"tools/readme.md tells of {variant}, which this study does not have")
        row = summary[variant]
        mean = row["test_acc_mean"]
        return style.percent(float(mean)) if mean else row["outcome"]

    shares = [
        style.percent(part["measured"])
        for row in rows
        if row["id"] == "trainable_to_depth"
        for part in row["parts"]
        if part["measured"] is not None
    ]
    same = [v for v in settings.variants if settings.network_of(v) == settings.network]
    template = environment(autoescape=False).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        of=of, sets=claims.by_source(rows), counts=claims.counts(rows), seeds=settings.seeds,
        variants=len(settings.variants), same=len(same), shares=shares,
    )  # fmt: skip


if __name__ == "__main__":
    main()
