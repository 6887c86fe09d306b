"""The note that follows the lecture section by section, with what was measured.

It is Markdown as Obsidian reads it: front matter first, links to other notes in brackets.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from stages.analysis import initializations, outcomes, series
from stages.analysis.claims import named
from stages.analysis.claims.form import Verdict
from stages.analysis.initializations import Setting
from stages.analysis.report import Report
from stages.analysis.statistics import CONFIDENCE
from stages.analysis.study import Study
from stages.rendering import style
from stages.rendering.claim_tables import by_source
from stages.rendering.environment import environment

# Links to notes of their own, where the concept has a usual name.
ACTIVATIONS = {"relu": "[[ReLU]]", "leaky_relu": "[[ReLU|leaky ReLU]]"}
OPTIMIZERS = style.OPTIMIZERS | {"adam": "[[Adam]]", "sgd": "[[Stochastic gradient descent]]"}

# The lecture's initializations, by the sections about them.
SECTIONS = {
    "baseline": named.DEFAULT, "zero_fc1": named.FC1_ZERO, "all_zero": named.ZEROS,
    "all_ones": named.ONES,
}  # fmt: skip


def text(report: Report, claims: list[dict]) -> str:
    """The note as Markdown; `claims` are the rows of rendering.claims."""
    study, rows = report.study, report.rows
    setting = own_setting(study)
    found = {
        key: name
        for key, one in SECTIONS.items()
        for name in initializations.find(report.results.plans, replace(one, setting=setting))[:1]
    }
    sets = by_source(claims)
    environment_ = environment(autoescape=False)
    environment_.filters["tally"] = tally
    rendered = environment_.get_template("note.md").render(
        study=study, findings=report.findings, rows=rows, found=found, sections=SECTIONS,
        data=style.data_set(study.data["name"]),
        activation=ACTIVATIONS.get(study.network["activation"], study.network["activation"]),
        optimizer=OPTIMIZERS[study.training["optimizer"]],
        departures=named.SETTING.departures(setting.values),
        confidence=f"{100 * CONFIDENCE:g} %",
        learned_above=report.results.learned_above,
        partly=f"{100 * outcomes.PARTLY:g}",
        first_group=[rows[name] for name in study.first_group()[: len(style.PALETTE)]],
        group_size=len(study.first_group()),
        zeros=[rows[name] for name in zeros_elsewhere(study, found.values())],
        noisy=[rows[name] for _, _, name in series.noise(study)],
        deeper=[
            rows[v.name]
            for v in study.variants.values()
            if len(v.plan["hidden"]) > len(study.network["hidden"])
        ],
        sets=sets, claims={row["id"]: row for row in claims},
        takeaways=[row for row in sets["lecture"] if _is_takeaway(row)],
        untested=Verdict.UNTESTED.value,
    )  # fmt: skip
    # Parts that a study does not have leave their empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"


def own_setting(study: Study) -> Setting:
    """The network and training that most of a study's variants share."""
    shared = {"network": "mlp", "data": study.data["name"], "limit": study.data["limit"]}
    return Setting("this study's network and training", study.network | study.training | shared)


def zeros_elsewhere(study: Study, sections: Iterable[str]) -> list[str]:
    """Variants of the study's own layers with zero weights in some layer, beyond the sections'."""
    return [
        name
        for name in study.same_layers()
        if initializations.ZERO in initializations.laws(study.variants[name].plan, "weight")
        and name not in sections
    ]


def tally(words: Iterable[str]) -> str:
    """How often each word occurs, the most common first."""
    return ", ".join(f"{count} × *{word}*" for word, count in Counter(words).most_common())


def _is_takeaway(row: dict) -> bool:
    """Whether it was tested, and is one of the lecture's key takeaways or a claim that fails."""
    if row["verdict"] == Verdict.UNTESTED.value:
        return False
    return "1" in row["place"].split(", ") or row["verdict"] == Verdict.FAILS.value
