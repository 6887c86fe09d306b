"""The lecture's claims, and the audit that judges each by its rule.

Sections are those of the lecture "Weight Initializations: A Surprising Demo".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stages.analysis import constant_rules, random_rules
from stages.analysis.constant_rules import CONSTANTS, OTHER_CONSTANTS
from stages.analysis.findings import Finding, Verdict
from stages.analysis.random_rules import DEEP, DETERMINISTIC, RANDOM, SCHEMES
from stages.analysis.results import Results
from stages.analysis.study import Study

MIN_SEEDS = 3  # fewer say too little about the spread between seeds

# What the lecture trains on, and how.
LECTURE: dict[str, dict[str, Any]] = {
    "data": {"name": "mnist", "limit": None},
    "network": {"hidden": [128, 64], "activation": "relu"},
    "training": {
        "epochs": 10, "batch_size": 64, "optimizer": "adam", "lr": 0.001, "momentum": 0.0,
    },
}  # fmt: skip


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
    judge: Callable[[Results], Finding]
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
        judge=constant_rules.baseline_accuracy,
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
        judge=constant_rules.all_zero_at_chance,
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
        judge=constant_rules.all_zero_weights_stay,
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
        judge=constant_rules.zero_fc1_learns,
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
        judge=constant_rules.all_ones_partly,
        figure="why_stuck",
    ),
    Claim(
        id="other_constants_partly",
        section="4.4",
        claim="Started at another constant it sticks at 20 to 40 % as well.",
        needs=OTHER_CONSTANTS,
        quantity="final test accuracy of the best of them",
        rule="Holds if all of −0.1, 0.01 and 0.1 end at 20–40 %, with a correction if some do.",
        judge=constant_rules.other_constants_partly,
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
        judge=constant_rules.constants_fail,
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
        judge=constant_rules.units_stay_identical,
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
        judge=constant_rules.zero_gradients,
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
        judge=random_rules.randomness_needed,
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
        judge=random_rules.random_is_enough,
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
        judge=random_rules.schemes_help,
        figure="depth",
    ),
]


def audit(study: Study, results: Results) -> list[tuple[Claim, Finding]]:
    """Every claim with what was found."""
    return [(claim, _untested(claim, study, results) or claim.judge(results)) for claim in CLAIMS]


def _untested(claim: Claim, study: Study, results: Results) -> Finding | None:
    """Why a claim cannot be judged, if it cannot."""
    missing = [variant for variant in claim.needs if variant not in study.variants]
    there = [variant for variant in claim.needs if variant in study.variants]
    diverged = [variant for variant in there if results.diverged(variant).any()]
    facts: dict[str, Any] = {}
    if study.data["name"] != LECTURE["data"]["name"]:
        facts = {"data": study.data["name"]}
    elif missing:
        facts = {"missing": missing}
    elif study.seeds < MIN_SEEDS:
        facts = {"seeds": study.seeds, "needed": MIN_SEEDS}
    elif diverged:
        facts = {"diverged": diverged}
    elif min(results.epochs(variant) for variant in claim.needs) < 1:
        facts = {"epochs": 0}
    return Finding(Verdict.UNTESTED, None, facts) if facts else None


def departures(study: Study) -> list[tuple[str, object, object]]:
    """What a study does otherwise than the lecture: key, value, and the lecture's value."""
    return [
        (f"{section}.{key}", getattr(study, section)[key], value)
        for section, values in LECTURE.items()
        for key, value in values.items()
        if getattr(study, section)[key] != value
    ]
