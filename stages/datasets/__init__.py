"""Data sets other than MNIST and its relatives.

A file `NAME.py` with a function `load` makes `NAME` a data set for params.yaml: see
CONTRIBUTING.md, “A data set”.
"""
