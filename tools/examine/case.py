"""What is judged, and what a judgement looks like."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tools.examine.equality import Equal
from tools.examine.names import counted, owner, percent, places, shown
from tools.examine.trial import STEPS, Trial
from tools.examine.words import WORDS

FAULT, HINT = "fault", "hint"
BLIND = 3e-3  # of the answers' size: how much they vary with the input after the trial
DIM = 1e-2  # the same, where something else shows that the input is lost
STALLED = 0.05  # of the loss at the start: how far it falls at least
UNLEARNED, HOPELESS = 0.5, 100  # times the loss of guessing


@dataclass(frozen=True)
class Finding:
    """Something that keeps a network from learning (a fault), or that is worth a look (a hint)."""

    kind: str
    severity: str
    where: str
    number: float
    words: str


@dataclass(frozen=True)
class Case:
    """What is judged.

    `equal` has how many of the equal slices stay equal, `never` the tensors that would have no
    gradient with any initialization, `resting` the share of a tensor's slices that never moved.
    """

    module: nn.Module
    initial: Mapping[str, Tensor]
    trial: Trial
    equal: list[tuple[Equal, int]]
    never: set[str]
    resting: Mapping[str, float]

    @property
    def blindness(self) -> float | None:
        """How much the answers vary with the input after the trial; None with one example."""
        after = self.trial.after
        if after.examples < 2:
            return None
        sizes = [(answer.varies, answer.spread) for answer in after.answers]
        sizes = sizes or [(use.signal, use.size) for use in after.uses if use.rows > 1][-1:]
        return max((v / size for v, size in sizes if 0 < size < math.inf), default=0.0)

    @property
    def is_blind(self) -> bool:
        return self.blindness is not None and self.blindness < BLIND

    @property
    def is_dim(self) -> bool:
        return self.blindness is not None and self.blindness < DIM

    @property
    def is_stalled(self) -> bool:
        """Whether the loss hardly falls in a whole trial."""
        return self.trial.steps >= STEPS // 2 and self.fallen < STALLED

    @property
    def unlearns(self) -> bool:
        """Whether the loss starts not too high, and falls far below that of guessing."""
        guesses = [answer.guess for answer in self.trial.before.answers]
        if not guesses or self.trial.losses[0] > HOPELESS * max(guesses):
            return False
        return self.trial.losses[-1] < UNLEARNED * min(guesses)

    @property
    def fallen(self) -> float:
        """The share of the loss that is gone after the trial."""
        start, end = self.trial.losses[0], self.trial.losses[-1]
        return (start - end) / abs(start) if start else 0.0

    @property
    def steps(self) -> str:
        return counted(self.trial.steps, "step")

    def share(self, names: Collection[str]) -> float:
        """How many of all trainable values these tensors hold."""
        total = sum(tensor.numel() for tensor in self.initial.values())
        return sum(self.initial[name].numel() for name in names) / max(total, 1)


def finding(
    key: str, severity: str, where: Collection[str] | str, number: float, **values: Any
) -> Finding:
    """With the words of a key, whose part before a slash is the kind."""
    place = where if isinstance(where, str) else places(map(owner, where))
    known = {"where": place, "number": shown(number), "share": percent(number)}
    known["upto"] = "All of" if number > 0.995 else f"Up to {percent(number)} of"
    known["count"] = counted(len(where), "tensor")
    words = " ".join(WORDS[key]).format_map(known | values)
    return Finding(key.partition("/")[0], severity, place, number, words)
