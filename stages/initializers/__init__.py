"""Initializers that torch.nn.init lacks, or whose bits there differ between processors.

A file `NAME.py` with a function `fill` makes `NAME` an initializer for params.yaml: see
CONTRIBUTING.md, “An initializer”.
"""
