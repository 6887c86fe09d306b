"""The note that follows the lecture section by section, with what was measured.

It is Markdown as Obsidian reads it: front matter first, links to other notes in brackets.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from stages.analysis import claims, outcomes, starts
from stages.analysis.judging import Verdict
from stages.analysis.results import Results
from stages.analysis.starts import Setting
from stages.analysis.statistics import CONFIDENCE
from stages.analysis.study import Study
from stages.rendering import claims as told
from stages.rendering import style
from stages.rendering.environment import environment

# Links to notes of their own; a sigmoid and the others have none that everybody would name so.
ACTIVATIONS = {"relu": "[[ReLU]]", "leaky_relu": "[[ReLU|leaky ReLU]]"}
OPTIMIZERS = {"adam": "[[Adam]]", "sgd": "[[Stochastic gradient descent]]"}

# The lecture's starts, which its sections are about.
SECTIONS = {
    "baseline": claims.DEFAULT, "zero_fc1": claims.FC1_ZERO, "all_zero": claims.ZEROS,
    "all_ones": claims.ONES,
}  # fmt: skip


def text(study: Study, results: Results, table: pd.DataFrame, audit: list[dict]) -> str:
    """The note as Markdown.

    `table` is what outcomes.comparison gives, `audit` what rendering.claims.rows gives.
    """
    setting = own_setting(study)
    found = {
        key: name
        for key, start in SECTIONS.items()
        for name in starts.find(study, replace(start, setting=setting))[:1]
    }
    lecture, literature, own = told.by_source(audit).values()
    environment_ = environment(autoescape=False)
    environment_.filters["tally"] = tally
    rows = {row.variant: row for row in table.itertuples()}
    rendered = environment_.get_template("note.md").render(
        study=study,
        data=style.DATA_SETS[study.data["name"]],
        activation=ACTIVATIONS.get(study.network["activation"], study.network["activation"]),
        optimizer=OPTIMIZERS[study.training["optimizer"]],
        departures=claims.SETTING.departures(setting.values),
        confidence=f"{100 * CONFIDENCE:g} %",
        learned_above=results.learned_above,
        partly=f"{100 * outcomes.PARTLY:g}",
        rows=rows,
        first_group=[rows[name] for name in study.first_group()[: len(style.PALETTE)]],
        group_size=len(study.first_group()),
        found=found,
        sections=SECTIONS,
        zeros=[rows[name] for name in zeros_elsewhere(study, found.values())],
        noisy=[rows[name] for _, _, name in starts.noise(study)],
        deeper=[
            rows[v.name]
            for v in study.variants.values()
            if len(v.hidden) > len(study.network["hidden"])
        ],
        lecture=lecture,
        literature=literature,
        own=own,
        claims={row["id"]: row for row in audit},
        takeaways=[row for row in lecture if _is_takeaway(row)],
        untested=Verdict.UNTESTED.value,
    )
    # Parts that a study does not have leave their empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"


def own_setting(study: Study) -> Setting:
    """What most of a study's variants share."""
    shared = {"data": study.data["name"], "limit": study.data["limit"]}
    return Setting("this study's network and training", study.network | study.training | shared)


def zeros_elsewhere(study: Study, sections: Iterable[str]) -> list[str]:
    """Variants with zero weights in some layers, of the same layers, in none of the sections."""
    return [
        name
        for name in study.same_layers()
        if starts.ZERO in starts.laws(study.variants[name].plan, "weight") and name not in sections
    ]


def tally(words: Iterable[str]) -> str:
    """How often each word occurs, the commonest first."""
    return ", ".join(f"{count} × *{word}*" for word, count in Counter(words).most_common())


def _is_takeaway(row: dict) -> bool:
    """Whether it was tested, and is one of the lecture's key takeaways or a claim to unlearn."""
    if row["verdict"] == Verdict.UNTESTED.value:
        return False
    return "1" in row["place"].split(", ") or row["verdict"] == Verdict.FAILS.value
