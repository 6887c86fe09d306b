"""The lesson as a page next to the report."""

import re

from stages.rendering import lesson, trying
from tests.conftest import ROOT


def test_links_lead_to_the_form_in_one_tab_and_to_documents(monkeypatch):
    monkeypatch.chdir(ROOT)
    html = lesson.text()
    links = re.findall(r'<a( target="initlab")? href="(.*?)"', html)
    files = {(ROOT / "reports" / link.partition("#")[0]).resolve() for _, link in links}
    assert files == {ROOT / "reports" / "index.html", ROOT / "docs" / "statistics.md"}
    tried = [link for target, link in links if target and "#try=" in link]
    assert len(tried) == html.count("#try=") > 10
    used = {name for link in tried for name in re.findall(r"\.(?:weight|bias):(\w+)", link)}
    assert used <= trying.INITIALIZERS.keys()


def test_answers_are_folded_and_the_table_is_one(monkeypatch):
    monkeypatch.chdir(ROOT)
    html = lesson.text()
    assert html.count("<details><summary>Answer</summary>") == html.count("</details>") == 5
    assert html.count("<table>") == 1 and "<title>initlab: A lesson" in html
