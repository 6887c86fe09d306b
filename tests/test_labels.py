"""Labels of variants and groups, whatever is in them, wherever they are shown as text."""

import html
import unicodedata
import xml.etree.ElementTree as ET

import markdown_it
import pytest

from stages.analysis.claims import LECTURE
from stages.analysis.judging import audit
from stages.analysis.outcomes import comparison
from stages.analysis.sources import SOURCES
from stages.rendering import accuracy_figures, claims, figures, note, probe_figures, summary
from tests import made_up

LABELS = [
    "<script>alert(1)</script>", "<b>bold</b>", "a|b", "||", "*a* **b**", "_a_ __b__", "`a`", "```",
    "[a](http://b)", "![a](b)", "[[a]]", "<http://a>", "http://a.b", "# a", "#a", "1. a", "- a",
    "> a", "$a$", "$$", "\\", "\\|", "&lt;", "&#60;", "~~a~~", "==a==", "%%a%%", "<!-- a -->",
    "---", "{{ 7 * 7 }}", ":tada:", "{% raw %}", "%s", "{0}", "'\"", "</td>", "a\u0301",
    "Z\u0351\u036b\u0343", "a\xa0b", "b\u0430seline", "ａ", "שלום",
    "مرحبا", "日本語", "🎉", "👩‍👩‍👧", "x" * 200, "a b " * 50, "−0.1", "σ²", "\U0001d49c",
]  # fmt: skip


@pytest.fixture(scope="module", params=[0, 1, 2], ids="part {}".format)
def named(request) -> dict[str, str]:
    """Another label for every variant."""
    part = LABELS[request.param * 18 :]
    return dict(zip(made_up.ACCURACIES, part, strict=False))


@pytest.fixture(scope="module")
def parts(named):
    """Study, results, table and audit with these labels, which are groups as well."""
    looks = {name: {"label": label, "group": label} for name, label in named.items()}
    study = made_up.study(made_up.ACCURACIES, looks)
    results = made_up.results(made_up.ACCURACIES, made_up.PROBED)
    judged = claims.rows(study, results, audit((*LECTURE, *SOURCES), study, results))
    return study, results, comparison(study, results), judged


def shown(label: str) -> str:
    """A label as HTML has it, on one line."""
    one_line = unicodedata.normalize("NFC", " ".join(label.split()))
    return html.escape(one_line, quote=False).replace('"', "&quot;")


def rendered(markdown: str) -> str:
    """What a reader of GitHub's Markdown sees, as HTML."""
    reader = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return reader.render(markdown.partition("---\n\n")[2] if markdown[:3] == "---" else markdown)


def assert_no_markup(page: str) -> None:
    for tag in (
        "<script",
        "<b>",
        "<img src=b",
        "<s>",
        "<h1>a",
        "<!-- a",
        'href="http://a',
        "<li>a",
    ):
        assert tag not in page.replace('<img src="b', "<img src=b"), tag


def test_the_summary_shows_them_as_text(parts, named):
    page = rendered(summary.as_markdown(parts[2]))
    assert_no_markup(page)
    for label in named.values():
        assert page.count(f"<td>{shown(label)}</td>") >= 2, label  # the group, and the start


def test_the_audit_shows_them_as_text(parts, named):
    page = rendered(claims.as_markdown(parts[3]))
    assert_no_markup(page)
    assert f"“{shown(named['all_ones'])}”" in page if "all_ones" in named else True


def test_the_note_shows_them_as_text(parts, named):
    page = rendered(note.text(*parts))
    assert_no_markup(page)
    for variant in ("baseline", "zero_fc1", "all_zero", "all_ones"):
        if variant in named:
            assert f"<strong>{shown(named[variant])}:</strong>" in page


@pytest.mark.slow
def test_figures_are_drawn_with_them(parts):
    study, results, table, _ = parts
    drawn = [
        accuracy_figures.learning_curves(study, results, table),
        accuracy_figures.all_variants(study, results, table),
        accuracy_figures.final_accuracy(study, results, table),
        probe_figures.who_moved(study, results),
    ]
    for figure in drawn:
        files = figures.saved(figure, "figure")
        ET.fromstring(files["figure.svg"])
        assert files["figure.png"][:4] == b"\x89PNG"
