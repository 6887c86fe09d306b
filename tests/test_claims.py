"""Verdicts: every one can be had, none by noise, by a name, or by what a claim is not about."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.analysis import judging, initializations
from stages.analysis.claims import CONSTANT, HE, LECTURE, ZEROS
from stages.analysis.judging import Claim, Judgement, Region, Result, Verdict, audit, verdict
from stages.analysis.results import Results
from stages.analysis.sources import SOURCES
from stages.analysis.statistics import Estimate, t_interval
from stages.analysis.study import Study
from stages.rendering import claims as rendering
from stages.rendering import style
from stages.training import laws
from tests import made_up
from tests.made_up import ACCURACIES, EVERY, PARTED, PROBED, STUCK, constant

CLAIMS = {claim.id: claim for claim in (*LECTURE, *SOURCES)}
HOLDS, IN_PART, FAILS, UNDECIDED, UNTESTED = Verdict

WIDE = [0.2, 0.97, 0.97, 0.97, 0.97]  # all learn, so spread that five seeds decide nothing
CHANCE = [0.10] * 5

# What the literature's variants do as the literature has it.
LITERATURE = {
    "duplicated": 0.97, "xavier_uniform": 0.976, "tanh_usual": 0.85, "tanh_xavier": 0.9,
    "thirty_xavier": STUCK, "thirty_he": 0.9, "thirty_lsuv": 0.91, "linear_gaussian": 0.9,
    "linear_orthogonal": 0.9, "deep_linear_gaussian": 0.7, "deep_linear_orthogonal": 0.9,
}  # fmt: skip


def decay(variant: str, hidden: int, gain: float) -> dict:
    """Gradients of a variant that fall by a factor of the variance from layer to layer."""
    return {
        (variant, f"fc{i}", "gradient_std"): gain ** ((hidden - i) / 2)
        for i in range(1, hidden + 1)
    }


LITERATURE_PROBED = {
    ("duplicated", "fc1", "distinct_units"): 64,
    ("constant_fc1", "fc1", "symmetry_gap"): 0.0,
    ("deep_linear_gaussian", "fc30", "activation_rank"): 5.0,
    **decay("tanh_usual", 5, 1 / 3), **decay("tanh_xavier", 5, 1.0),
    **decay("thirty_he", 30, 1.0), **decay("thirty_xavier", 30, 0.5),
}  # fmt: skip

# Starts without randomness whose units never differ.
ALIKE = {(variant, "fc1", "distinct_units"): 1 for variant in ("identity", "hadamard")}

# Claim, accuracies and probes other than those above and in made_up, and the verdict.
CASES = [
    ("baseline_accuracy", {}, {}, FAILS),
    ("baseline_accuracy", {"baseline": 0.93}, {}, HOLDS),
    ("baseline_accuracy", {"baseline": 0.80}, {}, FAILS),
    ("baseline_accuracy", {"baseline": 0.95}, {}, UNDECIDED),
    ("all_zero_at_chance", {}, {}, IN_PART),
    ("all_zero_at_chance", {"all_zero": CHANCE}, {}, HOLDS),
    ("all_zero_at_chance", {"all_zero": 0.5}, {}, FAILS),
    ("all_zero_at_chance", {"all_zero": [0.11] * 5}, {}, UNDECIDED),
    ("all_zero_weights_stay", {}, {}, IN_PART),
    ("all_zero_weights_stay", {}, {("all_zero", "out", "bias_move"): 0.0}, HOLDS),
    ("all_zero_weights_stay", {}, {("all_zero", "fc2", "weight_move"): 1e-9}, FAILS),
    ("all_zero_weights_stay", {}, {
        ("all_zero", "fc2", "weight_move"): np.nan, ("all_zero", "fc2", "bias_move"): np.nan,
    }, UNDECIDED),
    ("zero_fc1_learns", {}, {}, FAILS),
    ("zero_fc1_learns", {"zero_fc1": 0.95}, {}, HOLDS),
    ("zero_fc1_learns", {"zero_fc1": 0.5}, {}, IN_PART),
    ("zero_fc1_learns", {"zero_fc1": 0.98}, {}, IN_PART),
    ("zero_fc1_learns", {"zero_fc1": WIDE}, {}, UNDECIDED),
    ("all_ones_partly", {}, {}, FAILS),
    ("all_ones_partly", {"all_ones": 0.3}, {}, HOLDS),
    ("all_ones_partly", {"all_ones": 0.15}, {}, IN_PART),
    ("all_ones_partly", {"all_ones": PARTED}, {}, UNDECIDED),
    ("other_constants_partly", {}, {}, IN_PART),
    ("other_constants_partly", {"constant_negative": 0.25}, {}, HOLDS),
    ("other_constants_partly", {"constant_small": 0.5, "constant": 0.15}, {}, FAILS),
    ("other_constants_partly", {"constant_negative": 0.4}, {}, UNDECIDED),
    ("constants_fail", {}, {}, HOLDS),
    ("constants_fail", {"constant_small": 0.95}, {}, IN_PART),
    ("constants_fail", dict.fromkeys(
        ("all_zero", "all_ones", "constant_negative", "constant_small", "constant"), 0.95
    ), {}, FAILS),
    ("constants_fail", {"constant_small": WIDE}, {}, UNDECIDED),
    ("units_stay_identical", {}, {("constant_fc1", "fc1", "symmetry_gap"): 1.5}, IN_PART),
    ("units_stay_identical", {}, {}, HOLDS),
    ("units_stay_identical", {}, {
        (variant, None, "symmetry_gap"): 0.5
        for variant in ("all_ones", "constant_small", "constant", "constant_fc1")
    }, FAILS),
    ("units_stay_identical", {}, {("all_ones", None, "weight_move"): 0.0}, UNDECIDED),
    ("zero_gradients", {}, {}, HOLDS),
    ("zero_gradients", {}, {("all_zero", "fc1", "weight_gradient_norm"): 1e-9}, IN_PART),
    ("zero_gradients", {}, {
        ("all_zero", "fc1", "weight_gradient_norm"): 0.1, ("all_zero", "fc1", "weight_move"): 0.1,
    }, FAILS),
    ("zero_gradients", {}, {("all_zero", "fc1", "weight_gradient_norm"): np.nan}, UNDECIDED),
    ("randomness_needed", {}, {}, FAILS),
    ("randomness_needed", {"identity": STUCK}, {}, FAILS),
    ("randomness_needed", {"identity": STUCK, "hadamard": STUCK}, {}, IN_PART),
    ("randomness_needed", {"identity": STUCK, "hadamard": STUCK}, ALIKE, HOLDS),
    ("randomness_needed", {"identity": STUCK, "hadamard": WIDE}, ALIKE, UNDECIDED),
    ("randomness_needed", {"identity": PARTED, "hadamard": STUCK}, ALIKE, UNDECIDED),
    ("random_is_enough", {}, {}, IN_PART),
    ("random_is_enough", {"huge_normal": 0.95}, {}, HOLDS),
    ("random_is_enough", dict.fromkeys(EVERY, STUCK), {}, FAILS),
    ("schemes_help", {}, {}, FAILS),
    ("schemes_help", dict.fromkeys(
        ("xavier_normal", "xavier_uniform", "he_normal"), 0.98
    ), {}, HOLDS),
    ("schemes_help", {"he_normal": 0.985}, {}, IN_PART),
    ("schemes_help", dict.fromkeys(("xavier_normal", "xavier_uniform"), 0.98) | {
        "he_normal": WIDE
    }, {}, UNDECIDED),
    ("usual_start_shrinks_gradients", {}, {}, HOLDS),
    ("usual_start_shrinks_gradients", {}, decay("tanh_usual", 5, 0.5), FAILS),
    ("usual_start_shrinks_gradients", {}, decay("tanh_usual", 5, 0), UNDECIDED),
    ("xavier_keeps_gradients", {}, {}, HOLDS),
    ("xavier_keeps_gradients", {}, decay("tanh_xavier", 5, 0.6), FAILS),
    ("xavier_keeps_gradients", {}, decay("tanh_xavier", 5, 0), UNDECIDED),
    ("xavier_converges_faster", {}, {}, HOLDS),
    ("xavier_converges_faster", {"tanh_usual": 0.9}, {}, FAILS),
    ("xavier_converges_faster", {"tanh_usual": WIDE}, {}, UNDECIDED),
    ("he_keeps_variance", {}, {}, HOLDS),
    ("he_keeps_variance", {}, decay("thirty_he", 30, 0.5), IN_PART),
    ("he_keeps_variance", {}, decay("thirty_he", 30, 0.5) | decay("thirty_xavier", 30, 1.0), FAILS),
    ("he_keeps_variance", {}, decay("thirty_he", 30, 0), UNDECIDED),
    ("xavier_stalls", {}, {}, HOLDS),
    ("xavier_stalls", {"thirty_xavier": PARTED}, {}, IN_PART),
    ("xavier_stalls", {"thirty_xavier": 0.9, "thirty_he": PARTED}, {}, FAILS),
    ("orthogonal_learns_at_any_depth", {}, {}, HOLDS),
    ("orthogonal_learns_at_any_depth", {"deep_linear_gaussian": 0.9}, {}, IN_PART),
    ("orthogonal_learns_at_any_depth", {
        "deep_linear_gaussian": 0.9, "deep_linear_orthogonal": 0.8
    }, {}, FAILS),
    ("orthogonal_learns_at_any_depth", {"deep_linear_orthogonal": PARTED}, {}, UNDECIDED),
    ("orthogonal_is_an_isometry", {}, {}, HOLDS),
    ("orthogonal_is_an_isometry", {}, {
        ("deep_linear_gaussian", "fc30", "activation_rank"): 30.0,
    }, IN_PART),
    ("orthogonal_is_an_isometry", {}, {
        ("deep_linear_gaussian", "fc30", "activation_rank"): 30.0,
        ("deep_linear_orthogonal", "fc30", "activation_rank"): 5.0,
    }, FAILS),
    ("orthogonal_is_an_isometry", {}, {
        ("deep_linear_gaussian", "fc30", "activation_rank"): np.nan,
    }, UNDECIDED),
    ("same_parameters_same_updates", {}, {}, HOLDS),
    ("same_parameters_same_updates", {}, {("constant_fc1", "fc1", "symmetry_gap"): 1.9}, IN_PART),
    ("same_parameters_same_updates", {}, {
        ("constant_fc1", "fc1", "symmetry_gap"): 1.9, ("duplicated", "fc1", "distinct_units"): 128,
    }, FAILS),
    ("same_parameters_same_updates", {}, {("constant_fc1", "fc1", "weight_move"): 0.0}, UNDECIDED),
    ("different_functions_are_best", {}, {}, HOLDS),
    ("different_functions_are_best", {"duplicated": 0.98}, {}, FAILS),
    ("different_functions_are_best", {"duplicated": WIDE}, {}, UNDECIDED),
    ("scale_matters_shape_does_not", {}, {}, HOLDS),
    ("scale_matters_shape_does_not", {"huge_normal": 0.976}, {}, IN_PART),
    ("scale_matters_shape_does_not", {"huge_normal": 0.9, "xavier_normal": 0.9}, {}, FAILS),
    ("scale_matters_shape_does_not", {"huge_normal": WIDE}, {}, UNDECIDED),
    ("zeros_and_ones_are_enough", {}, {}, HOLDS),
    ("zeros_and_ones_are_enough", {"identity": 0.9}, {}, IN_PART),
    ("zeros_and_ones_are_enough", {"identity": STUCK}, {}, FAILS),
    ("zeros_and_ones_are_enough", {"identity": WIDE}, {}, UNDECIDED),
    ("lsuv_trains_deep_networks", {}, {}, HOLDS),
    ("lsuv_trains_deep_networks", {"thirty_lsuv": 0.8}, {}, IN_PART),
    ("lsuv_trains_deep_networks", {"thirty_lsuv": STUCK}, {}, FAILS),
    ("lsuv_trains_deep_networks", {"thirty_lsuv": WIDE}, {}, UNDECIDED),
]  # fmt: skip

# Verdicts that a claim cannot have: it has one part, or counts what is always known.
NEVER = {
    **{claim.id: {IN_PART} for claim in CLAIMS.values() if len(claim.parts) == 1},
    "other_constants_partly": set(), "constants_fail": set(),  # a part for every constant
    "random_is_enough": {UNDECIDED}, "xavier_stalls": {UNDECIDED},
}  # fmt: skip


def about(claim: Claim) -> list[str]:
    """The variants that a claim is about."""
    study = made_up.study(EVERY)
    needed = [*claim.needs, *(part.start for part in claim.parts)]
    needed += [part.against for part in claim.parts if part.against]
    return [
        name
        for name in EVERY
        if any(name in initializations.find(study, start) for start in needed)
    ]


def judged(claim: str, accuracies: dict | None = None, probed: dict | None = None) -> Judgement:
    """One claim, where just what it is about was measured."""
    known = ACCURACIES | LITERATURE | (accuracies or {})
    variants = about(CLAIMS[claim])
    probes = PROBED | LITERATURE_PROBED | (probed or {})
    results = made_up.results({v: known[v] for v in variants}, probes)
    return judging.judge(CLAIMS[claim], made_up.study(variants), results)


@pytest.fixture(scope="module")
def everything() -> Results:
    """Every variant, as theory has it."""
    return made_up.results(ACCURACIES | LITERATURE, PROBED | LITERATURE_PROBED)


def told(study: Study, results: Results) -> dict[str, dict]:
    """The audit's rows by their id."""
    found = audit(CLAIMS.values(), study, results)
    return {row["id"]: row for row in rendering.rows(study, results, found)}


# ------------------------------------------------------------------------------- the rule


def test_a_region_decides_nothing_at_its_ends():
    region = Region(0.2, 0.4)
    assert region.judge(Estimate(0.3, 0.21, 0.39)) is Result.HOLDS
    assert region.judge(Estimate(0.5, 0.41, 0.6)) is Result.FAILS
    assert region.judge(Estimate(0.1, 0.05, 0.15)) is Result.FAILS
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.1, 0.5), (0.2, 0.2), (0.4, 0.5), (0.2, 0.4)):
        assert region.judge(Estimate(0.3, low, high)) is Result.UNDECIDED
    assert region.judge(Estimate(0.3, np.nan, np.nan)) is Result.UNDECIDED
    assert region.judge(None) is Result.UNDECIDED


def test_the_verdict_is_that_of_the_parts():
    assert verdict([Result.HOLDS, Result.HOLDS]) is HOLDS
    assert verdict([Result.FAILS, Result.FAILS]) is FAILS
    assert verdict([Result.HOLDS, Result.FAILS, Result.UNDECIDED]) is IN_PART
    assert verdict([Result.HOLDS, Result.UNDECIDED]) is UNDECIDED
    assert verdict([Result.FAILS, Result.UNDECIDED]) is UNDECIDED


@given(st.lists(st.sampled_from(Result), min_size=1, max_size=6), st.data())
def test_a_part_that_becomes_undecided_moves_a_verdict_there_or_not_at_all(results, data):
    place = data.draw(st.integers(0, len(results) - 1))
    wider = [*results[:place], Result.UNDECIDED, *results[place + 1 :]]
    assert verdict(wider) in (verdict(results), UNDECIDED)


@pytest.mark.parametrize(("claim", "accuracies", "probed", "expected"), CASES)
def test_a_verdict_follows_the_data(claim, accuracies, probed, expected):
    found = judged(claim, accuracies, probed)
    assert found.verdict is expected, found.parts


def test_every_verdict_that_a_claim_can_have_is_reached():
    for claim in CLAIMS:
        reached = {expected for id_, _, _, expected in CASES if id_ == claim}
        assert reached == {HOLDS, IN_PART, FAILS, UNDECIDED} - NEVER.get(claim, set()), claim


# -------------------------------------------------------------------- generated studies


def generated(seed: int) -> Results:
    """Results of every variant in which each number is drawn, from a few that matter."""
    random = np.random.default_rng(seed)
    around = [0.098, 0.10, 0.1135, 0.3, 0.36, 0.5, 0.9, 0.93, 0.97, 0.975, 0.98]
    accuracies = {
        name: (random.choice(around) + random.choice([0, 1e-4, 1e-3, 0.1]) * random.normal(size=5))
        .clip(0, 1)
        .tolist()
        for name in EVERY
    }
    drawn = {
        "symmetry_gap": [0.0, 1e-6, 1.5], "weight_move": [0.0, 0.5], "bias_move": [0.0, 0.1],
        "weight_gradient_norm": [0.0, 0.2], "distinct_units": [1, 64, 128],
        "activation_rank": [1.0, 30.0], "gradient_std": [0.0, 0.1, 0.3],
    }  # fmt: skip
    probed = {
        (name, layer, column): random.choice(values)
        for name in EVERY
        for layer in (None, "fc1", "fc30", "out")
        for column, values in drawn.items()
    }
    return made_up.results(accuracies, probed)


def verdicts(study: Study, results: Results) -> dict[str, Verdict]:
    return {one.claim.id: one.verdict for one in audit(CLAIMS.values(), study, results)}


seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


@few
@given(seeds, st.floats(1, 100))
def test_wider_intervals_move_a_verdict_to_undecided_or_not_at_all(seed, times):
    def wider(values, together):
        mean, low, high = t_interval(values, together)
        return Estimate(mean, mean - times * (mean - low), mean + times * (high - mean) + 1e-12)

    study, results = made_up.study(EVERY), generated(seed)
    narrow = verdicts(study, results)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "t_interval", wider)
        wide = verdicts(study, results)
    for claim in CLAIMS:
        assert wide[claim] in (narrow[claim], UNDECIDED), claim


@few
@given(seeds, st.randoms(use_true_random=False))
def test_names_labels_and_order_change_no_verdict(seed, random):
    study, results = made_up.study(EVERY), generated(seed)
    names, others, labels = list(EVERY), list(EVERY), list(EVERY)
    random.shuffle(names)
    random.shuffle(others)
    random.shuffle(labels)
    renamed = dict(zip(names, others, strict=True))
    variants = {
        renamed[name]: replace(study.variants[name], name=renamed[name], label=label)
        for name, label in zip(names, labels, strict=True)
    }
    tables = (
        table.assign(variant=table["variant"].map(renamed))
        for table in (results.history, results.probes)
    )
    other = replace(results, **dict(zip(("history", "probes"), tables, strict=True)))
    assert verdicts(replace(study, variants=variants), other) == verdicts(study, results)


@cache
def named() -> list[str]:
    """The variants that some claim is about."""
    found = {name for claim in CLAIMS.values() for name in about(claim)}
    return [name for name in EVERY if name in found]


@pytest.mark.slow
@few
@given(seeds)
def test_a_variant_that_no_claim_is_about_changes_nothing(seed):
    kept, results = named(), generated(seed)
    assert 0 < len(kept) < len(EVERY)
    rows = [told(made_up.study(variants), results) for variants in (EVERY, kept)]
    for claim in CLAIMS:
        assert rows[0][claim] == rows[1][claim]


# ------------------------------------------------------------ what once had a wrong verdict


@pytest.mark.parametrize(
    ("claim", "accuracies", "probed", "expected"),
    [
        # 68 % with an interval from 41 to 94.6 is not "90 to 95 %".
        ("baseline_accuracy", {"baseline": [0.42, 0.55, 0.68, 0.81, 0.94]}, {}, UNDECIDED),
        # Four seeds at chance and one at 97 % do not stick at "20 to 40 %".
        ("all_ones_partly", {"all_ones": [0.97, *STUCK[:4]]}, {}, UNDECIDED),
        ("other_constants_partly", {"constant_negative": [0.97, *STUCK[:4]]}, {}, UNDECIDED),
        # At 97.7 % all ones does not stick at all.
        ("all_ones_partly", {"all_ones": 0.977}, {}, FAILS),
        # One dead start of several is named.
        ("random_is_enough", {"huge_normal": 0.95, "orthogonal": STUCK}, {}, IN_PART),
        # All zeros at 2 % is not at about 10 %.
        ("all_zero_at_chance", {"all_zero": [0.02] * 5}, {}, IN_PART),
        # Ahead by noise in one of two schemes is not ahead.
        ("schemes_help", {"xavier_normal": 0.976, "xavier_uniform": 0.976, "he_normal": 0.98}, {},
         IN_PART),
        # An epoch above chance is an improvement, whatever the end.
        ("all_zero_at_chance", {"all_zero": [0.14] * 5}, {}, FAILS),
        # Where nothing moved, nothing could have parted.
        ("units_stay_identical", {}, {
            (variant, layer, "weight_move"): 0.0
            for variant in ("all_ones", "constant_small", "constant", "constant_fc1")
            for layer in (None, "fc1")
        }, UNDECIDED),
    ],
)  # fmt: skip
def test_no_verdict_by_noise_or_kindness(claim, accuracies, probed, expected):
    assert judged(claim, accuracies, probed).verdict is expected


def test_a_mean_between_two_kinds_of_seeds_decides_nothing():
    accuracies = {"all_ones": [0.15] * 10 + [0.45] * 10, "all_zero": STUCK * 4}
    results = made_up.results(accuracies)
    study = made_up.study(["all_ones", "all_zero"], seeds=20)
    found = judging.judge(CLAIMS["all_ones_partly"], study, results)
    assert found.verdict is UNDECIDED  # the mean is 30 %, and no seed is at 20 to 40 %


@pytest.mark.parametrize(
    ("claim", "accuracies"),
    [
        ("xavier_converges_faster", {"tanh_usual": [0.098] * 5, "tanh_xavier": STUCK}),
        ("orthogonal_learns_at_any_depth", {
            "linear_orthogonal": STUCK, "deep_linear_orthogonal": STUCK,
            "linear_gaussian": STUCK, "deep_linear_gaussian": CHANCE,
        }),
        ("constants_fail", dict.fromkeys(EVERY, STUCK)),
    ],
)  # fmt: skip
def test_nothing_is_compared_with_a_network_that_learned_nothing(claim, accuracies):
    found = judged(claim, accuracies)
    assert found.verdict is UNDECIDED
    results = made_up.results(ACCURACIES | LITERATURE | accuracies)
    [row] = rendering.rows(made_up.study(about(found.claim)), results, [found])
    assert "it learned nothing" in row["evidence"]


def test_the_ends_of_a_region_decide_nothing_whatever_floats_make_of_them():
    at_the_end = {"identity": [0.966] * 5, "he_normal": [0.976] * 5}
    assert judged("zeros_and_ones_are_enough", at_the_end).verdict is UNDECIDED
    found = judged("all_zero_at_chance", {"all_zero": [0.1335] * 5})
    assert found.parts[1].result is Result.UNDECIDED


@pytest.mark.parametrize("reverse", [False, True])
def test_a_start_is_compared_with_every_other_that_is_meant(reverse, monkeypatch):
    he = made_up.everywhere({"kaiming_uniform": {"nonlinearity": "relu"}}, "zeros")
    monkeypatch.setitem(made_up.EVERY, "other", ("schemes", "He uniform", he))
    names = ["identity", "he_normal", "other"][:: -1 if reverse else 1]
    accuracies = {"identity": 0.97, "he_normal": 0.976, "other": 0.985}
    results = made_up.results(accuracies)
    found = judging.judge(CLAIMS["zeros_and_ones_are_enough"], made_up.study(names), results)
    assert found.verdict is IN_PART
    assert {part.against for part in found.parts} == {None, "he_normal", "other"}


def test_what_diverges_neither_learns_nor_stalls(everything):
    results = made_up.diverge(everything, "thirty_xavier", *range(5))
    results = made_up.diverge(results, "xavier_normal", 0)
    results = made_up.diverge(results, "duplicated", *range(5))
    found = {one.claim.id: one for one in audit(CLAIMS.values(), made_up.study(EVERY), results)}
    assert found["xavier_stalls"].parts[1].result is Result.FAILS
    [part] = [p for p in found["random_is_enough"].parts if p.variant == "xavier_normal"]
    assert part.result is Result.FAILS
    assert found["same_parameters_same_updates"].parts[0].result is Result.UNDECIDED


def test_what_learned_once_did_not_stall(everything):
    history = everything.history.copy()
    there = (history["variant"] == "thirty_xavier") & (history["epoch"] == 1)
    history.loc[there, "test_acc"] = 0.6
    study = made_up.study(EVERY)
    found = judging.judge(CLAIMS["xavier_stalls"], study, replace(everything, history=history))
    assert found.parts[1].result is Result.FAILS


def test_where_every_seed_is_meant_one_of_a_start_that_is_not_the_best_counts():
    accuracies = {"identity": [0.77] * 5, "hadamard": [0.377] * 4 + [0.927]}
    found = judged("randomness_needed", accuracies, ALIKE)
    assert found.parts[1].result is Result.UNDECIDED


def test_units_that_never_moved_did_not_stay_equal():
    found = judged("same_parameters_same_updates", {}, {("duplicated", "fc1", "weight_move"): 0.0})
    assert found.parts[0].result is Result.UNDECIDED


def test_a_reason_is_told_where_it_is_true():
    dead = {("zero_fc1", "fc1", "weight_gradient_zeros"): 1.0}
    assert len(judged("zero_fc1_learns", {}, dead).why) == 2
    learns = {("zero_fc1", "fc1", "weight_gradient_zeros"): 0.1}
    assert len(judged("zero_fc1_learns", {"zero_fc1": 0.95}, learns).why) == 1


def test_an_unknown_start_is_not_told_as_the_best():
    accuracies = {"identity": PARTED, "hadamard": STUCK}
    found = judged("randomness_needed", accuracies, ALIKE)
    assert found.parts[1].variant == "identity"
    assert found.parts[1].parted


def test_no_reason_is_told_of_seeds_that_part_ways():
    found = judged("baseline_accuracy", {"baseline": PARTED})
    assert [reason.quantity.before for reason, _ in found.why] == [True]  # what was at the start


def test_what_is_at_the_end_and_what_was_on_the_way_are_two_parts(everything):
    history = everything.history.copy()
    there = (history["variant"] == "all_zero") & (history["epoch"] == 1)
    history.loc[there, "test_acc"] = 0.5
    study = made_up.study(EVERY)
    [claim] = audit([CLAIMS["all_zero_at_chance"]], study, replace(everything, history=history))
    assert [part.result for part in claim.parts] == [Result.FAILS, Result.FAILS]


@pytest.mark.parametrize(
    "sections",
    [
        {"training": {"epochs": 1}},
        {"network": {"hidden": [4], "activation": "sigmoid"}},
        {"data": {"name": "fashion_mnist"}},
        {"data": {"limit": 6000}},
        {"training": {"lr": 0.01}},
    ],
)
def test_another_setting_than_the_lectures_tests_none_of_its_claims(everything, sections):
    found = audit(LECTURE, made_up.study(EVERY, **sections), everything)
    assert {one.verdict for one in found} == {UNTESTED}


def test_things_trained_otherwise_are_not_compared():
    claim = CLAIMS["lsuv_trains_deep_networks"]
    study = made_up.study([v for v in EVERY if v != "thirty_he"])
    assert (
        initializations.find(study, claim.parts[1].against) == []
    )  # He's with 2 layers does not count
    [found] = audit([claim], study, made_up.results(ACCURACIES | LITERATURE))
    assert found.verdict is UNTESTED


@pytest.mark.parametrize("entry", [{}, made_up.everywhere({"constant": {"val": 0.2}})])
def test_a_name_does_not_make_a_start(everything, entry, monkeypatch):
    monkeypatch.setitem(made_up.VARIANTS, "all_ones", ("lecture", "all ones", entry))
    monkeypatch.setitem(made_up.EVERY, "all_ones", ("lecture", "all ones", entry))
    rows = told(made_up.study(EVERY), everything)
    assert rows["all_ones_partly"]["verdict"] == UNTESTED.value
    assert (
        "No variant has every tensor at 1, with the lecture's"
        in (rows["all_ones_partly"]["evidence"])
    )


def test_a_constant_speaks_with_its_own_label(everything, monkeypatch):
    entry = made_up.everywhere({"constant": {"val": 0.2}})
    monkeypatch.setitem(made_up.EVERY, "constant", ("constants", "all 0.2", entry))
    row = told(made_up.study(EVERY), everything)["other_constants_partly"]
    assert "“all 0.2” ends at 36.00 %" in row["evidence"]
    assert "0.1” " not in row["evidence"].replace("−0.1", "")


def added(monkeypatch, **entries: dict) -> Study:
    """The study with other variants, or more of them."""
    for name, entry in entries.items():
        monkeypatch.setitem(made_up.EVERY, name, ("other", name, entry))
    return made_up.study(made_up.EVERY)


NOT_RANDOM = [
    {"normal": {"std": 1e-50}}, {"uniform": {"a": 0.1, "b": 0.1}},
    {"xavier_normal": {"gain": 1e-45}}, {"normal": {"mean": 0.1, "std": 1e-12}},
    {"kaiming_normal": {"a": 1e50}},
    {"trunc_normal": {"a": 0.1, "b": 0.1000000001}}, {"orthogonal": {"gain": 0.0}},
    {"trunc_normal": {"std": 1e-50}}, {"sparse": {"sparsity": 1.0}},
]  # fmt: skip


@pytest.mark.parametrize("fill", NOT_RANDOM, ids=str)
def test_what_only_looks_random_is_not(fill, monkeypatch):
    study = added(monkeypatch, other=made_up.everywhere(fill, "zeros"))
    assert "other" not in initializations.find(study, CLAIMS["random_is_enough"].parts[0].start)


@pytest.mark.parametrize(
    ("entry", "start"),
    [
        (made_up.everywhere("kaiming_normal", "zeros"), HE),  # a slope of 0 is ReLU
        (made_up.everywhere({"kaiming_normal": {"mode": "FAN_IN"}}, "zeros"), HE),
        (made_up.everywhere({"kaiming_uniform": {"nonlinearity": "relu"}}, constant(1e-50)), HE),
        (made_up.everywhere({"scaled_normal": {"variance": 2}}, "zeros"), HE),
        (made_up.everywhere({"scaled_normal": {"variance": 0}}, "zeros"), ZEROS),
        (made_up.everywhere(constant(1e-50)), ZEROS),
        (made_up.everywhere(constant(-0.0)), ZEROS),
        (made_up.everywhere({"uniform": {"a": 0.5, "b": 0.5}}), CONSTANT),
        (made_up.everywhere({"normal": {"mean": 0.5, "std": 1e-12}}), CONSTANT),
    ],
)  # fmt: skip
def test_a_start_is_what_is_drawn_and_not_how_it_is_written(entry, start, monkeypatch):
    monkeypatch.setitem(made_up.EVERY, "other", ("other", "other", entry))
    study = made_up.study(["other"])
    found = [
        known for known in (HE, ZEROS, CONSTANT) if initializations.find(study, known) == ["other"]
    ]
    assert start in found if start else found == []


@pytest.mark.parametrize("gains", [(4e-10, 1e-20), (1.0, 1.0000000004)])
def test_what_is_not_drawn_quite_alike_counts_twice(gains, monkeypatch):
    entries = {
        f"xavier_{i}": made_up.everywhere({"xavier_normal": {"gain": gain}}, "zeros")
        for i, gain in enumerate(gains)
    }
    added(monkeypatch, **entries)
    random = CLAIMS["random_is_enough"].parts[0].start
    assert initializations.find(made_up.study(list(entries)), random) == list(entries)


def test_what_is_drawn_alike_counts_once(monkeypatch):
    entries = {f"tenth_{i}": made_up.everywhere(constant(0.1 + i * 1e-13)) for i in range(3)}
    study = added(monkeypatch, **entries)
    found = initializations.find(study, CONSTANT)
    assert len(found) == 5 and "constant" in found  # as without them


@pytest.mark.parametrize("name", ["xavier_mine", "kaiming_mine", "orthogonal_mine"])
def test_an_initializer_of_ones_own_is_no_known_one(name):
    assert laws.law(name, {}) == (name, "{}")
    assert not initializations.around_0(laws.law(name, {}))


def test_equal_plans_are_one_experiment():
    twins = {"one": ("a", "one", {}), "two": ("a", "two", {})}
    study = made_up.study(["baseline"])
    plan = study.variants["baseline"]
    study = replace(study, variants={name: replace(plan, name=name) for name in twins})
    assert initializations.find(study, CLAIMS["baseline_accuracy"].parts[0].start) == ["one"]


def test_the_parts_of_a_claim_share_its_five_per_cent():
    found = judged("constants_fail")
    assert {part.together for part in found.parts} == {5}
    values = made_up.results({"constant": WIDE, "baseline": 0.9}).difference("constant", "baseline")
    wide, narrow = t_interval(values, 5), t_interval(values)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert judged("xavier_stalls").parts[0].together == 0  # counts are not estimated


# ------------------------------------------------------------------------- what is missing


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_without_one_of_its_starts_is_not_tested(claim, everything):
    known = CLAIMS[claim]
    needed = [*known.needs, *(part.start for part in known.parts)]
    for start in needed:
        gone = initializations.find(made_up.study(EVERY), start)
        study = made_up.study([v for v in EVERY if v not in gone])
        [found] = audit([known], study, everything)
        assert found.verdict is UNTESTED
        assert found.parts == ()


def test_too_few_seeds_test_nothing(everything):
    for row in told(made_up.study(EVERY, seeds=2), everything).values():
        assert row["verdict"] == UNTESTED.value
        assert row["evidence"] == "2 seeds, and a verdict needs 3."


def test_the_nearest_variant_says_what_is_missing(everything):
    study = made_up.study(EVERY, training={"epochs": 1, "lr": 0.01})
    assert told(study, everything)["all_zero_at_chance"]["evidence"] == (
        "No variant has every tensor at 0, with the lecture's network and training; “all zeros” "
        "has epochs 1 (not 10) and lr 0.01 (not 0.001)."
    )


# ---------------------------------------------------------------------------------- words


def test_words_have_numbers_and_nothing_is_left_open(everything):
    for row in told(made_up.study(EVERY), everything).values():
        for words in (row["evidence"], row["why"], *(part["words"] for part in row["parts"])):
            assert "{" not in words
            assert "nan" not in words
            assert words == " ".join(words.split())
        assert row["parts"]
        assert row["evidence"].endswith(".")


def test_the_outcome_of_a_part_is_told():
    found = judged("other_constants_partly")
    study, results = made_up.study(about(found.claim)), made_up.results(ACCURACIES, PROBED)
    [row] = rendering.rows(study, results, [found])
    assert row["evidence"] == (
        "✗ “all −0.1” ends at 11.35 % (every seed); ✓ “all 0.01” ends at 35.00 % (34.72 to "
        "35.28 %); ✓ “all 0.1” ends at 36.00 % (35.72 to 36.28 %)."
    )
    assert [part["result"] for part in row["parts"]] == ["does not hold", "holds", "holds"]
    part = row["parts"][1]
    assert part["region"] == [0.2, 0.4]
    assert part["rule"] == "20 to 40 %"
    assert part["interval"][0] < part["measured"] < part["interval"][1]


def test_seeds_that_part_ways_are_counted():
    found = judged("all_ones_partly", {"all_ones": PARTED})
    results = made_up.results(ACCURACIES | {"all_ones": PARTED}, PROBED)
    [row] = rendering.rows(made_up.study(about(found.claim)), results, [found])
    clause = "? “all ones”: of 5 seeds 3 learn and 2 are stuck"
    assert row["evidence"] == f"{clause}; {clause}."
    assert all(part["measured"] is None for part in row["parts"])


def test_seeds_that_diverge_have_no_mean(everything):
    results = made_up.diverge(everything, "constant", 2)
    row = told(made_up.study(EVERY), results)["other_constants_partly"]
    assert "? “all 0.1”: of 5 seeds 4 learn and 1 diverges" in row["evidence"]


def test_several_variants_with_one_start_are_told_apart(monkeypatch):
    he = made_up.everywhere({"kaiming_uniform": {"nonlinearity": "relu"}}, "zeros")
    monkeypatch.setitem(made_up.EVERY, "other", ("s", "He again", made_up.THIRTY | he))
    names = ["thirty_he", "thirty_xavier", "other"]
    accuracies = {"thirty_he": 0.9, "thirty_xavier": STUCK, "other": STUCK}
    study, results = made_up.study(names), made_up.results(accuracies)
    found = judging.judge(CLAIMS["xavier_stalls"], study, results)
    [row] = rendering.rows(study, results, [found])
    assert "✓ “30 layers, He”: with He's weights 5 of 5 seeds learn" in row["evidence"]
    assert "✗ “He again”: with He's weights 0 of 5 seeds learn" in row["evidence"]


def test_every_failure_is_told(everything):
    accuracies = dict.fromkeys(("constant_negative", "constant_small", "constant"), 0.5)
    found = judged("other_constants_partly", accuracies)
    results = made_up.results(ACCURACIES | accuracies, PROBED)
    [row] = rendering.rows(made_up.study(about(found.claim)), results, [found])
    assert row["evidence"].count("✗") == 3


def test_many_outcomes_that_are_alike_are_told_by_one(everything):
    row = told(made_up.study(EVERY), everything)["constants_fail"]
    assert row["evidence"].startswith("✓ 5 of 5 comparisons, as “all 0.1” ends −61.70 points")
    assert len(row["parts"]) == 5


def test_the_audit_is_plain_json_a_table_and_a_csv(everything):
    study = made_up.study(EVERY)
    rows = list(told(study, everything).values())
    assert [row["id"] for row in rows] == list(CLAIMS)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    text = rendering.as_markdown(rows)
    assert text.count("| **") == len(CLAIMS)
    for row in rows:
        assert f"**{row['claim']}** {row['verdict']}" in text
        for part in row["parts"]:
            assert f"- *{part['stated']}* ({part['quantity']}: {part['rule']})" in text
            assert f"  - {style.sign(part['result'])} {part['words']}" in text
    lines = rendering.as_csv(rows).splitlines()
    assert len(lines) == 1 + sum(len(row["parts"]) for row in rows)


def test_verdicts_are_counted_apart(everything):
    rows = list(told(made_up.study(EVERY), everything).values())
    counts = rendering.counts(rows)
    assert sum(counts["lecture"].values()) == len(LECTURE)
    assert sum(counts["literature"].values()) == len(SOURCES)
    assert counts["lecture"] == {
        "holds": 3, "in_part": 4, "fails": 5, "undecided": 0, "untested": 0
    }  # fmt: skip


def test_what_a_claim_says_cannot_break_the_table(everything):
    rows = [row | {"evidence": "a|b"} for row in told(made_up.study(EVERY), everything).values()]
    assert "| a&#124;b |" in rendering.as_markdown(rows)
