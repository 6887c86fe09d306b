"""What the page says in sentences: it follows the numbers, in whatever study."""

import pandas as pd
import pytest

from stages.analysis.claims import LECTURE
from stages.analysis.judging import audit
from stages.analysis.outcomes import comparison
from stages.analysis.sources import SOURCES
from stages.rendering import claims, narrative, style
from stages.rendering.environment import environment
from tests import made_up
from tests.made_up import STUCK

SENTENCES = (
    "happens", "why", "lecture", "who_moved", "dead_units", "noise", "depth", "outcomes"
)  # fmt: skip
GAINS = {"deep_default_adam": 1 / 6, "deep_xavier_adam": 1 / 2, "deep_he_adam": 1.0}

ACCURACIES = {
    "baseline": 0.977, "zero_fc1": STUCK, "constant": 0.36, "noise_little": 0.973,
    "noise_much": 0.96, "deep_default_adam": STUCK, "deep_he_adam": 0.9,
}  # fmt: skip
STILL = {
    ("zero_fc1", None, "weight_move"): 0.0, ("zero_fc1", "fc1", "weight_gradient_zeros"): 1.0,
    ("zero_fc1", "fc1", "dead_fraction"): 1.0,
    ("constant", "fc1", "distinct_units"): 1,
    ("noise_little", "fc1", "symmetry_gap"): 0.02,
    ("deep_he_adam", "fc1", "gradient_std"): 0.025, ("deep_he_adam", "fc3", "gradient_std"): 0.1,
}  # fmt: skip


def said(
    accuracies: dict, probed: dict | None = None, gains: dict | None = None, **sections
) -> dict[str, str]:
    """The sentences of a made-up study by their names, each on one line."""
    study, results = made_up.study(accuracies, **sections), made_up.results(accuracies, probed)
    table = comparison(study, results)
    dead = {v: results.probe(v, None, "dead_fraction", -1) for v in accuracies}
    facts = narrative.facts(
        study, results, table,
        claims.rows(study, results, audit((*LECTURE, *SOURCES), study, results)),
        {v: shares.mean() for v, shares in dead.items() if len(shares)},
        depth(results, gains or GAINS),
    )  # fmt: skip
    context = {"study": study, "facts": facts, "estimate": style.of_row}
    module = environment(autoescape=True).get_template("narrative.jinja").make_module(context)
    return {name: " ".join(getattr(module, name)().unescape().split()) for name in SENTENCES}


def depth(results, gains: dict) -> pd.DataFrame:
    """The gradient as depth.csv has it: as probed, and by theory with these gains a layer."""
    rows = [
        {
            "variant": variant, "quantity": "gradient", "depth": i + 1,
            "std": results.probe(variant, layer, "gradient_std", 0).mean(),
            "theory": gain ** ((len(layers) - i) / 2),
        }
        for variant, gain in gains.items()
        if variant in set(results.probes["variant"])
        for layers in [results.layers(variant)[:-1]]
        for i, layer in enumerate(layers)
    ]  # fmt: skip
    columns = ["variant", "quantity", "depth", "std", "theory"]
    return pd.DataFrame(rows, columns=columns)


def test_the_answer_has_the_numbers_that_were_measured():
    words = said(ACCURACIES, STILL)
    assert words["happens"].startswith(
        "Started from “PyTorch default”, the network 784-128-64-10 classifies "
        "97.70 % (95 % interval over 5 seeds: 97.50 to 97.90) of MNIST’s test images correctly. "
        "Nothing is learned from 1 of its 5 starts, and from 1 of 2 of other networks: these score "
        "at most two points more than 11.35 %,"
    )
    assert words["why"] == (
        "Learning takes units that differ and gradients that arrive: units that are equal in all "
        "their weights stay equal (from “all 0.1” the 128 units of the first layer remain copies "
        "of one, and reach 36.00 %); no gradient passes units that answer 0 (in 1 of the 2 stuck "
        "starts, like “fc1 all zeros”, that of the first layer is always exactly 0); a little "
        "noise breaks the tie (from weights of 0.1 with noise of 10⁻⁶ the network reaches "
        "97.30 %)."
    )
    assert words["lecture"] == (
        "Of the lecture's 12 claims 2 do not hold and 10 were not tested; of 12 from the "
        "literature 12 were not tested. These of the lecture's do not hold:"
    )
    assert words["outcomes"].startswith("A seed learns if it ends above 13.35 %, two points more")
    assert "more than 10 points below the baseline" in words["outcomes"]


def test_what_is_not_so_is_not_said():
    words = said({"baseline": 0.977, "he_normal": 0.9})
    assert words["happens"].endswith("and none of the 2 starts measured here is stuck at 11.35 %.")
    assert words["why"].startswith("This study has none of the variants that show why")
    assert words["noise"] == "params.yaml has no constant with noise around it."
    assert words["depth"].startswith("params.yaml has no deep ReLU network")
    assert words["lecture"].startswith("Of the lecture's 12 claims 1 does not hold")
    assert "never" not in words["who_moved"]
    two_constants = said({"baseline": 0.977, "constant": 0.36, "all_ones": STUCK})
    assert two_constants["noise"] == words["noise"]
    assert "of other networks" not in two_constants["happens"]


def test_only_units_that_stay_equal_are_told_of():
    accuracies = {"baseline": 0.977, "constant": 0.36, "constant_small": 0.3, "huge_normal": 0.5}
    equal = {(name, "fc1", "distinct_units"): 1 for name in ("constant", "constant_small")}
    assert "from “all 0.1” the 128 units" in said(accuracies, equal)["why"]


def test_noise_that_does_not_help_is_no_reason():
    words = said(ACCURACIES | {"noise_little": STUCK}, STILL)
    assert "noise" not in words["why"]
    assert words["why"].endswith("is always exactly 0).")
    assert "10⁻⁶, is not enough:" in words["noise"]


def test_without_a_baseline_the_best_start_speaks():
    words = said({"he_normal": 0.9, "xavier_normal": 0.95})
    assert words["happens"].startswith("Started from “Xavier normal”")
    assert words["lecture"] == (
        "Of the lecture's 12 claims 12 were not tested; of 12 from the literature 12 were not "
        "tested."
    )
    assert words["dead_units"].endswith("in every seed of 0 of 2 starts with ReLU.")


def test_one_seed_has_no_interval():
    words = said({"baseline": [0.977]}, seeds=1)
    assert "classifies 97.70 % of MNIST’s" in words["happens"]
    assert not any("nan" in sentence for sentence in words.values())


def test_figures_are_told_by_their_probes():
    words = said(ACCURACIES, STILL)
    assert "In 1 of the 2 starts that never learn, no weight" in words["who_moved"]
    assert f"answers 0 to every one of {made_up.study().probed} images" in words["dead_units"]
    assert words["dead_units"].endswith(
        "in every seed of 1 of 7 starts with ReLU (“fc1 all zeros”); in “PyTorch default” 5.00 % "
        "of the units are dead."
    )
    assert words["noise"] == (
        "The least noise that was tried, 10⁻⁶, is enough: with all weights at 0.1 the network "
        "ends at 36.00 % without noise, 97.30 % with noise of 10⁻⁶ and 96.00 % with noise of "
        "10⁻². The least noise opens a gap of 2·10⁻² between units, and one epoch of training "
        "makes it 0.02."
    )


def test_depth_is_told_by_scheme_beside_theory():
    assert said(ACCURACIES, STILL)["depth"] == (
        "Before training, a hidden layer multiplies the gradient's variance by 1.000 with "
        "PyTorch's default (theory: 1/6) and 0.250 with He (theory: 1). After 3 epochs of Adam: "
        "PyTorch's default 11.35 % and He 90.00 %."
    )


def test_where_theory_says_nothing_it_is_not_told():
    words = said(ACCURACIES, STILL, gains=GAINS | {"deep_he_adam": float("nan")})
    assert "and 0.250 with He. After" in words["depth"]


def test_where_no_gradient_arrives_no_factor_is_told():
    dead = {("deep_he_adam", "fc3", "gradient_std"): 0.0}
    words = said({"baseline": 0.977, "deep_he_adam": STUCK}, dead)
    assert words["depth"] == "After 3 epochs of Adam: He 11.35 %."


def test_a_network_without_relu_has_no_dead_units():
    words = said({"baseline": 0.9}, network={"activation": "tanh"})
    assert words["dead_units"].endswith("No network of this study has ReLU units.")


@pytest.mark.parametrize("label", ["<b>bold</b>", "a & b"])
def test_a_label_is_shown_as_it_is(label):
    words = said({"baseline": 0.9}, display={"baseline": {"label": label}})
    assert f"Started from “{label}”" in words["happens"]
