"""The audit of the claims as it is shown: numbers from the rules, words from a template."""

import math

from stages.analysis.claims import Claim, departures
from stages.analysis.findings import Finding
from stages.analysis.study import Study
from stages.rendering.environment import environment


def rows(study: Study, audit: list[tuple[Claim, Finding]]) -> list[dict]:
    """A row a claim, as claims.json has it; `interval` is None where there is none."""
    words = environment(autoescape=False).get_template("claims.jinja")
    labels = {name: f"“{variant.label}”" for name, variant in study.variants.items()}
    module = words.make_module({"labels": labels})
    found = []
    for claim, finding in audit:
        told = getattr(module, "untested" if finding.measured is None else claim.id)
        evidence, _, mechanism = told(finding).strip().partition("\n\n")
        mean, *interval = finding.measured or (None, None, None)
        found.append(
            {
                "id": claim.id,
                "section": claim.section,
                "claim": claim.claim,
                "verdict": finding.verdict.value,
                "quantity": claim.quantity,
                "measured": _number(mean),
                "interval": [_number(end) for end in interval] if finding.measured else None,
                "evidence": " ".join(evidence.split()),
                "mechanism": " ".join(mechanism.split()),
                "rule": claim.rule,
                "figure": claim.figure,
            }
        )
    return found


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def as_markdown(study: Study, claims: list[dict]) -> str:
    """claims.md: a table to read, and why each claim came out so below it."""
    template = environment(autoescape=False).get_template("claims.md")
    return template.render(claims=claims, departures=departures(study))
