"""The page's own tables, and the command that opens it."""

import io

import pandas as pd
import pytest

from stages.rendering import page_tables
from tests.conftest import make


@pytest.mark.parametrize(
    ("values", "around"),
    [
        ([0.5, 0.02], (0.01, 1)),
        ([1.0, 1e-12], (1e-12, 10)),
        ([0, float("nan"), 3e-13, float("inf")], (1e-13, 1e-12)),
        ([], (1, 10)),
    ],
)
def test_logarithmic_axis_goes_from_power_to_power(values, around):
    assert page_tables.powers_around(pd.DataFrame({"std": values})) == around


@pytest.mark.slow
def test_distinct_units_are_shares(known):
    rows = pd.read_csv(io.StringIO(known["tables"]["units"]))
    by_variant = rows.groupby("variant")["distinct"]
    assert by_variant.get_group("twice").eq(0.5).all()
    assert by_variant.get_group("all_ones").eq(1 / 16).all()
    assert by_variant.size()["twice"] == 3 * 5


@pytest.mark.slow
def test_make_prints_where_the_report_is_and_opens_it(study, tmp_path):
    last = make(study, "repro").stdout.splitlines()[-1]
    file = study.folder / "reports" / "index.html"
    assert last == f"The report is {file}: make open"
    seen, viewer = tmp_path / "seen", tmp_path / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    viewer.chmod(0o755)
    make(study, "open", env={"BROWSER": f"{viewer} %s"})
    assert seen.read_text().strip() == file.as_uri()
