"""What the page says in sentences: it follows the numbers, in whatever study."""

import pytest

from stages import claims, sentences, summary
from tests import made_up

STUCK = [0.1135] * 5
ACCURACIES = {
    "baseline": 0.977, "zero_fc1": STUCK, "constant": 0.36, "noise_0_000001": 0.973,
    "noise_0_01": 0.96, "deep_default_adam": STUCK, "deep_he_adam": 0.9,
}  # fmt: skip
STILL = {
    ("zero_fc1", None, "weight_move"): 0.0, ("zero_fc1", "fc1", "weight_gradient_zeros"): 1.0,
    ("zero_fc1", "fc1", "dead_fraction"): 1.0,
    ("constant", "fc1", "distinct_units"): 1,
    ("deep_he_adam", "fc1", "gradient_std"): 0.05, ("deep_he_adam", "fc2", "gradient_std"): 0.1,
}  # fmt: skip


def said(accuracies: dict, probed: dict | None = None, seeds: int = 5) -> tuple[dict, dict]:
    """The answers and the figures' sentences of a made-up study."""
    study = made_up.settings(seeds=seeds)
    study = study.model_copy(update={"variants": {v: study.variants[v] for v in accuracies}})
    results = made_up.results(accuracies, probed, seeds)
    table = summary.comparison(results, study, 10_000)
    audit = claims.audit(results, study)
    answers = dict(sentences.answers(study, results, table, audit))
    return answers, sentences.about(study, results, table)


def test_the_answer_has_the_numbers_that_were_measured():
    answers, _ = said(ACCURACIES, STILL)
    assert "“PyTorch default”" in answers["What happens"]
    assert "97.70 % (95 % interval over 5 seeds: 97.50 to 97.90) of" in answers["What happens"]
    assert "1 of its 5 starts, and 1 of 2 of another network," in answers["What happens"]
    why = answers["Why"]
    assert "from “all 0.1” the 128 units of the first layer remain copies of one" in why
    assert "“fc1 all zeros”" in why and "1 of the 2 stuck starts" in why
    assert "from weights of 0.1 with noise of 10⁻⁶ the network reaches 97.30 %" in why
    assert "hold" in answers["The lecture"]


def test_what_is_not_so_is_not_said():
    answers, about = said({"baseline": 0.977, "he_normal": 0.9})
    assert "none of the 2 starts measured here is stuck" in answers["What happens"]
    assert "This study has none" in answers["Why"]
    two_constants = {"baseline": 0.977, "constant": 0.36, "all_ones": STUCK}
    assert "no constant with noise" in said(two_constants)[1]["noise"]
    assert "no constant with noise" in about["noise"]
    assert "no deep_default_adam" in about["depth"]
    # Noise that does not help is no reason.
    answers, _ = said(ACCURACIES | {"noise_0_000001": STUCK}, STILL)
    assert "noise" not in answers["Why"]


def test_without_a_baseline_the_best_start_speaks():
    answers, _ = said({"he_normal": 0.9, "xavier_normal": 0.95})
    assert answers["What happens"].startswith("Started from “Xavier normal”")
    assert "could be tested" in answers["The lecture"]


def test_one_seed_has_no_interval():
    answers, _ = said({"baseline": 0.977}, seeds=1)
    assert "classifies 97.70 % of MNIST" in answers["What happens"]
    assert "nan" not in " ".join(answers.values())


def test_figures_are_told_by_their_probes():
    _, about = said(ACCURACIES, STILL)
    assert "In 1 of the 2 starts that never learn" in about["who_moved"]
    assert "in every seed of 1 of 7 starts with ReLU (“fc1 all zeros”)" in about["dead_units"]
    assert "36.00 % without noise, 97.30 % with noise of 10⁻⁶" in about["noise"]
    assert "0.250 with He (theory: 1)" in about["depth"]
    assert "He 90.00 %" in about["depth"]


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)  # fmt: skip
def test_lists_read_as_people_write_them(words, text):
    assert sentences._listed(words) == text
