"""Examines a network of anybody: does its initialization let it learn?"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from tools.examine import report
from tools.examine.examination import ExaminationError, examined

__all__ = ["ExaminationError", "examine"]


class Data(dict[str, Any]):
    """The report as values of JSON, which a notebook shows as a page."""

    html = ""

    def _repr_html_(self) -> str:
        return self.html


def examine(module: nn.Module, loss: Callable[[], Tensor]) -> Data:
    """Examine a module before and in the first steps of training, and leave it as it was.

    `loss` computes the loss of the module on a batch. Gives the same as `--json` of the command:
    `verdict`, `findings` with the worst first, `layers`, `losses` and `not_judged`. Parameters,
    buffers, gradients, modes, hooks and random generators are the same afterwards. Raises
    ExaminationError if the module cannot be examined.
    """
    found = examined(module, loss)
    data = Data(found.as_json())
    data.html = report.page(type(module).__name__, found)
    return data
