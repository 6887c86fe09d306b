"""docs/questions.md and the page's section of questions: answers and tables of questions.yaml."""

from itertools import groupby
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from stages.analysis.report import Report
from stages.rendering import answer_tables, answers, rate_charts, style
from stages.rendering.answers import Answer
from stages.rendering.environment import environment

NOTHING = "This study lacks a network that the answer needs, or its numbers do not support it."


def text(report: Report) -> str:
    """docs/questions.md."""

    def link(place: str) -> str:
        inside = "/" in place
        return f"#{place.replace('/', '-')}" if inside else "../reports/summary.md"

    template = environment(autoescape=False).get_template("questions.md")
    return template.render(**_shared(report, answers.of(report, link)))


def on_page(report: Report) -> dict[str, Any]:
    """What the page's section needs."""

    def link(place: str) -> str:
        return f"#row-{place.replace('/', '-')}" if "/" in place else f"#variant-{place}"

    def markdown(words: str) -> Markup:
        return Markup(MarkdownIt("commonmark").render(words))  # noqa: S704  ours

    found = _shared(report, answers.of(report, link) if report.asked else [])
    return found | {"markdown": markdown, "asked_tables": found.pop("tables")}


def _shared(report: Report, found: list[Answer]) -> dict[str, Any]:
    return {
        "answers": found,
        "nothing": NOTHING,
        "measured": sum(answer.text is not None for answer in found),
        "topics": [(name, list(own)) for name, own in groupby(found, lambda one: one.topic)],
        "tables": answer_tables.tables(report),
        "by_rate": rate_charts.shown(report.asked),
        "asked_data": style.data_set(report.study.questions.get("data", "")),
    }
