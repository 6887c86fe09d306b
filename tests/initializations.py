"""Initializations, as entries of params.yaml."""

ZERO = {"weight": "zeros", "bias": "zeros"}


def both(initializer: str | dict) -> dict:
    """The same initializer for weight and bias."""
    return {"weight": initializer, "bias": initializer}


def constant(value: float) -> dict:
    return both({"constant": {"val": value}})


# Every hidden unit exists twice.
TWICE = {
    "fc1": {"weight": {"duplicated": {"rows": 2}}},
    "fc2": {"weight": {"duplicated": {"rows": 2, "columns": 2}}},
    "out": {"weight": {"duplicated": {"columns": 2}}},
    "all": {"bias": "zeros"},
}
# No gradient ever reaches fc1, so the network never learns from its input.
STUCK = {
    "all zero": {"all": ZERO},
    "fc1 zero": {"fc1": ZERO},
    "fc2 zero": {"fc2": ZERO},
    "constant below 0": {"all": constant(-0.1)},
}
