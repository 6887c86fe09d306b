"""Initializers that torch.nn.init does not have, or not the same everywhere, a file each.

A file `NAME.py` makes `NAME` an initializer for params.yaml. Its function `fill` takes
the tensor and fills it in place, `[fan_out, fan_in]` for a weight and `[fan_out]` for a
bias; its other parameters are the arguments in params.yaml. Two parameters are given
instead of asked for, where the function has them:

- `generator`: the seed's random numbers for this tensor;
- `inputs` `[rows, fan_in]`: what the layer receives from the layers before it, already
  filled, for the first training images.

Where the bits have to be the same on every processor, stages/training/arithmetic.py tells what to
use: not torch.linalg, for one. A ValueError of the function reaches the reader as one line. Only
the variants that use a file depend on it, and on what it imports from this folder.
"""
