"""The lecture's claims, and the audit that judges each by its rule.

Sections are those of the lecture "Weight Initializations: A Surprising Demo".
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from stages import rules
from stages.measured import Measured
from stages.params import Data, Network, Params, Training
from stages.rules import CONSTANTS, DEEP, DETERMINISTIC, OTHER_CONSTANTS, RANDOM, SCHEMES, Finding

MIN_SEEDS = 3  # fewer say too little about the spread between seeds

# What the lecture trains on, and how.
LECTURES = {
    "data": Data(name="mnist"),
    "network": Network(hidden=[128, 64], activation="relu"),
    "training": Training(epochs=10, batch_size=64, optimizer="adam", lr=0.001),
}


@dataclass(frozen=True)
class Claim:
    """One claim: where the lecture makes it, who has to be measured, and how it is judged.

    `quantity` names the number that is reported, `figure` the one that shows it best.
    """

    id: str
    section: str
    claim: str
    needs: tuple[str, ...]
    quantity: str
    rule: str
    judge: Callable[[Measured], Finding]
    figure: str


CLAIMS = [
    Claim(
        id="baseline_accuracy",
        section="2.1, 4.1",
        claim="A small fully connected network reaches 90 to 95 % on MNIST after some ten epochs.",
        needs=("baseline",),
        quantity="final test accuracy",
        rule="Holds if the interval of the baseline's final accuracy meets 90–95 %, with a "
        "correction if it lies above; not tested if it covers more than all of it.",
        judge=rules.baseline_accuracy,
        figure="learning_curves",
    ),
    Claim(
        id="all_zero_at_chance",
        section="2.2, 4.3",
        claim="Started at all zeros it stays at about 10 %, as if guessing, and never improves.",
        needs=("all_zero",),
        quantity="final test accuracy",
        rule="Does not hold if a seed ends more than 2 points above the commonest class's share; "
        "holds if the mean is within half a point of 10 %; else with a correction.",
        judge=rules.all_zero_at_chance,
        figure="learning_curves",
    ),
    Claim(
        id="all_zero_weights_stay",
        section="4.3",
        claim="After training from all zeros every parameter is still zero.",
        needs=("all_zero",),
        quantity="largest move of a parameter",
        rule="Holds if nothing moved, with a correction if only biases moved; does not hold if a "
        "weight moved.",
        judge=rules.all_zero_weights_stay,
        figure="who_moved",
    ),
    Claim(
        id="zero_fc1_learns",
        section="4.2, 5",
        claim="With fc1 alone at zero the network still learns, only somewhat worse.",
        needs=("zero_fc1", "baseline"),
        quantity="final test accuracy minus the baseline's",
        rule="Does not hold if a seed ends within 2 points of the commonest class's share; holds "
        "if the difference lies below 0 and its mean above −10 points; with a correction if it "
        "is worse than that, or above −1 point.",
        judge=rules.zero_fc1_learns,
        figure="why_stuck",
    ),
    Claim(
        id="all_ones_partly",
        section="4.4, 5",
        claim="Started at all ones it learns slightly more than from all zeros, and sticks at 20 "
        "to 40 %.",
        needs=("all_ones", "all_zero"),
        quantity="final test accuracy",
        rule="Does not hold if every seed ends within 2 points of the commonest class's share; if "
        "the difference to all zeros lies above 0 it holds at 20–40 %, else with a correction.",
        judge=rules.all_ones_partly,
        figure="why_stuck",
    ),
    Claim(
        id="other_constants_partly",
        section="4.4",
        claim="Started at another constant it sticks at 20 to 40 % as well.",
        needs=OTHER_CONSTANTS,
        quantity="final test accuracy of the best of them",
        rule="Holds if all of −0.1, 0.01 and 0.1 end at 20–40 %, with a correction if some do.",
        judge=rules.other_constants_partly,
        figure="final_accuracy",
    ),
    Claim(
        id="constants_fail",
        section="1, 7",
        claim="Started at any single constant the network fails or badly underperforms.",
        needs=(*CONSTANTS, "baseline"),
        quantity="final test accuracy of the best constant",
        rule="Holds if every constant's difference to the baseline lies below −10 points; does not "
        "hold if one's lies above.",
        judge=rules.constants_fail,
        figure="final_accuracy",
    ),
    Claim(
        id="units_stay_identical",
        section="6.1",
        claim="Units with equal weights get equal gradients and stay equal.",
        needs=("all_ones", "constant_small", "constant", "constant_fc1"),
        quantity="final symmetry gap of fc1 where it alone was constant",
        rule="Does not hold if a network of one constant above 0 ever has a symmetry gap above "
        "1e-5; holds with a correction if units part (gap of 0.01 or more) of which only the "
        "incoming weights were equal.",
        judge=rules.units_stay_identical,
        figure="why_stuck",
    ),
    Claim(
        id="zero_gradients",
        section="6.2",
        claim="With all weights at zero their gradients can be zero too, and no update comes.",
        needs=("all_zero",),
        quantity="share of the weights with a gradient of exactly 0, mean over layers",
        rule="Holds if all gradients of all weight matrices are exactly 0 at every look, with a "
        "correction if those of some matrices are.",
        judge=rules.zero_gradients,
        figure="who_moved",
    ),
    Claim(
        id="randomness_needed",
        section="1, 7",
        claim="Randomness is needed to break the symmetry between units.",
        needs=(*DETERMINISTIC, "baseline"),
        quantity="final test accuracy of the best deterministic start minus the baseline's",
        rule="Holds if neither identity nor Hadamard rows learn; does not hold if the better one's "
        "difference to the baseline lies above −1 point, holds with a correction if below.",
        judge=rules.randomness_needed,
        figure="final_accuracy",
    ),
    Claim(
        id="random_is_enough",
        section="1, 7",
        claim="Random initial weights give normal learning.",
        needs=("baseline", *RANDOM, *DEEP),
        quantity="final test accuracy of the worst random start minus the baseline's",
        rule="Holds if all random starts, deep or not, end within 10 points of the baseline after "
        "equally many epochs and all their seeds learn, with a correction if some do not; does "
        "not hold if none does, or the baseline itself stays below 50 %.",
        judge=rules.random_is_enough,
        figure="final_accuracy",
    ),
    Claim(
        id="schemes_help",
        section="7",
        claim="Xavier's and He's initialization improve convergence.",
        needs=("baseline", *SCHEMES, *DEEP),
        quantity="test accuracy after one epoch, mean of Xavier and He, minus the baseline's",
        rule="Holds if the mean of both lies above the baseline after the first epoch and at the "
        "end; with a correction if at one of them, or only in the deep network.",
        judge=rules.schemes_help,
        figure="depth",
    ),
]


def audit(measured: Measured, settings: Params) -> list[dict]:
    """Every claim with its verdict, as rows for claims.json."""
    rows = []
    for claim in CLAIMS:
        finding = _untested(claim, measured, settings) or claim.judge(measured)
        evidence, mechanism = (
            re.sub(r"`(\w+)`", lambda name: f"“{settings.label_of(name[1])}”", words)
            for words in (finding.evidence, finding.mechanism)
        )
        rows.append(
            {
                "id": claim.id,
                "section": claim.section,
                "claim": claim.claim,
                "verdict": finding.verdict,
                "quantity": claim.quantity,
                "measured": _number(finding.measured),
                "interval": finding.interval and [_number(end) for end in finding.interval],
                "evidence": evidence,
                "mechanism": mechanism,
                "rule": claim.rule,
                "figure": claim.figure,
            }
        )
    return rows


def _untested(claim: Claim, measured: Measured, settings: Params) -> Finding | None:
    missing = [variant for variant in claim.needs if variant not in settings.variants]
    diverged = [v for v in claim.needs if v not in missing and measured.diverged(v).any()]
    if settings.data.name != LECTURES["data"].name:
        why = f"the lecture's claims are about MNIST, and data.name is {settings.data.name}."
    elif missing:
        why = f"params.yaml has no variant {', '.join(missing)}."
    elif settings.seeds < MIN_SEEDS:
        seeds = "1 seed" if settings.seeds == 1 else f"{settings.seeds} seeds"
        why = f"{seeds}, and a verdict needs {MIN_SEEDS}."
    elif diverged:
        why = f"training diverged (figures that are not finite): {', '.join(diverged)}."
    elif min(measured.epochs(variant) for variant in claim.needs) < 1:
        why = "nothing was trained."
    else:
        return None
    return Finding(rules.UNTESTED, None, None, why, "")


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def departures(settings: Params) -> list[str]:
    """What a study does otherwise than the lecture, as `key = value`, beside its variants."""
    lines = []
    for section, lectures in LECTURES.items():
        ours = getattr(settings, section)
        lines += [
            f"{section}.{key} = {getattr(ours, key)} (the lecture: {value})"
            for key, value in lectures
            if getattr(ours, key) != value
        ]
    return lines


def as_markdown(rows: list[dict], otherwise: list[str]) -> str:
    """The audit as a table to read, and why each claim came out so below it."""
    lines = ["| section | the lecture's claim | verdict | measured |", "|---|---|---|---|"]
    for row in rows:
        cells = [row["section"], row["claim"], f"**{row['verdict']}**", row["evidence"]]
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    if otherwise:
        lines += ["", f"This study departs from the lecture: {'; '.join(otherwise)}."]
    for row in rows:
        lines += ["", f"**{row['claim']}** {row['mechanism']}".rstrip()]
        lines += [f"*Rule: {row['rule']}* [Figure](figures/{row['figure']}.png)"]
    return "\n".join(lines) + "\n"
