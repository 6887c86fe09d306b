"""Found in place of this package by `python stages/check.py`, which looks beside the script."""

raise SystemExit("a stage is a module: run `dvc repro`, or here python -m stages.NAME")
