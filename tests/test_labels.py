"""Labels and groups with markup, shown as text in Markdown files and figures."""

import html
import unicodedata

import markdown_it
import pytest

from stages.analysis.report import Report
from stages.rendering import claim_tables, claims, note, summary
from tests import made_up

LABELS = [
    "<script>alert(1)</script>", "<b>bold</b>", "a|b", "||", "*a* **b**", "_a_ __b__", "`a`", "```",
    "[a](http://b)", "![a](b)", "[[a]]", "<http://a>", "http://a.b", "# a", "#a", "1. a", "- a",
    "> a", "$a$", "$$", "\\", "\\|", "&lt;", "&#60;", "~~a~~", "==a==", "%%a%%", "<!-- a -->",
    "---", "{{ 7 * 7 }}", ":tada:", "{% raw %}", "%s", "{0}", "'\"", "</td>", "a\u0301",
    "Z\u0351\u036b\u0343", "a\xa0b", "b\u0430seline", "ａ", "שלום",
    "مرحبا", "日本語", "🎉", "👩‍👩‍👧", "x" * 200, "a b " * 50, "−0.1", "σ²", "\U0001d49c",
]  # fmt: skip
MARKUP = ("<script", "<b>", '<img src="b"', "<s>", "<h1>a", "<!-- a", 'href="http://a', "<li>a")


@pytest.fixture(scope="module", params=[0, 23, 28], ids="from {}".format)
def named(request) -> dict[str, str]:
    """A label for every variant."""
    return dict(zip(made_up.ACCURACIES, LABELS[request.param :], strict=False))


@pytest.fixture(scope="module")
def report(named) -> Report:
    """A report on a study whose labels and groups are these."""
    looks = {name: {"label": label, "group": label} for name, label in named.items()}
    return made_up.report(display=looks)


def shown(label: str) -> str:
    """A label on one line in HTML."""
    one_line = unicodedata.normalize("NFC", " ".join(label.split()))
    return html.escape(one_line, quote=False).replace('"', "&quot;")


def rendered(markdown: str) -> str:
    """Markdown as HTML, without its front matter; asserts that no label became markup."""
    reader = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    page = reader.render(markdown.partition("---\n\n")[2] if markdown[:3] == "---" else markdown)
    for tag in MARKUP:
        assert tag not in page, tag
    return page


def test_summary_shows_labels_as_text(report, named):
    page = rendered(summary.as_markdown(report))
    for label in named.values():
        assert page.count(f"<td>{shown(label)}</td>") >= 2, label  # the group and the variant


def test_claims_show_labels_as_text(report, named):
    page = rendered(claim_tables.as_markdown(claims.rows(report)))
    assert f"“{shown(named['all_ones'])}”" in page


def test_note_shows_labels_as_text(report, named):
    page = rendered(note.text(report, claims.rows(report)))
    for variant in ("baseline", "zero_fc1", "all_zero", "all_ones"):
        assert shown(named[variant]) in page
