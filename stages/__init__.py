"""initlab's stages: check, download, train, sweep, evaluate and report."""

import os
import sys

# A .pth file can load NumPy before the pin, and Altair fails where PYTHONOPTIMIZE drops docstrings.
# `python -m …` then starts again without them: DVC may have deleted the outputs of this stage.
_before, _restarts = dict(os.environ), sys.argv[0] == "-m"
_early = {
    name: sys.modules.pop(name) for name in {"numpy", "torch"} & set(sys.modules) if _restarts
}

import stages.training  # noqa: E402, F401  pins the arithmetic before any stage loads torch

sys.modules.update(_early)
if _restarts and (os.environ.pop("PYTHONOPTIMIZE", "") or (_early and os.environ != _before)):
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
