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
    ("deep_default_adam", "fc1", "gradient_std"): 0.00009,
    ("deep_he_adam", "fc1", "gradient_std"): 0.025, ("deep_he_adam", "fc3", "gradient_std"): 0.1,
}  # fmt: skip


def said(
    accuracies: dict, probed: dict | None = None, gains: dict | None = None, **sections
) -> dict[str, str]:
    """The sentences of a made-up study by their names, each on one line and without its tags."""
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
    return {name: getattr(module, name)().striptags() for name in SENTENCES}


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
    assert words["happens"] == (
        "Started from “PyTorch default”, the network 784-128-64-10 gets 97.70 % of MNIST’s test "
        "images right (95 % interval over 5 seeds: 97.50 to 97.90). Nothing is learned from 2 of "
        "the 7 starts: these score at most two points more than 11.35 %, which naming the "
        "commonest class every time scores. 1 start learns only partly: more than 10 points less "
        "than the baseline."
    )
    assert words["why"] == (
        "A gradient must reach the first layer. In 1 of the 2 stuck starts (“fc1 all zeros”) it is "
        "always exactly 0 there. In 1 of 2 (“deep, default, Adam”) it fades with depth, to less "
        "than a thousandth of what the last hidden layer gets. Units must differ. Units that are "
        "equal in all their weights stay equal, and are worth one. “all 0.1” keeps 128 copies of "
        "one, and reaches 36.00 %. Noise makes them differ. A little noise is enough: 10⁻⁶ around "
        "0.1, the least that was tried (97.30 %)."
    )
    assert words["lecture"] == (
        "Of the lecture's 12 claims 2 do not hold and 10 were not tested. Of 12 from the "
        "literature 12 were not tested."
    )
    assert words["outcomes"].startswith("A seed learns if it ends above 13.35 %, two points more")
    assert "more than 10 points below the baseline" in words["outcomes"]


def test_what_is_not_so_is_not_said():
    words = said({"baseline": 0.977, "he_normal": 0.9})
    assert words["happens"].endswith(
        "None of the 2 starts is stuck at 11.35 %, the share of the commonest class."
    )
    assert words["why"].startswith("This study has none of the variants that show why")
    assert words["noise"] == "params.yaml has no constant with noise around it."
    assert words["depth"].startswith("params.yaml has no deep ReLU network")
    assert words["lecture"].startswith("Of the lecture's 12 claims 1 does not hold")
    assert "never" not in words["who_moved"]
    two_constants = said({"baseline": 0.977, "constant": 0.36, "all_ones": STUCK})
    assert two_constants["noise"] == words["noise"]
    assert "no cause was found: “all ones”." in two_constants["why"]


@pytest.mark.parametrize(
    ("hidden", "names"),
    [
        ([5], ["image", "fc1", "out"]),
        ([128, 64], ["image", "fc1", "fc2", "out"]),
        ([8] * 30, ["image", "fc1", "…", "fc30", "out"]),
    ],
)
def test_a_drawing_has_room_for_any_network(hidden, names):
    drawn = narrative.columns(hidden)
    assert [one["name"] for one in drawn] == names
    assert [one["size"] for one in drawn if one["size"]][1] == hidden[0]


def test_every_stuck_start_has_one_cause():
    accuracies = ACCURACIES | {"all_ones": STUCK, "all_zero": STUCK, "tiny_normal": STUCK}
    probed = STILL | {
        ("all_zero", "fc1", "weight_gradient_zeros"): 1.0,
        ("all_zero", "fc1", "distinct_units"): 1,  # the gradient comes first
        ("all_ones", "fc1", "distinct_units"): 1,
    }
    why = said(accuracies, probed)["why"]
    assert "In 2 of the 5 stuck starts (like “fc1 all zeros”) it is always exactly 0" in why
    assert "In 1 of 5 (“deep, default, Adam”) it fades with depth" in why
    assert "For 1 of 5 no cause was found: “normal, tiny”." in why
    equal = "In 1 of the 5 stuck starts (“all ones”) a gradient comes, but the first layer’s units "
    assert f"{equal}are equal." in why
    died = probed | {("all_ones", "fc1", "dead_fraction"): 1.0}
    assert f"{equal}are equal, and dead at the end." in said(accuracies, died)["why"]


def test_a_pattern_makes_units_differ_as_noise_does():
    words = said(ACCURACIES | {"hadamard": 0.976, "identity": 0.97}, STILL)["why"]
    assert words.endswith(
        "What makes them differ need not be random. A little noise is enough: 10⁻⁶ around "
        "0.1, the least that was tried (97.30 %). So is a fixed pattern: “Hadamard rows” (97.60 %)."
    )
    alone = said({"baseline": 0.977, "identity": 0.97})["why"]
    assert "A fixed pattern is enough: “identity” (97.00 %)." in alone
    stuck = said({"baseline": 0.977, "identity": STUCK})["why"]
    assert "pattern" not in stuck


def test_more_noise_that_ends_lower_is_told_with_what_goes_with_it():
    lower = "More noise than 10⁻⁶ ends lower (10⁻²: the 95 % interval"
    unexplained = said(ACCURACIES, STILL)["noise"]
    assert lower in unexplained
    assert unexplained.endswith("Why is not explained: the shares of dead units in fc1 do not tell "
                                "them apart.")  # fmt: skip
    dead = STILL | {("noise_much", "fc1", "dead_fraction"): 0.8}
    assert said(ACCURACIES, dead)["noise"].endswith(
        "What goes with it: more of fc1’s units are dead at the end, 5.00 % with 10⁻⁶ and 80.00 % "
        "with 10⁻². Whether that is the whole reason was not tested."
    )
    assert "More noise" not in said(ACCURACIES | {"noise_much": 0.975}, STILL)["noise"]
    assert "More noise" not in said(ACCURACIES | {"noise_much": STUCK}, STILL)["noise"]


def test_only_units_that_stay_equal_are_told_of():
    accuracies = {"baseline": 0.977, "constant": 0.36, "constant_small": 0.3, "huge_normal": 0.5}
    equal = {(name, "fc1", "distinct_units"): 1 for name in ("constant", "constant_small")}
    assert "“all 0.1” keeps 128 copies of one" in said(accuracies, equal)["why"]


def test_noise_that_does_not_help_is_no_reason():
    words = said(ACCURACIES | {"noise_little": STUCK}, STILL)
    assert "enough" not in words["why"]
    assert words["why"].endswith("and reaches 36.00 %.")
    assert "10⁻⁶, is not enough:" in words["noise"]


def test_without_a_baseline_the_best_start_speaks():
    words = said({"he_normal": 0.9, "xavier_normal": 0.95})
    assert words["happens"].startswith("Started from “Xavier normal”")
    assert words["lecture"] == (
        "Of the lecture's 12 claims 12 were not tested. Of 12 from the literature 12 were not "
        "tested."
    )
    assert words["dead_units"].endswith("in every seed of 0 of 2 starts with ReLU.")


def test_one_seed_has_no_interval():
    words = said({"baseline": [0.977]}, seeds=1)
    assert "gets 97.70 % of MNIST’s test images right. No start is stuck" in words["happens"]
    assert not any("nan" in sentence for sentence in words.values())


def test_figures_are_told_by_their_probes():
    words = said(ACCURACIES, STILL)
    assert "In 1 of the 2 starts that never learn, no weight" in words["who_moved"]
    assert f"answers 0 to every one of {made_up.study().probed} images" in words["dead_units"]
    assert words["dead_units"].endswith(
        "in every seed of 1 of 7 starts with ReLU (“fc1 all zeros”); in “PyTorch default” 5.00 % "
        "of the units of all hidden layers together are dead."
    )
    assert words["noise"].startswith(
        "The least noise that was tried, 10⁻⁶, is enough: with all weights at 0.1 the network "
        "ends at 36.00 % without noise, 97.30 % with noise of 10⁻⁶ and 96.00 % with noise of "
        "10⁻². The least noise opens a gap of 2·10⁻² between units, and one epoch of training "
        "makes it 0.02."
    )


def test_depth_is_told_by_scheme_beside_theory():
    assert said(ACCURACIES, STILL)["depth"] == (
        "Before training, a hidden layer multiplies the gradient's variance by 0.001 with "
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
