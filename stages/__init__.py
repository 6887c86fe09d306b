"""initlab's stages: check, download, train, sweep, evaluate and report."""

import stages.training  # noqa: F401  pins the arithmetic before any stage loads torch
