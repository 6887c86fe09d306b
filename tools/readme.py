"""Writes the measured part of README.md from the results and tools/readme.md; `make readme`."""

from pathlib import Path
from typing import Any

from stages import report, running, writing
from stages.analysis.claims import named
from stages.analysis.claims.form import Scope, Verdict
from stages.analysis.judging import Judgement
from stages.analysis.outcomes import Outcome
from stages.analysis.report import Report
from stages.rendering import claim_tables, claims, style
from stages.rendering.environment import environment

README = Path("README.md")
TEMPLATE = Path(__file__).with_suffix(".md")
# What decides a verdict, where it is not its own kind of part.
DECISIVE = {Verdict.IN_PART: Verdict.FAILS, Verdict.UNDERSTATED: Verdict.MORE}
START, END = "<!-- measured: make readme -->\n", "<!-- /measured -->\n"


def main() -> None:
    writing.replace({README: renewed()})


def renewed() -> str:
    """README.md with the current results; a README without a place for them stays as it is."""
    text = README.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    after = rest.partition(END)[2]
    return before + START + measured(report.read()) + END + after if start else text


def measured(made: Report) -> str:
    """The part of README.md that is made from the results."""
    study, rows = made.study, claims.rows(made)
    lecture = {key: named.SETTING.values[key] for key in ("hidden", "activation", "crop")}
    own = [v for v in study.variants.values() if lecture.items() <= v.plan.items()]
    others = [len(v.layers) - 1 for v in study.variants.values() if v not in own]
    environment_ = environment(autoescape=False)
    template = environment_.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        decisive={one.claim.id: decisive(one, made) for one in made.judgements},
        sets=claim_tables.by_source(rows), counts=claim_tables.counts(rows),
        seeds=study.repetitions(), variants=len(study.variants), others=others,
        sgd=sum(v.plan["optimizer"] == "sgd" for v in own),
        data=style.data_set(study.data["name"]),
        findings=made.findings, leads=leads(made.findings), pictures=[m.figure for m in made.maps],
        sentences=environment_.get_template("findings.jinja").module,
    )  # fmt: skip


def decisive(judgement: Judgement, report: Report) -> str:
    """The clauses that make the verdict; the first if it holds in part, the last if it holds."""
    if judgement.missing:
        return claims.missing(judgement)
    shown = claims.clauses(judgement, report)
    sign = style.SIGNS[DECISIVE.get(judgement.verdict, judgement.verdict).value]
    decide = [clause for clause in shown if clause[0] == sign]
    if judgement.verdict is Verdict.IN_PART and decide[1:]:
        decide = [decide[0], f"{len(decide) - 1} more"]
    if judgement.verdict is Verdict.HOLDS:
        half = any(part.scope is Scope.HALF for part in judgement.claim.parts)
        decide = shown if half else shown[-1:]
    return f"{'; '.join(decide)}."


def leads(findings: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """What is surprising in findings, by the name of the finding; nothing that they do not show."""
    schemes = findings.get("depth", {}).get("schemes", {}).values()
    one_stuck = any(scheme["row"].outcome is Outcome.STUCK for scheme in schemes)
    shallower, deeper = findings.get("trainable", {}).get("shares", (0, 1))
    predicted = "which networks learn" if deeper <= 0.1 else "for most networks whether they learn"
    millionth = findings.get("little_noise", {}).get("noise") == 1e-6
    found = {
        "zero_layer": "Zeroing fc1 alone does as much harm as zeroing all weights and biases.",
        "little_noise": f"{'Noise of one millionth' if millionth else 'A little noise'} is enough.",
        "optimizer": "What is enough for Adam is not enough for SGD.",
        "depth": one_stuck and "Random weights alone are not enough; their size decides.",
        "trainable": shallower >= 0.9 and deeper <= 0.25 and f"Theory predicts {predicted}.",
    }
    return [(name, lead) for name, lead in found.items() if lead and name in findings]


if __name__ == "__main__":
    running.run(main)
