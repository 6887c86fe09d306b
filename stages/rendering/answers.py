"""Answers to questions that people ask, with the numbers of this study.

answers.yaml has the questions. An answer is a Jinja template over the functions of `Numbers`, whose
numbers link to their row. It is shown where its condition holds, an expression over the same
functions: so no sentence contradicts the numbers beside it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from stages.analysis.report import Report
from stages.analysis.statistics import Estimate, Values, t_interval
from stages.rendering import style
from stages.rendering.answer_tables import DIGITS, Missing, accuracy, share, size
from stages.rendering.environment import TEMPLATES

# From the place of a number, like `residual/he` or `baseline`, to its URL.
Link = Callable[[str], str]
SWEEP = re.compile(r"\"(\w+)(?:/|\", \d)")  # in `"plain/he/sgd"` and `"width_mup", 64`


@dataclass(frozen=True)
class Answer:
    """A question with its source, and its answer in Markdown: None where the study lacks it.

    `limit`: why initlab cannot answer it. `sweeps` are those that measured it.
    """

    source: str
    url: str
    question: str
    topic: str
    text: str | None
    limit: str
    sweeps: list[str]

    @property
    def anchor(self) -> str:
        """The name of its place on the page, like `microsoft-lora-98`."""
        return re.sub(r"\W+", "-", self.source).lower()


@dataclass(frozen=True)
class Numbers:
    """What answers can show, and ask of, each by the name of a cell or of a variant."""

    report: Report
    link: Link

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions by name."""
        names = (
            "acc", "main", "gap", "start", "still", "guess", "verdict", "low", "high",
            "mean", "learns", "spread", "best", "loss",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    # --------------------------------------------------------------------- shown, with a link

    def acc(self, cell: str) -> str:
        """The accuracy at the end, or how many seeds learn where they disagree."""
        return self._linked(cell, accuracy(self.report, cell))

    def gap(self, cell: str, other: str) -> str:
        """The difference of two accuracies, paired by seed: like `12.3 points (10.1 to 14.5)`."""
        mean, low, high = self._interval(cell, other)
        words = style.minus(f"{100 * mean:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})")
        return self._linked(cell, words)

    def start(self, cell: str) -> str:
        """The mean loss before training."""
        return self._linked(cell, size(self._values(cell, "start_loss").mean()))

    def loss(self, cell: str) -> str:
        """The mean training loss at the end."""
        return self._linked(cell, size(self._values(cell, "train_loss").mean()))

    def still(self, cell: str) -> str:
        """The share of tensors that never changed."""
        return self._linked(cell, share(self._values(cell, "still").mean()))

    def guess(self, cell: str) -> str:
        """The share of examples that an untrained network gives its favourite class."""
        return self._linked(cell, share(self._values(cell, "largest_guess").mean()))

    def spread(self, cell: str) -> str:
        """The lowest and the highest accuracy of a seed, like `15.8 to 30.5 %`."""
        values = self._values(cell, "test_acc")
        return self._linked(
            cell, f"{style.decimals(100 * values.min(), DIGITS)} to {share(values.max())}"
        )

    def main(self, variant: str) -> str:
        """The accuracy of a variant of params.yaml, on MNIST."""
        row = self.report.rows.get(variant)
        if row is None:
            raise Missing(variant)
        words = style.accuracy(style.of_row(row, "test_acc"))
        return self._linked(variant, words if row.outcome.has_mean else style.outcome(row))

    def best(self, sweep: str, width: int) -> str:
        """The learning rate with the lowest mean loss at a width."""
        one = next((m for m in self.report.asked if m.name == sweep), None)
        if one is None or width not in one.y.values:
            raise Missing(sweep)
        rows = one.rows[one.rows["y"] == width]
        losses = rows.groupby("x")["train_loss"].mean()
        return self._linked(f"{sweep}/{width}/", f"{losses.idxmin():.3g}")

    # ------------------------------------------------------------------------------ asked

    def mean(self, cell: str, column: str = "test_acc") -> float:
        """The mean of a column over seeds."""
        return float(self._values(cell, column).mean())

    def low(self, cell: str, other: str = "") -> float:
        """The lower end of the interval of an accuracy, or of its difference to another."""
        return self._interval(cell, other).low

    def high(self, cell: str, other: str = "") -> float:
        """The upper end."""
        return self._interval(cell, other).high

    def learns(self, cell: str) -> float:
        """The share of the seeds that learn."""
        self._values(cell, "test_acc")
        return float(self.report.cells.ended(cell, "learns").mean())

    def verdict(self, claim: str) -> str:
        """The verdict on a claim."""
        found = {one.claim.id: one.verdict.value for one in self.report.judgements}
        return found.get(claim, "not tested")

    # ------------------------------------------------------------------------------ inside

    def _interval(self, cell: str, other: str) -> Estimate:
        """Of an accuracy, or of its difference to another, over the seeds that both have."""
        both = [self._values(name, "test_acc") for name in (cell, other) if name]
        shared = min(map(len, both))
        own, *others = (values[:shared] for values in both)
        return t_interval(own - others[0] if others else own)

    def _values(self, cell: str, column: str) -> Values:
        """Of a cell, or of a variant of params.yaml, of which there are accuracies alone."""
        if "/" not in cell:
            if cell not in self.report.study.variants:
                raise Missing(cell)
            return self.report.results.accuracy(cell)
        if cell not in self.report.cells.trained:
            raise Missing(cell)
        return self.report.cells.values(cell, column)

    def _linked(self, cell: str, words: str) -> str:
        return f"[{words}]({self.link(cell.rpartition('/')[0] or cell)})"


def of(report: Report, link: Link) -> list[Answer]:
    """Every question with its answer, in the order of the file."""
    written = yaml.safe_load((TEMPLATES / "answers.yaml").read_text(encoding="utf-8"))
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701  Markdown
    environment.globals |= Numbers(report, link).functions()
    return [
        Answer(
            source=one["source"], url=one.get("url") or address(one["source"]),
            question=one["question"], topic=topic,
            text=answered(environment, one), limit=one.get("limit", ""),
            sweeps=sorted(set(SWEEP.findall(one.get("answer", "")))),
        )
        for topic, entries in written.items()
        for one in entries
    ]  # fmt: skip


def answered(environment: Environment, one: dict[str, Any]) -> str | None:
    """The answer, if its condition holds and the study has its networks."""
    try:
        if not environment.compile_expression(one.get("if", "true"))():
            return None
        words = environment.from_string(one.get("answer", "")).render()
        return " ".join(words.split()) or None
    except Missing:
        return None


def address(source: str) -> str:
    """The address of an issue or a pull request of GitHub, or of a page."""
    if found := re.fullmatch(r"(\S+/\S+?)(#| PR )(\d+)", source):
        kind = "pull" if found[2] == " PR " else "issues"
        return f"https://github.com/{found[1]}/{kind}/{found[3]}"
    return f"https://{source}"
