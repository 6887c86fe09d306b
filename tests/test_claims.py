"""Every verdict follows the data, in each direction: made-up results, real rules."""

import json

import numpy as np
import pytest

from stages import claims, report, rules, summary
from stages.rules import CORRECTED, FAILS, HOLDS, UNTESTED
from tests import made_up

STUCK = [0.1135] * 5

# As theory has it; a test changes what it is about.
ACCURACIES = {
    "baseline": 0.977, "zero_fc1": STUCK, "all_zero": STUCK, "all_ones": STUCK,
    "constant_negative": STUCK, "constant_small": 0.35, "constant": 0.36, "constant_fc1": 0.97,
    "identity": 0.97, "hadamard": 0.977, "xavier_normal": 0.976, "he_normal": 0.976,
    "lecun_normal": 0.976, "orthogonal": 0.976, "tiny_normal": 0.97, "huge_normal": 0.85,
    "deep_default_adam": STUCK, "deep_xavier_adam": 0.75, "deep_he_adam": 0.9,
    "deep_default_sgd": STUCK, "deep_xavier_sgd": 0.2, "deep_he_sgd": 0.9,
}  # fmt: skip
PROBED = {
    ("all_zero", None, "weight_gradient_zeros"): 1.0,
    ("all_zero", "out", "weight_gradient_zeros"): 1.0,
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

DEEP_TIE = dict.fromkeys(rules.DEEP, STUCK)
ALL_LEARN = dict.fromkeys((*rules.RANDOM, *rules.DEEP), 0.97)
WIDE = [0.2, 0.97, 0.97, 0.97, 0.97]  # so spread that five seeds decide nothing

CASES = [
    ("baseline_accuracy", {}, {}, CORRECTED),
    ("baseline_accuracy", {"baseline": 0.93}, {}, HOLDS),
    ("baseline_accuracy", {"baseline": 0.80}, {}, FAILS),
    ("baseline_accuracy", {"baseline": WIDE}, {}, UNTESTED),
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
    ("zero_fc1_learns", {"zero_fc1": WIDE}, {}, UNTESTED),
    ("all_ones_partly", {}, {}, FAILS),
    ("all_ones_partly", {"all_ones": 0.3}, {}, HOLDS),
    ("all_ones_partly", {"all_ones": 0.6}, {}, CORRECTED),
    ("all_ones_partly", {"all_ones": 0.10}, {}, FAILS),
    ("all_ones_partly", {"all_ones": [0.9, 0.1135, 0.1, 0.1, 0.1]}, {}, UNTESTED),
    ("other_constants_partly", {}, {}, CORRECTED),
    ("other_constants_partly", {"constant_negative": 0.25}, {}, HOLDS),
    ("other_constants_partly", {"constant_small": 0.5, "constant": 0.15}, {}, FAILS),
    ("constants_fail", {}, {}, HOLDS),
    ("constants_fail", {"constant_small": 0.95}, {}, FAILS),
    ("constants_fail", {"constant_small": WIDE}, {}, UNTESTED),
    ("units_stay_identical", {}, {}, CORRECTED),
    ("units_stay_identical", {}, {("constant_fc1", "fc1", "symmetry_gap"): 1e-7}, HOLDS),
    ("units_stay_identical", {}, {("constant", "fc2", "symmetry_gap"): 0.5}, FAILS),
    ("zero_gradients", {}, {}, HOLDS),
    ("zero_gradients", {}, {("all_zero", "fc1", "weight_gradient_zeros"): 0.999}, CORRECTED),
    ("zero_gradients", {}, {
        ("all_zero", None, "weight_gradient_zeros"): 0.3,
        ("all_zero", "out", "weight_gradient_zeros"): 0.0,
    }, FAILS),
    ("randomness_needed", {}, {}, FAILS),
    ("randomness_needed", {"identity": STUCK, "hadamard": STUCK}, {}, HOLDS),
    ("randomness_needed", {"identity": 0.8, "hadamard": 0.9}, {}, CORRECTED),
    ("randomness_needed", {"identity": STUCK, "hadamard": WIDE}, {}, UNTESTED),
    ("random_is_enough", {}, {}, CORRECTED),
    ("random_is_enough", ALL_LEARN | {"huge_normal": 0.5}, {}, CORRECTED),
    ("random_is_enough", ALL_LEARN, {}, HOLDS),
    ("random_is_enough", dict.fromkeys(rules.RANDOM, STUCK), {}, FAILS),
    ("random_is_enough", ALL_LEARN | {"baseline": 0.14}, {}, FAILS),
    ("schemes_help", {}, {}, CORRECTED),
    ("schemes_help", {"he_normal": 0.985}, {}, HOLDS),
    ("schemes_help", {"he_normal": 0.985} | DEEP_TIE, {}, HOLDS),
    ("schemes_help", DEEP_TIE, {}, FAILS),
    ("schemes_help", {"he_normal": WIDE, "baseline": 0.85} | DEEP_TIE, {}, UNTESTED),
]  # fmt: skip


def audited(measured, **sections) -> dict[str, dict]:
    """The audit's rows by their id, for a study with the variants that were measured."""
    there = set(measured.history["variant"])
    full = made_up.settings()
    variants = {name: full.variants[name] for name in full.variants if name in there}
    settings = made_up.settings(variants=variants, **sections)
    return {row["id"]: row for row in claims.audit(measured, settings)}


def verdicts(accuracies: dict, probed: dict, **options) -> dict[str, dict]:
    return audited(made_up.results(ACCURACIES | accuracies, PROBED | probed, **options))


@pytest.mark.parametrize(("claim", "accuracies", "probed", "verdict"), CASES)
def test_a_verdict_follows_the_data(claim, accuracies, probed, verdict):
    row = verdicts(accuracies, probed)[claim]
    assert row["verdict"] == verdict, row
    if verdict == UNTESTED:
        assert row["measured"] is not None  # undecided, and the number says why
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
def test_a_claim_without_one_of_its_variants_is_not_tested(claim):
    for variant in claim.needs:
        others = {name: final for name, final in ACCURACIES.items() if name != variant}
        row = audited(made_up.results(others, PROBED))[claim.id]
        assert row["verdict"] == UNTESTED
        assert variant in row["evidence"]
        assert row["measured"] is row["interval"] is None


def test_too_few_seeds_or_another_data_set_test_nothing():
    measured = made_up.results(ACCURACIES, PROBED)
    data = made_up.settings().data.model_copy(update={"name": "fashion_mnist"})
    for sections, words in (
        ({"seeds": 2}, "2 seeds, and a verdict needs 3."),
        ({"seeds": 1}, "1 seed, and a verdict needs 3."),
        ({"data": data}, "about MNIST, and data.name is fashion_mnist."),
    ):
        for row in audited(measured, **sections).values():
            assert row["verdict"] == UNTESTED
            assert row["evidence"].endswith(words)


@pytest.mark.parametrize(("table", "column"), [("history", "test_loss"), ("probes", "weight_rank")])
def test_a_variant_that_diverged_is_not_judged(table, column):
    measured = made_up.results(ACCURACIES, PROBED)
    rows = getattr(measured, table)
    rows.loc[(rows["variant"] == "he_normal") & (rows["seed"] == 2), column] = np.nan
    assert list(measured.diverged("he_normal")) == [False, False, True, False, False]
    rows = audited(measured)
    assert rows["schemes_help"]["verdict"] == UNTESTED
    assert "he_normal" in rows["schemes_help"]["evidence"]
    assert rows["constants_fail"]["verdict"] == HOLDS


def test_what_departs_from_the_lecture_is_said():
    assert claims.departures(made_up.settings()) == []
    full = made_up.settings()
    other = made_up.settings(
        data=full.data.model_copy(update={"limit": 6000}),
        training=full.training.model_copy(update={"lr": 0.01}),
    )
    lines = claims.departures(other)
    assert lines == [
        "data.limit = 6000 (the lecture: None)", "training.lr = 0.01 (the lecture: 0.001)"
    ]  # fmt: skip
    assert lines[0] in claims.as_markdown(list(verdicts({}, {}).values()), lines)


def test_the_sentences_follow_the_data_too():
    rows = verdicts({}, {("constant_fc1", "fc1", "distinct_units"): 77})
    assert "fc1 has 77 distinct units where it" in rows["units_stay_identical"]["mechanism"]
    rows = verdicts({}, {("all_zero", "out", "signal_std"): 0.25})
    assert "differ by 0.25 (standard deviation)." in rows["all_zero_at_chance"]["mechanism"]
    rows = verdicts({"zero_fc1": 0.95}, {("zero_fc1", "fc1", "weight_gradient_zeros"): 0.03})
    assert "because" not in rows["zero_fc1_learns"]["mechanism"]


def test_the_audit_is_plain_json_and_a_table():
    rows = list(verdicts({}, {}).values())
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    table = claims.as_markdown(rows, [])
    assert table.count("| **") == len(claims.CLAIMS)
    assert "| 6.2 | With all weights at zero" in table


def test_every_claim_needs_only_variants_of_the_repositorys_study():
    known = set(made_up.settings().variants)
    for claim in claims.CLAIMS:
        assert set(claim.needs) <= known, claim.id


def test_every_claim_points_to_a_figure_that_is_drawn(monkeypatch):
    measured, settings = made_up.results({"baseline": 0.9}), made_up.settings()
    settings = settings.model_copy(update={"variants": {"baseline": settings.variants["baseline"]}})
    weights = {"baseline": (np.ones((16, 784)), np.ones((16, 784)))}
    monkeypatch.setattr(report, "fc1_weights", lambda variants: weights)
    table = summary.comparison(measured, settings, 10_000)
    drawn = {name for name, _ in report.draw(measured, settings, table)}
    report.figures.plt.close("all")
    assert {claim.figure for claim in claims.CLAIMS} <= drawn
