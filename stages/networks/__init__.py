"""Networks: a file each, with a function `build(shape, classes, …) -> torch.nn.Module`.

A file `NAME.py` makes `NAME` a network for params.yaml. `shape` is that of an example, channels
first, like (1, 28, 28); the module gets examples `[n, *shape]` and returns logits `[n, classes]`.
The other parameters of `build` are the arguments in params.yaml. Only the variants that use a file
depend on it, and on the files that it imports from this folder.
"""
