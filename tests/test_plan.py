"""The plan of a variant: everything that decides its bits, and nothing else."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from stages.training.plan import DEFAULT, Fill, Plan
from tests.conftest import plan_of

SGD = {"optimizer": "sgd", "momentum": 0.9}
MINE = {
    "network": {"hidden": [16, 8], "activation": "tanh"},
    "training": {"epochs": 2, "batch_size": 32, "optimizer": "sgd", "lr": 0.1, "momentum": 0.5},
    "all": {"weight": {"kaiming_normal": {"mode": "fan_out"}}, "bias": "zeros"},
    "fc2": {"weight": "hadamard"},
}


def test_plan_is_read_as_it_was_written(tmp_path):
    plan = plan_of(MINE)
    path = tmp_path / "plan.json"
    path.write_text(plan.as_json(), encoding="utf-8")
    assert Plan.read(path) == plan
    assert Plan.read(path).as_json() == plan.as_json()


def test_plan_has_everything_that_params_yaml_sets():
    plan = plan_of(MINE, data={"limit": 640}, seeds=3)
    kaiming = Fill("kaiming_normal", {"a": 0.0, "mode": "fan_out", "nonlinearity": "leaky_relu"})
    zero = Fill("constant", {"val": 0.0})
    hadamard = Path("stages/initializers/hadamard.py")
    assert plan == Plan(
        data="mnist",
        shape=(1, 28, 28),
        classes=10,
        examples=60_000,
        limit=640,
        seeds=3,
        hidden=(16, 8),
        activation="tanh",
        layers={"fc1": 16, "fc2": 8, "out": 10},
        epochs=2,
        batch_size=32,
        optimizer="sgd",
        lr=0.1,
        momentum=0.5,
        tensors={
            "fc1.weight": kaiming,
            "fc1.bias": zero,
            "fc2.weight": Fill("hadamard", {"gain": 1.0}),
            "fc2.bias": zero,
            "out.weight": kaiming,
            "out.bias": zero,
        },
        files={hadamard.as_posix(): sha256(hadamard.read_bytes()).hexdigest()},
        packages={
            "numpy": version("numpy"),
            "safetensors": version("safetensors"),
            "torch": torch.__version__.partition("+")[0],
            "ziglang": version("ziglang"),
        },
    )
    assert plan.sizes == [784, 16, 8, 10]
    assert all(fill == DEFAULT for fill in plan_of().tensors.values())
    assert plan_of().files == {}


def weight(initializer) -> dict:
    return {"all": {"weight": initializer}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (weight("zeros"), weight({"constant": {"val": 0}})),
        (weight("normal"), weight({"normal": None})),
        (weight({"normal": {"std": 3, "mean": 2}}), weight({"normal": {"mean": 2.0, "std": 3.0}})),
        (weight({"duplicated": {"rows": 2}}), weight({"duplicated": {"columns": 1, "rows": 2}})),
        (weight("zeros"), {layer: {"weight": "zeros"} for layer in ("out", "fc2", "fc1")}),
        (weight("zeros"), weight("ones") | {f: {"weight": "zeros"} for f in ("fc1", "fc2", "out")}),
        ({}, {"network": {"hidden": [128, 64]}, "training": {"optimizer": "adam", "lr": 1e-3}}),
        ({"training": {"optimizer": "sgd"}}, {"training": {"optimizer": "sgd", "momentum": 0}}),
    ],
)
def test_equal_training_gives_equal_plans(one, other):
    assert plan_of(one) == plan_of(other)
    assert plan_of(one).as_json() == plan_of(other).as_json()


def test_all_images_are_a_limit_of_none():
    assert plan_of(data={"limit": 60_000}) == plan_of()


def test_the_whole_image_is_a_crop_of_none():
    assert plan_of({"network": {"crop": 28}}) == plan_of()


def test_only_sgd_has_a_momentum():
    adam = {"training": {"optimizer": "adam"}}
    assert plan_of(training=SGD).momentum == 0.9
    assert plan_of(adam, training=SGD).as_json() == plan_of().as_json()
