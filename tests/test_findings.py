"""Findings: each is measured where it is true and left out where it is not, with its sentence."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import markdown_it
import pytest
from jinja2.environment import TemplateModule

from stages.analysis import findings, outcomes
from stages.analysis.results import Results
from stages.rendering.environment import environment
from tests import made_up
from tests.made_up import DISAGREE, STUCK

BASE = {"baseline": 0.977}
UNDER_SGD = {
    "baseline": 0.977,
    "noise_little": 0.973,
    "noise_little_sgd": STUCK,
    "baseline_sgd": 0.92,
}
NOISE = BASE | {"constant": 0.36, "noise_little": 0.973, "noise_much": 0.96}
DEEP = BASE | {"deep_default_adam": STUCK, "deep_he_adam": 0.9}
SILENT = ("zero_fc1", "fc1", "weight_gradient_zeros")
DEAD = ("zero_fc1", "fc2", "dead_fraction")
ONES, TENTH = (("all_ones", "fc1", "distinct_units"), ("constant", "fc1", "distinct_units"))
FADING = ("deep_default_adam", "fc1", "gradient_std")
GONE = ("all_ones", "fc1", "dead_fraction")

# Accuracies and probes with which a finding is true, those with which it is not, and what its
# sentence shows.
CASES = [
    ("baseline", BASE, {"baseline": DISAGREE}, "97.70 %|97.50 to 97.90"),
    ("stuck", BASE | {"all_ones": STUCK}, BASE, "1 of 2 variants|11.35 %"),
    ("partly", BASE | {"constant": 0.8}, BASE | {"constant": 0.9}, "1 variant learns"),
    ("disagree", {"constant": DISAGREE}, {"constant": 0.9}, "1 variant"),
    ("differences", BASE | {"constant": 0.9, "he_normal": 0.98}, BASE,
     "2 differences|1 is below 0|1 above"),
    ("no_gradient", {"zero_fc1": STUCK, SILENT: 1.0}, {"zero_fc1": STUCK, SILENT: 0.99},
     "1 of 1 stuck variant|“fc1 all zeros”"),
    ("dead_at_end", {"all_ones": STUCK, GONE: 1.0}, {"all_ones": STUCK, GONE: 0.99}, "“all ones”"),
    ("fading_gradient", DEEP | {FADING: 0.00009}, DEEP | {FADING: 0.0002}, "“deep, default, Adam”"),
    ("unexplained", {"all_ones": STUCK, ONES: 1}, {"all_ones": STUCK, GONE: 1.0},
     "“all ones”. In every measurement of “all ones”, all units of the first layer are equal"),
    ("equal_units", BASE | {"constant": 0.36, TENTH: 1}, BASE | {"constant": 0.36, TENTH: 2},
     "“all 0.1”|128 copies|36.00 %"),
    ("zero_layer", {"zero_fc1": STUCK, "all_zero": STUCK, "zero_out": 0.976},
     {"zero_fc1": 0.5, "all_zero": STUCK, "zero_out": 0.976}, "“fc1 all zeros”|97.60 %"),
    ("little_noise", NOISE, NOISE | {"noise_little": 0.36, "noise_much": STUCK},
     "0.1|10⁻⁶|97.30 %|36.00 %"),
    ("little_noise", NOISE, NOISE | {"constant": 0.875}, "97.30 %; without noise, 36.00"),
    ("little_noise", NOISE | {"noise_little": 0.5}, NOISE | {"constant": DISAGREE},
     "10⁻²|96.00 %|36.00 %"),
    ("optimizer", UNDER_SGD, UNDER_SGD | {"noise_little_sgd": 0.9},
     "97.30 % under Adam and at 11.35 % under SGD (best of 5 seeds)|default, SGD” ends at 92"),
    ("optimizer", UNDER_SGD, UNDER_SGD | {"noise_little": 0.5}, "under SGD"),
    ("pattern", {"identity": 0.96, "hadamard": 0.97}, {"identity": STUCK}, "“Hadamard rows”|97.00"),
    ("dead_layers", {"zero_fc1": STUCK, DEAD: 1.0, "tanh_usual": 0.9},
     {"zero_fc1": STUCK, DEAD: 0.9}, "1 of 1 variant with ReLU"),
    ("depth", DEEP, {"he_normal": 0.9},
     "3 hidden layers|2 epochs|“deep, default, Adam” ends at 11.35 %|“deep, He, Adam” ends at 90"),
]  # fmt: skip
ALSO = {"stuck": ["still"], "depth": ["depth_gain"]}
LABELS = ["<b>bold</b> & a|b", '*a* _b_ `c` "d"', "[a](http://b) <!-- x -->"]


def made(changes: dict, **sections) -> Results:
    """Results with these accuracies and probes."""
    accuracies = {key: value for key, value in changes.items() if isinstance(key, str)}
    probed = {key: value for key, value in changes.items() if isinstance(key, tuple)}
    return made_up.results(accuracies, probed, **sections)


def measured(changes: dict, **sections) -> dict:
    results = made(changes, **sections)
    return findings.measure(results, outcomes.comparison(results), [])


@cache
def sentences(html: bool) -> TemplateModule:
    return environment(autoescape=html).get_template("findings.jinja").module


def sentence(name: str, found: dict, of: str | None = None, html: bool = False) -> str:
    return str(getattr(sentences(html), name)(found[of or name])).strip()


@pytest.mark.parametrize(("name", "true", "false", "shown"), CASES)
def test_a_finding_is_measured_where_it_is_true_and_left_out_elsewhere(name, true, false, shown):
    found = measured(true)
    words = sentence(name, found)
    assert all(part in words for part in shown.split("|")), words
    assert name not in measured(false)


EXPLAINED = ("no_gradient", "dead_at_end", "fading_gradient", "unexplained")


def test_every_finding_has_a_case():
    names = {function.__name__ for function in findings.FINDINGS} | {"differences", *EXPLAINED}
    assert names == {name for name, *_ in CASES}


def test_every_stuck_variant_has_one_explanation():
    accuracies = dict.fromkeys(
        ("zero_fc1", "all_zero", "all_ones", "tiny_normal", "deep_default_adam"), STUCK
    )
    silent = ("all_zero", "fc1", "weight_gradient_zeros"), ("all_zero", "fc1", "distinct_units")
    found = measured(accuracies | dict.fromkeys((SILENT, *silent, GONE), 1) | {FADING: 0.00009})
    rows = {name: [row.variant for row in found[name]["rows"]] for name in EXPLAINED}
    assert rows == {
        "no_gradient": ["zero_fc1", "all_zero"], "dead_at_end": ["all_ones"],
        "fading_gradient": ["deep_default_adam"], "unexplained": ["tiny_normal"],
    }  # fmt: skip
    assert found["stuck"]["count"] == found["no_gradient"]["of"] == 5


def test_stuck_variants_whose_weights_never_moved_are_counted():
    found = measured({"all_ones": STUCK, "zero_fc1": STUCK, ("all_ones", None, "weight_move"): 0.0})
    assert "1 of 2 variants" in sentence("still", found, "stuck")


def test_a_gradient_below_equal_output_units_is_rounding():
    rounding = {("all_ones", "out", "symmetry_gap"): 0.0}
    faded = {("all_ones", "fc1", "gradient_std"): 1e-8}
    for probes in ({GONE: 1.0}, faded):
        assert "unexplained" in measured({"all_ones": STUCK} | probes | rounding)


def test_a_layer_of_one_unit_has_no_finding_about_equal_units():
    one = {"network": {"hidden": [1, 8]}}
    found = measured({"all_ones": STUCK, ONES: 1}, **one)
    assert found["unexplained"]["equal"] == []
    assert "little_noise" not in measured(NOISE, **one)


@pytest.mark.parametrize(
    "entry",
    [made_up.noise(0.05), made_up.noise(1e-6) | {"fc1": {"bias": "zeros"}}],
    ids=["a large noise", "other biases"],
)
def test_little_noise_compares_variants_with_little_noise_and_equal_biases(entry):
    assert "little_noise" not in measured(
        {"constant": 0.36, "noisy": 0.97}, variants={"noisy": entry}
    )


def test_one_seed_has_no_interval():
    assert sentence("baseline", measured({"baseline": [0.977]}, seeds=1)).endswith("correctly.")


def test_zero_layer_compares_another_activation():
    tanh = {"network": {"activation": "tanh"}} | made_up.EVERY["zero_fc1"][2]
    stuck = {"zero_fc1": STUCK, "all_zero": STUCK, "other": 0.95}
    found = measured(stuck, variants={"other": tanh})
    assert "tanh" in sentence("zero_layer", found) and "95.00 %" in sentence("zero_layer", found)


def test_gradient_gains_of_deep_networks_are_measured_and_compared_with_theory():
    gains = made_up.fading("deep_default_adam", 3, 1 / 8) | made_up.fading("deep_he_adam", 3, 1)
    words = sentence("depth_gain", measured(DEEP | gains), "depth")
    assert "0.125 (“deep, default, Adam”; theory: 1/6)" in words
    assert "1.000 (“deep, He, Adam”; theory: 1)" in words
    unknown = gains | made_up.fading("deep_he_adam", 3, 0)
    assert "He" not in sentence("depth_gain", measured(DEEP | unknown), "depth")


@pytest.fixture(scope="module", params=LABELS)
def everything(request) -> dict:
    """Every finding of a study in which all variants have the same label."""
    accuracies = made_up.ACCURACIES | UNDER_SGD
    probed = made_up.PROBED | {FADING: 0.00009, GONE: 1.0}
    results = made_up.results(accuracies, probed)
    variants = results.study.variants.items()
    labelled = {name: replace(variant, label=request.param) for name, variant in variants}
    results = replace(results, study=replace(results.study, variants=labelled))
    found = findings.measure(results, outcomes.comparison(results), [])
    shares = [SimpleNamespace(estimate=SimpleNamespace(mean=share)) for share in (0.9, 0.1)]
    claim = SimpleNamespace(id="trainable_to_depth")
    trainable = findings.trainable([SimpleNamespace(claim=claim, parts=shares)])
    return found | {"trainable": trainable}


def test_every_sentence_is_whole_and_shows_labels_as_text(everything):
    assert everything.keys() == {name for name, *_ in CASES} | {"trainable"}
    for name in everything:
        for macro in (name, *ALSO.get(name, ())):
            html = sentence(macro, everything, name, html=True)
            markdown = markdown_it.MarkdownIt().render(sentence(macro, everything, name))
            for text in (html, markdown.removeprefix("<p>").removesuffix("</p>\n")):
                assert text.endswith(".") and "nan" not in text and "None" not in text
                assert "<" not in text, f"{macro}: {text}"
            assert ("“" in html) == ("“" in markdown)
