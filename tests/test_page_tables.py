"""The tables that the page alone draws."""

import io

import pandas as pd
import pytest

from stages.rendering import page_tables


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
def test_distinct_units_are_shares_with_one_row_for_equal_seeds(known):
    rows = pd.read_csv(io.StringIO(known["tables"]["units"]))
    by_variant = rows.groupby("variant")["distinct"]
    assert by_variant.get_group("twice").eq(0.5).all()
    assert by_variant.get_group("all_ones").eq(1 / 16).all()
    assert by_variant.size()[["parted", "twice"]].tolist() == [3 * 5, 5]
