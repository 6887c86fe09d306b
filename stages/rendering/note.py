"""The note that follows the lecture section by section, with what was measured.

It is Markdown as Obsidian reads it: front matter first, links to other notes in brackets.
"""

import re
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from stages.analysis import claims, outcomes
from stages.analysis.findings import Verdict
from stages.analysis.results import STUCK
from stages.analysis.statistics import CONFIDENCE
from stages.analysis.study import Study
from stages.rendering import style
from stages.rendering.environment import environment

# Links to notes of their own; a sigmoid and the others have none that everybody would name so.
ACTIVATIONS = {"relu": "[[ReLU]]", "leaky_relu": "[[ReLU|leaky ReLU]]"}
OPTIMIZERS = {"adam": "[[Adam]]", "sgd": "[[Stochastic gradient descent]]"}

# Zeros in another place than the lecture's, or below another activation.
ZEROS = ("zero_fc2", "zero_out", "tanh_zero_fc1", "zero_weights")

# What Markdown or Obsidian would read as markup: `_`, `%` and `=` only where they can be.
MARKUP = re.compile(r"[\\`*\[\]<>|$&#~]|(?<!\w)_|_(?!\w)|%(?=%)|=(?==)")


def text(study: Study, table: pd.DataFrame, audit: list[dict]) -> str:
    """The note as Markdown.

    `table` is what outcomes.comparison gives, `audit` what rendering.claims.rows gives.
    """
    environment_ = environment(autoescape=False)
    environment_.filters |= {"plain": plain, "tally": tally}
    rows = {row.variant: row for row in table.itertuples()}
    rendered = environment_.get_template("note.md").render(
        study=study,
        data=style.DATA_SETS[study.data["name"]],
        activation=ACTIVATIONS.get(study.network["activation"], study.network["activation"]),
        optimizer=OPTIMIZERS[study.training["optimizer"]],
        departures=claims.departures(study),
        confidence=f"{100 * CONFIDENCE:g} %",
        stuck=f"{100 * STUCK:g}",
        partly=f"{100 * outcomes.PARTLY:g}",
        rows=rows,
        first_group=[rows[name] for name in study.first_group()],
        zeros=[rows[name] for name in ZEROS if name in rows],
        noisy=[rows[name] for _, _, name in study.noise()],
        deeper=[
            rows[v.name]
            for v in study.variants.values()
            if len(v.hidden) > len(study.network["hidden"])
        ],
        audit=audit,
        claims={row["id"]: row for row in audit},
        takeaways=[row for row in audit if _is_takeaway(row)],
        untested=Verdict.UNTESTED.value,
    )
    # Parts that a study does not have leave their empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"


def plain(words: str) -> str:
    """Text on one line that shows as it is, whatever markup it resembles."""
    one_line = " ".join(words.split())
    # Unlike a backslash, a character reference is safe in a table's cell, too.
    return MARKUP.sub(lambda match: f"&#{ord(match[0])};", one_line)


def tally(words: Iterable[str]) -> str:
    """How often each word occurs, the commonest first."""
    return ", ".join(f"{count} × *{word}*" for word, count in Counter(words).most_common())


def _is_takeaway(row: dict) -> bool:
    """Whether it was tested, and is one of the lecture's key takeaways or a claim to unlearn."""
    if row["verdict"] == Verdict.UNTESTED.value:
        return False
    return "1" in row["section"].split(", ") or row["verdict"] == Verdict.FAILS.value
