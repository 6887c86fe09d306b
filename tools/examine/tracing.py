"""One pass forward and back, watched."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from tools.examine import gradients
from tools.examine.operations import Watch
from tools.examine.trace import Trace


def traced(module: nn.Module, loss: Callable[[], Tensor], seed: int = 0) -> Trace:
    """Call the loss once, go back through it, and leave the gradients in the parameters."""
    begin(module, seed)
    with _unfused(module), Watch(module) as watch:
        outcome = scalar(loss())
    trace = watch.trace
    trace.idle -= watch.busy
    trace.loss = outcome.item()
    if outcome.requires_grad:
        handles = list(gradients.noted(module, outcome, trace.uses))
        outcome.backward()
        for handle in handles:
            handle.remove()
    return trace


def begin(module: nn.Module, seed: int) -> None:
    """Without gradients, and with a seed for what the loss draws."""
    for tensor in module.parameters():
        tensor.grad = None
    torch.manual_seed(seed)


@contextmanager
def _unfused(module: nn.Module) -> Iterator[None]:
    """Operations one by one: no compiled module, no fused attention or recurrent layer."""
    fused = torch._C._get_mkldnn_enabled()
    if any(isinstance(part, nn.RNNBase) for part in module.modules()):
        torch._C._set_mkldnn_enabled(False)
    try:
        with ExitStack() as stack:
            if "torch._dynamo" in sys.modules:
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            yield
    finally:
        torch._C._set_mkldnn_enabled(fused)


def scalar(loss: Any) -> Tensor:
    """The loss, if it is a single number; raises ValueError."""
    if not isinstance(loss, Tensor):
        raise ValueError(f"loss() returned {type(loss).__name__} instead of a tensor")
    if loss.numel() != 1:
        raise ValueError(f"loss() returned shape {list(loss.shape)} instead of a single number")
    return loss.reshape(())
