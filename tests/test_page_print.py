"""The page on paper."""

import pytest

from tests.conftest import needs_chromium
from tests.page_study import opened
from tests.test_page import BEYOND, CHARTS

pytestmark = [pytest.mark.slow, needs_chromium]

# Controls, and headings with nothing below.
CONTROLS = "main :is(#try, input, canvas, .downloads, button:not(.legend *, thead *)):visible"
LONE = """() => [...document.querySelectorAll("main :is(h2, h3, .chart figcaption)")].filter(one =>
{ let next = one.nextElementSibling;
  while (next && !next.checkVisibility()) next = next.nextElementSibling;
  return one.checkVisibility() && !next;
}).map(one => one.textContent)"""


def test_paper_has_all_parts_open_and_nothing_empty(browser, reports):
    tab = opened(browser, reports / "index.html")
    closed = tab.locator("main details:not([open])").count()
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 700, "height": 990})  # of paper, less than a phone's limit
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("main details:not([open]):visible").count() == 0
    assert tab.locator(".claim .parts:visible").count() == tab.locator(".claim").count()
    assert tab.locator(CONTROLS).count() == 0
    assert tab.evaluate(LONE) == []
    plots = tab.locator(".plot:visible").all()
    assert len(plots) == len(CHARTS) - 1
    for plot in plots:
        drawn, place = plot.locator("svg.marks").bounding_box(), plot.bounding_box()
        assert abs(drawn["height"] - place["height"]) < 2
    assert tab.evaluate(BEYOND, 700) == []
    row = tab.locator("#all-variants tbody tr").first
    assert row.evaluate("it => getComputedStyle(it).display") == "table-row"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("main details:not([open])").count() == closed
    tab.context.close()
