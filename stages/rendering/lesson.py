"""The lesson, docs/lesson.md, as a page next to the report, where its links set the form up."""

import re
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

from stages.rendering.environment import TEMPLATES, environment

LESSON = Path(__file__).parents[2] / "docs" / "lesson.md"


def text() -> str:
    """The lesson's HTML, in the style of the page."""
    markdown = re.sub(r"\]\((\w+\.md)", r"](../docs/\1", LESSON.read_text(encoding="utf-8"))
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    # All links open the report in one tab of its own, so that it keeps its curves.
    body = body.replace('href="../reports/index.html', 'target="initlab" href="index.html')
    css = "".join((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "print.css"))
    title = re.match("# (.*)", markdown)
    return environment(autoescape=True).get_template("lesson.html").render(
        title=title[1] if title else "A lesson",
        body=Markup(body), css=Markup(css),  # noqa: S704  ours
    )  # fmt: skip
