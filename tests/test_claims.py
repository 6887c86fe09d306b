"""Every verdict follows the data, in each direction: made-up results, real rules."""

import json

import numpy as np
import pytest

from stages.analysis import claims
from stages.analysis.claims import CLAIMS, Claim
from stages.analysis.findings import Verdict
from stages.analysis.random_rules import DEEP, RANDOM
from stages.analysis.results import Results
from stages.rendering import claims as rendering
from tests import made_up
from tests.made_up import STUCK

HOLDS, CORRECTED, FAILS, UNTESTED = Verdict

DEEP_TIE = dict.fromkeys(DEEP, STUCK)
ALL_LEARN = dict.fromkeys((*RANDOM, *DEEP), 0.97)
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
    ("random_is_enough", dict.fromkeys(RANDOM, STUCK), {}, FAILS),
    ("random_is_enough", ALL_LEARN | {"baseline": 0.14}, {}, FAILS),
    ("schemes_help", {}, {}, CORRECTED),
    ("schemes_help", {"he_normal": 0.985}, {}, HOLDS),
    ("schemes_help", {"he_normal": 0.985} | DEEP_TIE, {}, HOLDS),
    ("schemes_help", DEEP_TIE, {}, FAILS),
    ("schemes_help", {"he_normal": WIDE, "baseline": 0.85} | DEEP_TIE, {}, UNTESTED),
]  # fmt: skip


def audited(results: Results, **sections) -> dict[str, dict]:
    """The audit's rows by their id, for a study with the variants that were measured."""
    study = made_up.study(results.history["variant"].unique(), **sections)
    return {row["id"]: row for row in rendering.rows(study, claims.audit(study, results))}


@pytest.fixture
def told(monkeypatch):
    """Gives the row of one claim, where just the variants that it needs were measured."""

    def row(claim: str, accuracies: dict, probed: dict) -> dict:
        [known] = [known for known in CLAIMS if known.id == claim]
        monkeypatch.setattr(claims, "CLAIMS", [known])  # judging the others takes time
        accuracies = made_up.ACCURACIES | accuracies
        results = made_up.results({v: accuracies[v] for v in known.needs}, made_up.PROBED | probed)
        return audited(results)[claim]

    return row


@pytest.fixture
def everything() -> Results:
    """A study as theory has it, with every variant."""
    return made_up.results(made_up.ACCURACIES, made_up.PROBED)


@pytest.mark.parametrize(("claim", "accuracies", "probed", "verdict"), CASES)
def test_a_verdict_follows_the_data(told, claim, accuracies, probed, verdict):
    row = told(claim, accuracies, probed)
    assert row["verdict"] == verdict.value, row
    low, high = row["interval"]
    assert low <= row["measured"] <= high  # there even if undecided: the number says why
    assert row["evidence"].endswith(".")
    assert any(character.isdigit() for character in row["mechanism"])
    assert "nan" not in row["evidence"] + row["mechanism"]
    for words in (row["evidence"], row["mechanism"]):
        assert words == " ".join(words.split())


def test_every_claim_is_tried_in_at_least_two_directions():
    tried: dict[str, set] = {claim.id: set() for claim in CLAIMS}
    for claim, _, _, verdict in CASES:
        tried[claim].add(verdict)
    assert all(len(verdicts) >= 2 for verdicts in tried.values()), tried


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_without_one_of_its_variants_is_not_tested(claim: Claim, everything, monkeypatch):
    monkeypatch.setattr(claims, "CLAIMS", [claim])  # judging the others takes time
    for variant in claim.needs:
        study = made_up.study([v for v in made_up.VARIANTS if v != variant])
        [(_, finding)] = claims.audit(study, everything)
        assert finding.verdict is UNTESTED
        assert finding.measured is None
        assert finding.facts == {"missing": [variant]}


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"seeds": 2}, "2 seeds, and a verdict needs 3."),
        ({"seeds": 1}, "1 seed, and a verdict needs 3."),
        ({"data": {"name": "fashion_mnist"}}, "about MNIST, and data.name is fashion_mnist."),
    ],
)
def test_too_few_seeds_or_another_data_set_test_nothing(everything, sections, words):
    for row in audited(everything, **sections).values():
        assert row["verdict"] == UNTESTED.value
        assert row["evidence"].endswith(words)
        assert row["measured"] is row["interval"] is None
        assert row["mechanism"] == ""


def test_a_claim_whose_variant_is_missing_names_it():
    results = made_up.results({"baseline": 0.977, "zero_fc1": STUCK})
    rows = audited(results)
    assert rows["zero_fc1_learns"]["verdict"] == FAILS.value
    assert rows["all_zero_at_chance"]["evidence"] == "params.yaml has no variant all_zero."


def test_where_nothing_was_trained_nothing_is_tested(everything):
    everything.history.query("epoch == 0", inplace=True)
    for row in audited(everything).values():
        assert row["evidence"] == "nothing was trained."


@pytest.mark.parametrize(("table", "column"), [("history", "test_loss"), ("probes", "weight_rank")])
def test_a_variant_that_diverged_is_not_judged(everything, table, column):
    rows = getattr(everything, table)
    rows.loc[(rows["variant"] == "he_normal") & (rows["seed"] == 2), column] = np.nan
    assert list(everything.diverged("he_normal")) == [False, False, True, False, False]
    judged = audited(everything)
    assert judged["schemes_help"]["verdict"] == UNTESTED.value
    assert judged["schemes_help"]["evidence"].endswith("not finite): he_normal.")
    assert judged["constants_fail"]["verdict"] == HOLDS.value


def test_what_departs_from_the_lecture_is_said(everything):
    assert claims.departures(made_up.study()) == []
    other = made_up.study(data={"limit": 6000}, training={"lr": 0.01})
    assert claims.departures(other) == [("data.limit", 6000, None), ("training.lr", 0.01, 0.001)]
    rows = list(audited(everything).values())
    said = "departs from the lecture: data.limit = 6000 (the lecture: None); training.lr = 0.01"
    assert said in rendering.as_markdown(other, rows)
    assert "departs" not in rendering.as_markdown(made_up.study(), rows)


@pytest.mark.parametrize(
    ("claim", "probed", "words"),
    [
        (
            "units_stay_identical",
            {("constant_fc1", "fc1", "distinct_units"): 77},
            "fc1 has 77 distinct units where it",
        ),
        (
            "all_zero_at_chance",
            {("all_zero", "out", "signal_std"): 0.25},
            "differ by 0.25 (standard deviation).",
        ),
        ("zero_fc1_learns", {}, "a gradient of exactly 0, because all its units sit at 0"),
        (
            "zero_fc1_learns",
            {("zero_fc1", "fc1", "weight_gradient_zeros"): 0.03},
            "at least 3.00 % of fc1's weights have a gradient of exactly 0;",
        ),
        ("all_ones_partly", {}, "fc1 never has more than 1 distinct unit, and"),
        ("randomness_needed", {}, "“Hadamard rows” starts with 64 distinct units in fc1"),
        (
            "schemes_help",
            {("deep_xavier_adam", "fc3", "signal_std"): 0.125},
            "there is left in fc3: 1 with the default, 0.12 with Xavier, 1 with He.",
        ),
    ],
)
def test_the_sentences_follow_the_data_too(told, claim, probed, words):
    assert words in told(claim, {}, probed)["mechanism"]


def test_the_audit_is_plain_json_and_a_table(everything):
    rows = list(audited(everything).values())
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    table = rendering.as_markdown(made_up.study(), rows)
    assert table.count("| **") == len(CLAIMS)
    assert "| 6.2 | With all weights at zero" in table
    for row in rows:
        assert f"**{row['claim']}** {row['mechanism']}\n*Rule: {row['rule']}*" in table


def test_what_a_claim_says_cannot_break_the_table(everything):
    rows = [row | {"evidence": "a|b"} for row in audited(everything).values()]
    assert r"| a\|b |" in rendering.as_markdown(made_up.study(), rows)
