"""Constants for equal parts of a tensor."""

from collections.abc import Sequence

from torch import Tensor


def fill(tensor: Tensor, values: Sequence[float]) -> None:
    """Splits the rows into as many equal parts as there are values, and fills each with its value.

    With [0, 1, 0, 0], biases of an LSTM are 1 at the forget gate (Jozefowicz et al. 2015, An
    empirical exploration of recurrent network architectures); PyTorch's LSTM adds two biases.
    Raises ValueError if the parts do not divide the rows.
    """
    if not values or len(tensor) % len(values):
        raise ValueError(f"values = {list(values)}: their number must divide {len(tensor)}")
    for part, value in zip(tensor.chunk(len(values)), values, strict=True):
        part.fill_(value)
