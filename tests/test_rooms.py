"""Every stage loads its own room, and nothing heavy that it does without."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

TRAINING = "stages.training.workers, stages.training.results, stages.train"


# The modules that are imported, the rooms that they may load, and the packages that they may not.
STAGES = {
    "train": (
        TRAINING,
        {"stages.training", "stages.jobs", "stages.train"},
        {"pydantic", "yaml", "ruamel", "pandas", "scipy", "matplotlib", "dvc"},
    ),
    "sweep": (
        "stages.sweep",
        {
            "stages.training",
            "stages.estimate",
            "stages.jobs",
            "stages.journal",
            "stages.sweep",
            "stages.writing",
        },
        {"pydantic", "yaml", "ruamel", "pandas", "scipy", "matplotlib", "dvc"},
    ),
    "check": (
        "stages.check",
        {
            "stages.settings",
            "stages.training",
            "stages.jobs",
            "stages.check",
            "stages.writing",
        },
        {"pandas", "scipy", "matplotlib", "ruamel", "dvc"},
    ),
    "evaluate": (
        "stages.evaluate",
        {"stages.training", "stages.evaluate", "stages.writing"},
        {"pydantic", "yaml", "pandas", "scipy", "matplotlib", "dvc"},
    ),
    "report": (
        "stages.report",
        {
            "stages.analysis",
            "stages.rendering",
            "stages.training",
            "stages.report",
            "stages.writing",
        },
        {"torch", "pydantic", "dvc"},
    ),
    "download": (
        "stages.download",
        {"stages.training", "stages.download", "stages.writing"},
        {"torch", "numpy", "pandas", "pydantic", "yaml", "dvc"},
    ),
}
SLOW = STAGES.keys() - {"download"}  # the others load torch, or pandas and matplotlib


@pytest.mark.parametrize(
    "stage",
    [pytest.param(stage, marks=[pytest.mark.slow] * (stage in SLOW)) for stage in STAGES],
)
def test_a_stage_loads_its_own_room_and_nothing_that_it_does_without(stage):
    """`stages.training` is loaded by all: it pins the arithmetic, and imports nothing itself."""
    modules, rooms, others = STAGES[stage]
    code = f"import {modules}, sys; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = result.stdout.split()
    assert not others & {name.partition(".")[0] for name in loaded}
    ours = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("stages.")}
    assert ours <= rooms
    assert set(modules.split(", ")) <= set(loaded)
