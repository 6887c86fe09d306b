"""Every stage loads its own folders, and no heavy package that it does not need."""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TRAIN = {"stages.training", "stages.running", "stages.jobs"}
HEAVY = {"pydantic", "yaml", "ruamel", "pandas", "scipy", "matplotlib", "dvc"}

# The modules that are imported, what they may load of ours, and the packages that they may not.
STAGES = {
    "train": ("stages.train, stages.training.workers", TRAIN, HEAVY),
    "sweep": (
        "stages.sweep", TRAIN | {"stages.estimate", "stages.journal", "stages.writing"}, HEAVY,
    ),
    "check": (
        "stages.check",
        {"stages.settings", "stages.training", "stages.estimate", "stages.jobs", "stages.running",
         "stages.writing"},
        {"pandas", "scipy", "matplotlib", "ruamel", "dvc"},
    ),
    "evaluate": (
        "stages.evaluate",
        {"stages.training", "stages.running", "stages.tables", "stages.writing"},
        HEAVY - {"ruamel"},
    ),
    "report": (
        "stages.report",
        {"stages.analysis", "stages.rendering", "stages.training", "stages.running",
         "stages.writing"},
        {"torch", "pydantic", "dvc"},
    ),
    "download": (
        "stages.download",
        {"stages.training", "stages.running", "stages.writing"},
        {"torch", "numpy", "pandas", "pydantic", "yaml", "dvc"},
    ),
}  # fmt: skip


def test_only_engines_py_asks_which_engine_a_plan_has():
    files = [*ROOT.glob("stages/**/*.py"), *ROOT.glob("tools/**/*.py")]
    asking = [
        file.relative_to(ROOT).as_posix()
        for file in files
        if re.search(
            r"(BUILT_IN|\bmlp['\"])\W*[!=]=|[!=]= *(BUILT_IN|['\"]mlp\b)", file.read_text()
        )
    ]
    assert asking == ["stages/training/engines.py"]


@pytest.mark.parametrize(
    "stage",
    [pytest.param(stage, marks=[pytest.mark.slow] * (stage != "download")) for stage in STAGES],
)
def test_a_stage_loads_its_own_folders_and_no_other_heavy_package(stage):
    modules, folders, others = STAGES[stage]
    code = f"import {modules}, sys; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = result.stdout.split()
    assert not others & {name.partition(".")[0] for name in loaded}
    ours = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("stages.")}
    assert ours <= folders | {f"stages.{stage}"}
