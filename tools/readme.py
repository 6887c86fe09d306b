"""Writes the measured part of README.md from the results and tools/readme.md; `make readme`."""

from pathlib import Path

from stages import report, running, writing
from stages.rendering import claim_tables, claims
from stages.rendering.environment import environment

README = Path("README.md")
TEMPLATE = Path(__file__).with_suffix(".md")
START, END = "<!-- measured: make readme -->\n", "<!-- /measured -->\n"


def main() -> None:
    writing.replace({README: renewed()})


def renewed() -> str:
    """README.md with the current results; a README without a place for them stays as it is."""
    text = README.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    after = rest.partition(END)[2]
    return before + START + measured() + END + after if start else text


def measured() -> str:
    """The part of README.md that is made from the results."""
    made = report.read()
    study, rows = made.study, claims.rows(made)
    same = [v for v in study.variants.values() if study.network.items() <= v.plan.items()]
    environment_ = environment(autoescape=False)
    template = environment_.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        sets=claim_tables.by_source(rows), counts=claim_tables.counts(rows), seeds=study.seeds,
        variants=len(study.variants), same=len(same), findings=made.findings,
        deepest=max(len(v.hidden) for v in study.variants.values()),
        sentences=environment_.get_template("findings.jinja").module,
    )  # fmt: skip


if __name__ == "__main__":
    running.run(main)
