"""Page, note, summary and README of changed studies: true sentences, and no false ones."""

import numpy as np
import pandas as pd
import pytest

from stages.analysis import initializations
from stages.analysis.report import Report
from stages.rendering import claims, note, page, summary
from stages.settings import labels, plans
from stages.settings.params import Params
from tests import made_up
from tests.made_up import DISAGREE, STUCK
from tools import readme

ENOUGH = ["is enough.", "opens a symmetry gap"]
SPREAD = [0.15, 0.15, 0.15, 0.15, 0.95]
DEAD = {("all_ones", "fc1", "dead_fraction"): 1.0, ("all_ones", "fc1", "distinct_units"): 1}
LEARNS = dict.fromkeys(("baseline", "constant"), 0.9)

# By the change: accuracies, sections of params.yaml, sentences that are true, and false ones.
STUDIES = {
    "noise without an effect": (
        {"baseline": 0.2, "constant": 0.1625, "noise_little": 0.163}, {},
        ["16.30 %"], ENOUGH,
    ),
    "one unit": (
        {"all_ones": STUCK, "constant": 0.36, "noise_little": 0.9}, {"network": {"hidden": [1, 8]}},
        ["then all its units died"], [*ENOUGH, "all units of the first layer are equal", "copies"],
    ),
    "no baseline": (
        {"constant": 0.36, "he_normal": 0.97}, {},
        ["No intervals of differences", "this study has none", "initlab trains 2 variants: 2 of"],
        ["classifies", "only partly: more than", "others are compared"],
    ),
    "a stuck baseline": (
        {"baseline": STUCK, "identity": [0.098] * 5}, {},
        ["they need a `baseline` that learns", "2 of 2 variants learn nothing"],
        ["−1.55", "others are compared", ", compared with the baseline"],
    ),
    "all ones alone": (
        {"all_ones": STUCK}, {},
        ["In 1 of 1 stuck variant (“all ones”) a gradient reached the first layer; then all its "
         "units died, and dead units let no gradient through."],
        ["Units must differ.", "Surprises", "none of the measured causes"],
    ),
    "no heat maps": (
        made_up.ACCURACIES, {}, ["**Noise of one millionth is enough.**", "Surprises"],
        ["map_tanh_depth", "Theory predicts", "Where is learning possible"],
    ),
    "one seed": (
        {name: [0.9] for name in LEARNS}, {"seeds": 1},
        ["there are no intervals", "needs 2 seeds", "Each is trained once."],
        ["95 % interval over 1"],
    ),
    "seeds disagree": (
        {"baseline": 0.9, "constant": DISAGREE}, {},
        ["In 1 variant the seeds disagree", "3 of 5 learn"], ["62.3", "62.4", "only partly: more"],
    ),
    "seeds far apart": (
        {"baseline": 0.9, "identity": SPREAD}, {},
        ["31.00 % | 0.00 – 75.42 %", "−100.00 to −1"], ["−13.", "−103."],
    ),
    "other data and optimizer": (
        LEARNS, {"data": {"name": "kmnist"}, "training": {"optimizer": "sgd", "lr": 0.01}},
        ["measured on KMNIST", "[[Stochastic gradient descent]] with learning rate 0.01",
         "2 variants on KMNIST: 2 of"],
        ["measured on MNIST", "[[Adam]] with", "24 of"],
    ),
    "an optimizer of files alone": (
        LEARNS, {"training": {"optimizer": "adamw"}}, ["AdamW with learning rate 0.001"],
        ["Try an initialization"],
    ),
}  # fmt: skip


class Charts(dict):
    """Charts without a specification, whatever their names."""

    def __missing__(self, name: str) -> dict:
        return {"table": name, "spec": {"height": 100}}


@pytest.fixture(autouse=True)
def _tables(tmp_path, monkeypatch) -> None:
    """The tables of evaluate that the page reads, without the pictures."""
    pd.DataFrame(columns=["file", "sha256"]).to_csv(tmp_path / "files.csv")
    columns = ["variant", "seed", "epoch", "dead_fraction"]
    pd.DataFrame(columns=columns).to_csv(tmp_path / "dead_units.csv")
    columns = ["variant", "quantity", "depth", "std", "theory"]
    pd.DataFrame(columns=columns).to_csv(tmp_path / "depth.csv")
    sample = {
        f"{split}/{what}": np.zeros(1)
        for split in ("train", "test")
        for what in ("pixels", "labels")
    }
    monkeypatch.setattr(page.trying, "load_file", lambda _: sample)
    monkeypatch.setattr(page.images, "films", lambda _: {"images": [], "variants": {}, "pair": []})
    monkeypatch.setattr(page.page_tables, "gathered", lambda *_: {})
    monkeypatch.setattr(page.vl_convert, "javascript_bundle", str)
    monkeypatch.setattr(page, "specifications", lambda _: Charts())


def texts(report: Report, folder) -> str:
    """All that readers see, one below the other."""
    report = Report(**{**vars(report), "reports": folder, "tables": folder})
    rows = claims.rows(report)
    html = page.text(report, rows, {}).partition('<script type="application/json"')[0]
    return "\n".join(
        (html, note.text(report, rows), readme.measured(report), summary.as_markdown(report))
    )


def check(text: str, true: list[str], false: list[str]) -> None:
    assert [sentence for sentence in true if sentence not in text] == []
    assert [sentence for sentence in false if sentence in text] == []


@pytest.mark.parametrize("change", STUDIES)
def test_reports_of_a_changed_study_state_what_is_true_of_it(change, tmp_path):
    accuracies, sections, true, false = STUDIES[change]
    check(texts(made_up.report(accuracies, DEAD, **sections), tmp_path), true, false)


def test_a_variant_with_a_seed_that_diverges_has_no_mean(tmp_path):
    results = made_up.diverge(made_up.results(LEARNS), "constant", 0)
    text = texts(made_up.report_of(results), tmp_path)
    check(
        text, ["1 of 5 diverge", "In 1 variant the seeds disagree"], ["all 0.1” reaches", "nan %"]
    )


DEEP = {"network": {"hidden": {"width": 8, "depth": 30}}}
TENTH = {"constant": {"val": 0.1}}


@pytest.mark.parametrize(
    ("label", "entry", "shown"),
    [
        ("all 0.1", made_up.everywhere(TENTH), True),
        ("all 0.1", made_up.everywhere({"constant": {"val": 0.2}}, TENTH), False),
        ("all 0.1", made_up.everywhere(TENTH, {"constant": {"val": 0.2}}), False),
        ("all −0.1", made_up.everywhere(TENTH), False),
        ("0.1 + noise of 10⁻⁶", made_up.noise(1e-6), True),
        ("0.1 + noise of 10⁻⁶", made_up.noise(1e-5), False),
        ("0.1 + noise of 3·10⁻³", made_up.noise(3e-3), True),
        ("normal with σ 1", made_up.everywhere({"normal": {}}, "zeros"), True),
        ("normal with σ 1", made_up.everywhere({"normal": {"std": 0.5}}, "zeros"), False),
        ("U(±0.05)", made_up.everywhere({"uniform": {"a": -0.05, "b": 0.05}}, "zeros"), True),
        ("variance 0.05", made_up.everywhere({"normal": {"std": 0.2236068}}, "zeros"), True),
        ("biases 0.1", {"all": {"bias": TENTH}}, True),
        ("lr 0.01", {"training": {"lr": 0.02}}, False),
        ("30 linear layers", DEEP, True),
        ("20 layers", DEEP, False),
        ("LeCun 1998, U(±1/√n), 50 % of v0.1", {}, True),
    ],
)
def test_a_label_with_another_value_than_the_variants_is_not_shown(label, entry, shown):
    values = made_up.SETTINGS | {"variants": {"own": entry}, "display": {"own": {"label": label}}}
    settings = Params.model_validate(values)
    kept, lines = labels.true_ones(settings, plans.resolve(settings))
    assert kept.label_of("own") == (label if shown else "own")
    assert len(lines) == (not shown) and all("params.yaml: display.own.label" in x for x in lines)


def test_the_default_is_recognized_when_its_weights_are_spelled_out():
    entry = {"all": {"weight": {"kaiming_uniform": {"a": 2.23606797749979}}}}
    found = made_up.study(["baseline", "own"], variants={"own": entry}).variants
    assert initializations.default(found["own"].plan)
    assert not initializations.default(made_up.study(["tanh_usual"]).variants["tanh_usual"].plan)
