"""All claims together: by source and verdict, and as Markdown."""

from stages.analysis.claims.form import Verdict
from stages.analysis.claims.lecture import SOURCE
from stages.analysis.claims.study import OWN
from stages.rendering.environment import environment


def counts(rows: list[dict]) -> dict[str, dict[str, int]]:
    """How many claims have which verdict, by source."""
    return {
        key: {
            verdict.name.lower(): sum(row["verdict"] == verdict.value for row in own)
            for verdict in Verdict
            if verdict is not Verdict.MORE  # of parts alone
        }
        for key, own in by_source(rows).items()
    }


def by_source(rows: list[dict]) -> dict[str, list[dict]]:
    """The lecture's claims, those of the literature, and this study's own."""
    found: dict[str, list[dict]] = {"lecture": [], "literature": [], "study": []}
    for row in rows:
        found[{SOURCE: "lecture", OWN: "study"}.get(row["source"], "literature")].append(row)
    return found


def as_markdown(claims: list[dict]) -> str:
    """claims.md: a table to read, and below it every claim with its parts."""
    template = environment(autoescape=False).get_template("claims.md")
    return template.render(sets=by_source(claims))
