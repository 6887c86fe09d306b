"""What the page alone draws."""

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
def test_a_logarithmic_axis_goes_from_power_to_power(values, around):
    assert page_tables.powers_around(pd.DataFrame({"std": values})) == around
