"""What is seen of a network in one pass."""

import math
from dataclasses import dataclass, field


@dataclass
class Use:
    """A product with parameters: a layer, by the names of its tensors.

    `signal` is the standard deviation over examples of what comes out, as a root mean square over
    units; `size` the root mean square of all values; `delta` the norm of the loss's gradient there;
    `given` the size of an input of the network that entered here, without its zeros.
    """

    parameters: tuple[str, ...]
    signal: float
    size: float
    channels: int
    rows: int
    given: float | None
    delta: float | None = None
    normalized: bool = False  # directly afterwards


@dataclass
class Activation:
    """Outputs of an activation: the share of its units that are dead, or of saturated values."""

    kind: str
    after: str
    share: float
    zeros: bool = False  # everything that went in was 0


@dataclass
class Answer:
    """What a known loss is computed from.

    `spread` is the standard deviation within an example (of squares: the size), `varies` that over
    examples, `guess` the loss of an answer that does not look at the input.
    """

    kind: str
    columns: int
    spread: float
    varies: float
    size: float
    last: Use | None  # that made it
    loss: float = math.nan
    labels: bool = False  # of classes, seen
    guess: float = math.nan
    target: float = math.nan


@dataclass
class Trace:
    """What was seen in a pass."""

    loss: float = math.nan
    uses: list[Use] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)  # operations that could not be watched
    idle: set[str] = field(default_factory=set)  # met by nothing but zeros
    not_finite: str | None = None
    examples: int = 0

    @property
    def chain(self) -> list[Use]:
        """Every layer's first product, in the order of computation."""
        first: dict[tuple[str, ...], Use] = {}
        for use in self.uses:
            first.setdefault(use.parameters, use)
        return list(first.values())
