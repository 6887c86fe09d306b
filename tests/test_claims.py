"""Every verdict follows the data, in each direction: made-up results, real rules."""

import json

import numpy as np
import pytest

from stages import claims
from stages.claims import CORRECTED, FAILS, HOLDS, UNTESTED
from tests import made_up

STUCK = [0.1135] * 5

# As theory has it; a test changes what it is about.
ACCURACIES = {
    "baseline": 0.977, "zero_fc1": STUCK, "all_zero": STUCK, "all_ones": STUCK,
    "constant_negative": STUCK, "constant_small": 0.35, "constant": 0.36, "constant_fc1": 0.97,
    "identity": 0.97, "hadamard": 0.977, "xavier_normal": 0.976, "he_normal": 0.976,
    "tiny_normal": 0.97, "huge_normal": 0.85,
    "deep_default_adam": STUCK, "deep_xavier_adam": 0.75, "deep_he_adam": 0.9,
    "deep_default_sgd": STUCK, "deep_xavier_sgd": 0.2, "deep_he_sgd": 0.9,
}  # fmt: skip
PROBED = {
    ("all_zero", None, "weight_gradient_zeros"): 1.0,
    ("all_zero", None, "weight_move"): 0.0,
    ("all_zero", "out", "weight_move"): 0.0,
    ("all_zero", None, "bias_move"): 0.0,
    ("all_zero", None, "weight_moved_at"): None,
    ("all_zero", None, "bias_moved_at"): None,
    ("all_zero", None, "activation_rank"): 0.0,
    ("all_zero", "out", "signal_std"): 0.0,
    ("zero_fc1", "fc1", "weight_gradient_zeros"): 1.0,
    ("zero_fc1", "fc1", "dead_fraction"): 1.0,
    **{
        (variant, None, column): value
        for variant in ("all_ones", "constant_small", "constant")
        for column, value in (("symmetry_gap", 0.0), ("distinct_units", 1))
    },
}

DEEP_TIE = dict.fromkeys(claims.DEEP, STUCK)
ALL_LEARN = dict.fromkeys(claims.RANDOM, 0.97)

CASES = [
    ("baseline_accuracy", {}, {}, CORRECTED),
    ("baseline_accuracy", {"baseline": 0.93}, {}, HOLDS),
    ("baseline_accuracy", {"baseline": 0.80}, {}, FAILS),
    ("all_zero_at_chance", {}, {}, CORRECTED),
    ("all_zero_at_chance", {"all_zero": [0.1] * 5}, {}, HOLDS),
    ("all_zero_at_chance", {"all_zero": 0.5}, {}, FAILS),
    ("all_zero_weights_stay", {}, {}, CORRECTED),
    ("all_zero_weights_stay", {}, {("all_zero", "out", "bias_move"): 0.0}, HOLDS),
    ("all_zero_weights_stay", {}, {("all_zero", "fc2", "weight_move"): 1e-9}, FAILS),
    ("all_zero_weights_stay", {}, {("all_zero", "out", "weight_move"): 1e-9}, FAILS),
    ("zero_fc1_learns", {}, {}, FAILS),
    ("zero_fc1_learns", {"zero_fc1": [0.9, 0.9, 0.9, 0.9, 0.1135]}, {}, FAILS),
    ("zero_fc1_learns", {"zero_fc1": 0.95}, {}, HOLDS),
    ("zero_fc1_learns", {"zero_fc1": 0.5}, {}, CORRECTED),
    ("zero_fc1_learns", {"zero_fc1": 0.98}, {}, CORRECTED),
    ("all_ones_partly", {}, {}, FAILS),
    ("all_ones_partly", {"all_ones": 0.3}, {}, HOLDS),
    ("all_ones_partly", {"all_ones": 0.6}, {}, CORRECTED),
    ("all_ones_partly", {"all_ones": 0.10}, {}, FAILS),
    ("constants_fail", {}, {}, HOLDS),
    ("constants_fail", {"constant_small": 0.95}, {}, FAILS),
    ("units_stay_identical", {}, {}, CORRECTED),
    ("units_stay_identical", {}, {("constant_fc1", "fc1", "symmetry_gap"): 1e-7}, HOLDS),
    ("units_stay_identical", {}, {("constant", "fc2", "symmetry_gap"): 0.5}, FAILS),
    ("zero_gradients", {}, {}, HOLDS),
    ("zero_gradients", {}, {("all_zero", "fc1", "weight_gradient_zeros"): 0.999}, FAILS),
    ("randomness_needed", {}, {}, FAILS),
    ("randomness_needed", {"identity": STUCK, "hadamard": STUCK}, {}, HOLDS),
    ("randomness_needed", {"identity": 0.8, "hadamard": 0.9}, {}, CORRECTED),
    ("random_is_enough", {}, {}, CORRECTED),
    ("random_is_enough", ALL_LEARN, {}, HOLDS),
    ("random_is_enough", dict.fromkeys(claims.RANDOM, STUCK), {}, FAILS),
    ("schemes_help", {}, {}, CORRECTED),
    ("schemes_help", {"he_normal": 0.985}, {}, HOLDS),
    ("schemes_help", DEEP_TIE, {}, FAILS),
]  # fmt: skip


def verdicts(accuracies: dict, probed: dict, **options) -> dict[str, dict]:
    measured = made_up.results(ACCURACIES | accuracies, PROBED | probed, **options)
    return {row["id"]: row for row in claims.audit(measured)}


@pytest.mark.parametrize(("claim", "accuracies", "probed", "verdict"), CASES)
def test_a_verdict_follows_the_data(claim, accuracies, probed, verdict):
    row = verdicts(accuracies, probed)[claim]
    assert row["verdict"] == verdict, row
    low, high = row["interval"]
    assert low <= row["measured"] <= high
    assert row["evidence"].endswith(".")
    assert any(character.isdigit() for character in row["mechanism"])
    assert row["section"]
    assert "nan" not in row["evidence"] + row["mechanism"]


def test_every_claim_is_tried_in_at_least_two_directions():
    tried = {claim.id: set() for claim in claims.CLAIMS}
    for claim, _, _, verdict in CASES:
        tried[claim].add(verdict)
    assert all(len(outcomes) >= 2 for outcomes in tried.values()), tried


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_without_its_variants_or_with_few_seeds_is_not_tested(claim):
    full = dict(ACCURACIES)
    for variant in claim.needs:
        rows = claims.audit(made_up.results({k: v for k, v in full.items() if k != variant}))
        row = next(row for row in rows if row["id"] == claim.id)
        assert row["verdict"] == UNTESTED
        assert variant in row["evidence"]
        assert row["measured"] is None
    two = {v: a[:2] if isinstance(a, list) else a for v, a in full.items()}
    row = next(r for r in claims.audit(made_up.results(two, seeds=2)) if r["id"] == claim.id)
    assert row["verdict"] == UNTESTED
    assert row["evidence"] == "2 seeds, and a verdict needs 3."


def test_a_variant_that_diverged_is_not_judged():
    measured = made_up.results(ACCURACIES, PROBED)
    measured.history.loc[measured.history["variant"] == "he_normal", "test_loss"] = np.nan
    rows = {row["id"]: row for row in claims.audit(measured)}
    assert rows["schemes_help"]["verdict"] == UNTESTED
    assert "he_normal" in rows["schemes_help"]["evidence"]
    assert rows["constants_fail"]["verdict"] == HOLDS


def test_the_sentences_follow_the_data_too():
    rows = verdicts({}, {("constant_fc1", "fc1", "distinct_units"): 77})
    assert "it has 77 distinct units after one epoch" in rows["units_stay_identical"]["mechanism"]
    rows = verdicts({}, {("all_zero", "out", "signal_std"): 0.25})
    assert "standard deviation 0.25" in rows["all_zero_at_chance"]["mechanism"]


def test_the_audit_is_plain_json_and_a_table():
    rows = list(verdicts({}, {}).values())
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    table = claims.as_markdown(rows)
    assert table.count("| **") == len(claims.CLAIMS)
    assert "| 6.2 | With all weights at zero" in table


def test_every_claim_needs_only_variants_of_the_repositorys_study():
    known = set(made_up.settings().variants)
    for claim in claims.CLAIMS:
        assert set(claim.needs) <= known, claim.id
