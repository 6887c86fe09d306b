"""Any two variants, compared in the page."""

import csv
import io
from itertools import combinations

import pandas as pd
import pytest

from stages.analysis.statistics import t_interval
from tests.conftest import needs_chromium
from tests.page_study import VARIANTS, opened

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def ends(reports) -> pd.DataFrame:
    return pd.read_csv(reports / "seeds.csv")


@pytest.fixture(scope="module")
def tab(browser, reports):
    tab = opened(browser, reports / "index.html")
    yield tab
    tab.context.close()


def differences(ends: pd.DataFrame, first: str, second: str):
    accuracies = ends.pivot(index="seed", columns="variant", values="test_acc")
    return (accuracies[first] - accuracies[second]).to_numpy()


def compared(tab, first: str, second: str) -> str:
    for place, name in enumerate((first, second)):
        tab.locator("#compare select").nth(place).select_option(name)
    return tab.locator("#compare [role=status]").inner_text()


def test_two_variants_are_compared_seed_by_seed(tab, ends):
    by_seed = differences(ends, "twice", "constant")
    mean, low, high = (f"{100 * end:+.2f}".replace("-", "−") for end in t_interval(by_seed))
    text = compared(tab, "twice", "constant")
    assert f"“every unit twice” ends {mean} points (95 % interval: {low} to {high})" in text
    assert "relative to “all 0.1”, over 3 seeds" in text


@pytest.mark.parametrize(("pair", "words"), [
    (("baseline", "baseline"), "Choose two different variants"),
    (("baseline", "he_normal"), "has 4 epochs of training, “He normal” has 2"),
    (("parted", "baseline"), "the seeds of “weights zero” have no common mean (2 of 3 learn)"),
])  # fmt: skip
def test_variants_that_are_not_comparable_have_the_reason(tab, pair, words):
    assert words in compared(tab, *pair)


def test_download_has_every_pair(tab, ends):
    with tab.expect_download() as download:
        tab.locator("#pairs").click()
    assert download.value.suggested_filename == "pairs.csv"
    text = download.value.path().read_text(encoding="utf-8")
    rows = {(row["variant"], row["relative_to"]): row for row in csv.DictReader(io.StringIO(text))}
    assert rows.keys() == set(combinations(VARIANTS, 2))
    for pair, row in rows.items():
        if row["not_compared"]:
            assert row["difference"] == row["low"] == row["high"] == ""
            continue
        found = [float(row[column]) for column in ("difference", "low", "high")]
        assert found == pytest.approx(t_interval(differences(ends, *pair)), abs=1e-6)
    assert sum(not row["not_compared"] for row in rows.values()) > 20
