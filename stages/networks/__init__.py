"""Networks other than the built-in fully connected one, in plain PyTorch.

A file `NAME.py` with a function `build` makes `NAME` a network for params.yaml: see
CONTRIBUTING.md, “A network”. The folder `shared` has the parts that several of them use.
"""
