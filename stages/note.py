"""The note that follows the lecture section by section, with what was measured.

It is Markdown as Obsidian reads it: front matter first, links to other notes in brackets.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import jinja2
import pandas as pd

from stages import claims, rules, summary
from stages.measured import STUCK
from stages.params import Params
from stages.reasons import noise_levels
from stages.sentences import NAMES, differs
from stages.statistics import CONFIDENCE
from stages.words import counted

TEMPLATES = Path(__file__).parent / "templates"

# Links to notes of their own; a sigmoid and the others have none that everybody would name so.
ACTIVATIONS = {"relu": "[[ReLU]]", "leaky_relu": "[[ReLU|leaky ReLU]]"}
OPTIMIZERS = {"adam": "[[Adam]]", "sgd": "[[Stochastic gradient descent]]"}

# Zeros in another place than the lecture's, or below another activation.
ZEROS = ("zero_fc2", "zero_out", "tanh_zero_fc1", "zero_weights")

# What Markdown or Obsidian would read as markup: `_`, `%` and `=` only where they can be.
MARKUP = re.compile(r"[\\`*\[\]<>|$&#~]|(?<!\w)_|_(?!\w)|%(?=%)|=(?==)")


def text(settings: Params, table: pd.DataFrame, audit: list[dict]) -> str:
    """The note as Markdown.

    `table` is what summary.comparison gives, `audit` what claims.audit gives.
    """
    template = _environment().get_template("note.md")
    rendered = template.render(_study(settings) | _results(settings, table) | _verdicts(audit))
    # Parts that a study does not have leave their empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"


def plain(words: str) -> str:
    """Text on one line that shows as it is, whatever markup it resembles."""
    one_line = " ".join(words.split())
    # Unlike a backslash, a character reference is safe in a table's cell, too.
    return MARKUP.sub(lambda match: f"&#{ord(match[0])};", one_line)


def result(row: tuple) -> str:
    """A variant's row in words: accuracy, difference to the baseline, and outcome."""
    if summary.splits(row.outcome):
        return f"the seeds part ways: *{row.outcome}*"
    if not _has_mean(row):
        return f"*{row.outcome}*"
    words = accuracy(row)
    if not math.isnan(row.diff_mean):
        mean, *interval = difference(row).split(" ", 1)
        words += f", {' '.join([mean, 'points', *interval])} from the baseline"
    return f"{words}; *{row.outcome}*"


def accuracy(row: tuple) -> str:
    """The mean test accuracy in per cent with its interval, if there is one."""
    if not _has_mean(row):
        return "–"
    words = f"{100 * row.test_acc_mean:.2f} %"
    if not math.isnan(row.test_acc_low):
        words += f" ({100 * row.test_acc_low:.2f} to {100 * row.test_acc_high:.2f} %)"
    return words.replace("-", "−")


def difference(row: tuple) -> str:
    """The difference to the baseline in points with its interval, if there is one."""
    if not _has_mean(row) or math.isnan(row.diff_mean):
        return "–"
    words = f"{100 * row.diff_mean:+.2f}"
    if not math.isnan(row.diff_low):
        words += f" ({100 * row.diff_low:+.2f} to {100 * row.diff_high:+.2f})"
    return words.replace("-", "−")


def tally(words: Iterable[str]) -> str:
    """How often each word occurs, the commonest first; outcomes that part ways as one."""
    merged = ("the seeds part ways" if summary.splits(word) else word for word in words)
    return ", ".join(f"{count} × *{word}*" for word, count in Counter(merged).most_common())


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "plain": plain,
        "result": result,
        "accuracy": accuracy,
        "difference": difference,
        "tally": tally,
        "counted": counted,
    }
    return environment


def _has_mean(row: tuple) -> bool:
    """Whether one number describes all seeds: not where they part ways, nor where all diverge."""
    return not summary.splits(row.outcome) and row.outcome != "diverges"


def _study(settings: Params) -> dict:
    """What was run, and what its words mean."""
    activation = settings.network.activation
    return {
        "settings": settings,
        "data": NAMES[settings.data.name],
        "activation": ACTIVATIONS.get(activation, activation),
        "optimizer": OPTIMIZERS[settings.training.optimizer],
        "departures": claims.departures(settings),
        "own": [variant for variant in settings.variants if differs(settings, variant)],
        "confidence": f"{100 * CONFIDENCE:g} %",
        "stuck": f"{100 * STUCK:g}",
        "partly": f"{100 * summary.PARTLY:g}",
    }


def _results(settings: Params, table: pd.DataFrame) -> dict:
    """The rows of all variants by name, and those that are shown together."""
    rows = {row.variant: row for row in table.itertuples()}
    group = settings.group_of(next(iter(settings.variants)))
    levels = noise_levels(settings).values()
    return {
        "rows": rows,
        "first_group": [row for row in rows.values() if row.group == group],
        "zeros": [rows[variant] for variant in ZEROS if variant in rows],
        "noisy": [rows[variant] for level in levels for _, variant in level],
        "deeper": [row for row in rows.values() if _deeper(row.variant, settings)],
    }


def _verdicts(audit: list[dict]) -> dict:
    """The claims in order and by id, and those to take away."""
    tested = [row for row in audit if row["verdict"] != rules.UNTESTED]
    return {
        "audit": audit,
        "claims": {row["id"]: row for row in audit},
        "takeaways": [row for row in tested if _is_takeaway(row)],
        "untested": rules.UNTESTED,
    }


def _deeper(variant: str, settings: Params) -> bool:
    return len(settings.network_of(variant).hidden) > len(settings.network.hidden)


def _is_takeaway(row: dict) -> bool:
    """Whether it is one of the lecture's own key takeaways, or a claim to unlearn."""
    return "1" in row["section"].split(", ") or row["verdict"] == rules.FAILS
