"""Networks other than the built-in fully connected one, in plain PyTorch.

A file `NAME.py` makes `NAME` a network for params.yaml. Its function `build` gets the shape of one
example, channels first (`(1, 28, 28)` for MNIST, `(1, 40)` for a sequence, `(n,)` for features),
and the number of classes; its other parameters are the arguments in params.yaml. It returns a
torch.nn.Module from a batch `[n, *shape]` to logits `[n, classes]`.

The names of submodules are those that initializations address. Parameters start as PyTorch's
modules fill them: a file fills only what its architecture defines. An error of the function becomes
one line for the user. Only the variants that use a file depend on it, and on the files that it
imports from this folder.
"""
