"""Initializers that torch.nn.init lacks, or whose bits there differ between processors.

A file `NAME.py` makes `NAME` an initializer for params.yaml. Its function `fill` gets the tensor
and fills it in place, `[fan_out, fan_in]` for a weight and `[fan_out]` for a bias; its other
parameters are the arguments in params.yaml. It gets two parameters without being asked for, if it
has them:

- `draws`: the random numbers of the seed for this tensor, the same on every processor
  (stages/training/seeds.py); or `generator`, torch's, with others;
- `inputs` `[rows, fan_in]`: the inputs of its layer, for the first training images; all layers
  below are already filled.

For the same bits on every processor use `draws`, the functions of stages/training/mlp/functions.py
and the four operations, and not torch.linalg, exp and the like. An error of the function becomes
one line for the user. Only the variants that use a file depend on it, and on the files that it
imports from this folder.
"""
