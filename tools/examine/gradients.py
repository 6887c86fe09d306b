"""The gradient at the output of every product with parameters, by walking autograd's graph."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from tools.examine.operations import PRODUCTS
from tools.examine.trace import Use

# Their indices are data, which is no node of the graph.
CHOOSING = {"embeddingbackward0", "indexbackward0", "indexselectbackward0", "gatherbackward0"}
NODES = {name.strip("_").replace("_", "") + "backward0" for name in PRODUCTS}


def noted(module: nn.Module, loss: Tensor, uses: list[Use]) -> Iterator[Any]:
    """Note at every use the norm of the gradient at its output, while the loss goes back."""
    trained = {id(t): name for name, t in module.named_parameters() if t.requires_grad}
    waiting: dict[frozenset[str], list[Use]] = defaultdict(list)
    names_of_trained = frozenset(trained.values())
    for use in uses:
        waiting[names_of_trained.intersection(use.parameters)].append(use)
    nodes = sorted(_products(loss.grad_fn, trained), key=lambda found: found[0]._sequence_nr())
    for node, names in nodes:
        if waiting[names]:
            yield node.register_prehook(_noting(waiting[names].pop(0)))


def _noting(use: Use) -> Callable[[Any], None]:
    def note(gradients: Any) -> None:
        if gradients[0] is not None:
            use.delta = math.sqrt(gradients[0].detach().abs().float().square().sum().item())

    return note


def _products(root: Any, trained: dict[int, str]) -> list[tuple[Any, frozenset[str]]]:
    """The nodes of products with parameters, and the names of these."""
    pure: dict[Any, frozenset[str] | None] = {}  # of nodes that parameters alone lead to
    found = []
    stack = [root]
    while stack:
        node = stack[-1]
        below = [one for one, _ in node.next_functions]
        waiting = [one for one in below if one is not None and one not in pure]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if node in pure:
            continue
        if hasattr(node, "variable"):
            name = trained.get(id(node.variable))
            pure[node] = None if name is None else frozenset([name])
            continue
        known = [pure[one] if one is not None else None for one in below]
        names = frozenset().union(*(one for one in known if one))
        alone = bool(known) and all(one is not None for one in known)
        pure[node] = names if alone and node.name().lower() not in CHOOSING else None
        if pure[node] is None and names and node.name().lower() in NODES:
            found.append((node, names))
    return found
