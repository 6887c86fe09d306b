"""Made-up studies with made-up results, for the tests of reports."""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.analysis import judging
from stages.analysis.maps import Map
from stages.analysis.report import Report
from stages.analysis.results import Results
from stages.analysis.statistics import Estimate, t_interval, wilson_interval
from stages.analysis.study import Study, Variant
from stages.check import described
from stages.settings import plans
from stages.settings.params import Params
from stages.training import probes
from tests.initializations import TWICE

SETTINGS: dict[str, Any] = {
    "data": {"name": "mnist"},
    "seeds": 5,
    "network": {"hidden": [128, 64], "activation": "relu"},
    "training": {"epochs": 10, "batch_size": 64, "optimizer": "adam", "lr": 0.001},
}
COMMONEST, LEARNED_ABOVE = 0.1135, 0.1335
IMAGES = 10_000
EPOCHS = 3
STUCK = [COMMONEST] * 5
DISAGREE = [0.96, COMMONEST, 0.97, 0.96, COMMONEST]  # three seeds learn, two do not


def everywhere(weight: str | dict, bias: str | dict | None = None) -> dict:
    """The entry of a variant that fills all layers alike, and biases like weights by default."""
    return {"all": {"weight": weight, "bias": weight if bias is None else bias}}


def constant(value: float) -> dict:
    return {"constant": {"val": value}}


def noise(std: float) -> dict:
    """The entry of a variant with weights 0.1 + N(0, std²)."""
    return everywhere({"normal": {"mean": 0.1, "std": std}}, constant(0.1))


ORTHOGONAL = everywhere("orthogonal", "zeros")
XAVIER = everywhere("xavier_normal", "zeros")
HADAMARD = everywhere({"hadamard": {"gain": 2**0.5}}, "zeros")
HE = everywhere({"kaiming_normal": {"nonlinearity": "relu"}}, "zeros")
GAUSSIAN = everywhere({"kaiming_normal": {"nonlinearity": "linear"}}, "zeros")
DEEP = {"network": {"hidden": [16, 16, 16]}, "training": {"epochs": 2}}
SGD = {"epochs": 2, "optimizer": "sgd", "lr": 0.01}
THIRTY = {"network": {"hidden": [64] * 30}, "training": SGD}
DEEP_LINEAR = {"network": {"hidden": [64] * 30, "activation": "linear"}, "training": SGD}
TANH = {
    "network": {"hidden": [128] * 5, "activation": "tanh"},
    "training": {"optimizer": "sgd", "lr": 0.01},
}
UNDER_SGD = {"training": {"optimizer": "sgd", "lr": 0.01}}
TINY = everywhere({"normal": {"std": 0.0001}}, "zeros")
TANH_USUAL = TANH | everywhere({"kaiming_uniform": {"a": 5**0.5}}, "zeros")

# By variant: its group, label, entry in params.yaml, and an accuracy that agrees with theory.
Variants = dict[str, tuple[str, str, dict, float | list[float]]]
VARIANTS: Variants = {
    "baseline": ("lecture", "PyTorch default", {}, 0.977),
    "zero_fc1": ("lecture", "fc1 all zeros", {"fc1": {"weight": "zeros", "bias": "zeros"}}, STUCK),
    "all_zero": ("lecture", "all zeros", everywhere("zeros"), STUCK),
    "all_ones": ("lecture", "all ones", everywhere("ones"), STUCK),
    "zero_out": ("zeros", "out all zeros", {"out": {"weight": "zeros", "bias": "zeros"}}, 0.976),
    "zero_weights": ("zeros", "weights zero", {"all": {"weight": "zeros"}}, DISAGREE),
    "constant_negative": ("constants", "all −0.1", everywhere(constant(-0.1)), STUCK),
    "constant_small": ("constants", "all 0.01", everywhere(constant(0.01)), 0.35),
    "constant": ("constants", "all 0.1", everywhere(constant(0.1)), 0.36),
    "constant_fc1": ("symmetry", "fc1 all 0.1", {"fc1": everywhere(constant(0.1))["all"]}, 0.97),
    "noise_little": ("symmetry", "0.1 + noise of 10⁻⁶", noise(1e-6), 0.973),
    "noise_much": ("symmetry", "0.1 + noise of 10⁻²", noise(1e-2), 0.96),
    "xavier_normal": ("schemes", "Xavier normal", XAVIER, 0.976),
    "he_normal": ("schemes", "He normal", HE, 0.976),
    "orthogonal": ("schemes", "orthogonal", ORTHOGONAL, 0.976),
    "tiny_normal": ("schemes", "normal, tiny", TINY, 0.97),
    "huge_normal": ("schemes", "normal, huge", everywhere({"normal": {"std": 1.0}}, "zeros"), 0.85),
    "identity": ("deterministic", "identity", everywhere("eye", "zeros"), 0.97),
    "hadamard": ("deterministic", "Hadamard rows", HADAMARD, 0.977),
    "deep_default_adam": ("depth", "deep, default, Adam", DEEP, STUCK),
    "deep_xavier_adam": ("depth", "deep, Xavier, Adam", DEEP | XAVIER, 0.75),
    "deep_he_adam": ("depth", "deep, He, Adam", DEEP | HE, 0.9),
}  # fmt: skip
# The other variants that claims of the literature need.
LITERATURE: Variants = {
    "duplicated": ("sources", "every unit twice", TWICE, 0.97),
    "xavier_uniform": ("sources", "Xavier uniform", everywhere("xavier_uniform", "zeros"), 0.976),
    "tanh_usual": ("sources", "tanh, usual", TANH_USUAL, 0.85),
    "tanh_xavier": ("sources", "tanh, Xavier", TANH | XAVIER, 0.9),
    "thirty_default": ("sources", "30 layers, default", THIRTY, STUCK),
    "thirty_xavier": ("sources", "30 layers, Xavier", THIRTY | XAVIER, STUCK),
    "thirty_he": ("sources", "30 layers, He", THIRTY | HE, 0.9),
    "thirty_lsuv": ("sources", "30 layers, LSUV", THIRTY | everywhere("lsuv", "zeros"), 0.91),
    "deep_linear_gaussian": ("sources", "30 linear layers, Gaussian", DEEP_LINEAR | GAUSSIAN, 0.7),
    "deep_linear_orthogonal": ("sources", "30 linear, orthogonal", DEEP_LINEAR | ORTHOGONAL, 0.9),
    "baseline_sgd": ("optimizer", "PyTorch default, SGD", UNDER_SGD, 0.92),
    "noise_little_sgd": ("optimizer", "noise of 10⁻⁶, SGD", UNDER_SGD | noise(1e-6), STUCK),
    "tiny_normal_sgd": ("optimizer", "normal, tiny, SGD", UNDER_SGD | TINY, STUCK),
    "identity_sgd": ("optimizer", "identity, SGD", UNDER_SGD | everywhere("eye", "zeros"), 0.87),
}
EVERY = VARIANTS | LITERATURE
ACCURACIES = {name: accuracy for name, (*_, accuracy) in VARIANTS.items()}
EVERY_ACCURACY = {name: accuracy for name, (*_, accuracy) in EVERY.items()}

# The default values of probes: a network that learns.
HEALTHY = {
    "distinct_units": 64, "symmetry_gap": 1.5, "activation_rank": 30.0,
    "dead_fraction": 0.05, "activation_mean": 0.5, "activation_std": 1.0, "signal_std": 1.0,
    "gradient_std": 0.1, "weight_gradient_norm": 0.2, "bias_gradient_norm": 0.1,
    "weight_gradient_zeros": 0.0, "bias_gradient_zeros": 0.0, "weight_move": 0.5,
    "bias_move": 0.1, "weight_moved_at": 1, "bias_moved_at": 1,
}  # fmt: skip
assert HEALTHY.keys() == {*probes.Layer.__dataclass_fields__} - {"layer"}


def fading(variant: str, hidden: int, gain: float) -> dict:
    """Gradients of a variant: each layer multiplies their variance by a gain."""
    layers = range(1, hidden + 1)
    return {(variant, f"fc{i}", "gradient_std"): gain ** ((hidden - i) / 2) for i in layers}


def _of(variant: str, layers: Iterable[str | None] = (None,), **columns: float | None) -> dict:
    return {(variant, layer, column): columns[column] for layer in layers for column in columns}


# By variant, layer (None: all hidden ones) and column: values that agree with theory.
PROBED = {
    **_of("all_zero", (None, "out"), weight_gradient_zeros=1.0, weight_gradient_norm=0.0),
    **_of("all_zero", (None, "out"), weight_move=0.0),
    **_of("all_zero", bias_move=0.0, weight_moved_at=None, bias_moved_at=None, activation_rank=0.0),
    **_of("all_zero", ["out"], signal_std=0.0),
    **_of("zero_fc1", weight_move=0.0),
    **_of("zero_fc1", ["out"], signal_std=0.0),
    **_of("zero_fc1", ["fc1"], weight_gradient_zeros=1.0, dead_fraction=1.0),
    **_of("all_ones", symmetry_gap=0.0, distinct_units=1),
    **_of("constant_small", symmetry_gap=0.0, distinct_units=1),
    **_of("constant", symmetry_gap=0.0, distinct_units=1),
    ("constant_fc1", "fc1", "symmetry_gap"): 0.0,
    ("duplicated", "fc1", "distinct_units"): 64,
    ("deep_linear_gaussian", "fc30", "activation_rank"): 5.0,
    **fading("tanh_usual", 5, 1 / 3), **fading("tanh_xavier", 5, 1.0),
    **fading("thirty_he", 30, 1.0), **fading("thirty_xavier", 30, 0.5),
}  # fmt: skip


def study(names: Iterable[str] = VARIANTS, display: dict | None = None, **sections) -> Study:
    """A study with some of EVERY.

    `display` changes labels and groups, and `sections` settings: `network={"hidden": [16]}`;
    `variants={"other": {}}` adds entries.
    """
    settings = SETTINGS | {
        "display": {v: {"group": group, "label": label} for v, (group, label, *_) in EVERY.items()},
        "variants": {v: entry for v, (_, _, entry, _) in EVERY.items()},
    }
    for name, section in (sections | {"display": display or {}}).items():
        settings[name] = settings[name] | section if isinstance(section, dict) else section
    variants: dict[str, Variant] = {}
    for name in names:  # one by one, so that few are resolved, and each only once
        own = {
            key: {name: settings[key][name]} if name in settings[key] else {}
            for key in ("variants", "display")
        }
        resolved = _resolved(json.dumps(settings | own))
        variants |= resolved.variants
    return replace(resolved, variants=variants)


@cache
def _resolved(params: str) -> Study:
    settings = Params.model_validate(json.loads(params))
    return Study.of(json.loads(json.dumps(described(settings, plans.resolve(settings)))))


def report(
    accuracies: dict = ACCURACIES, probed: dict = PROBED, maps: Iterable[Map] = (), **sections
) -> Report:
    """The report on made-up results; see `results`."""
    return report_of(results(accuracies, probed, **sections), maps)


def report_of(results: Results, maps: Iterable[Map] = ()) -> Report:
    """The report on these results; it reads files only for figures and the page."""
    return Report.of(results, list(maps), Path("reports"), Path("data/tables"))


def results(accuracies: dict = ACCURACIES, probed: dict = PROBED, **sections) -> Results:
    """Results in which every variant goes from 9.8 % to its accuracy in its first epoch.

    `accuracies` by variant: a number, around which the seeds lie 0.1 points apart, or a list
    with one a seed. `probed` is like PROBED. `sections` are those of `study`.
    """
    made = study(accuracies, **sections)
    spread = [0.001 * (seed - (made.seeds - 1) / 2) for seed in range(made.seeds)]
    history: list[dict] = []
    layers: list[dict] = []
    for variant, final in accuracies.items():
        finals = final if isinstance(final, list) else [final + offset for offset in spread]
        trained = [_layer(variant, name, probed) for name in made.variants[variant].layers]
        for (seed, accuracy), epoch in product(enumerate(finals), range(EPOCHS + 1)):
            end = "learns" if accuracy > LEARNED_ABOVE else "stuck"
            run = {"variant": variant, "seed": seed, "epoch": epoch, "end": end}
            now = dict.fromkeys(("train_acc", "test_acc"), accuracy if epoch else 0.098)
            history.append(run | {"train_loss": 1.0, "test_loss": 1.0} | now)
            never = {} if epoch else {"weight_moved_at": None, "bias_moved_at": None}
            layers += [run | layer | never for layer in trained]
    tables = pd.DataFrame(history), pd.DataFrame(layers)
    return Results(made, *tables, COMMONEST, IMAGES, LEARNED_ABOVE)


def _layer(variant: str, layer: str, probed: dict) -> dict:
    values = HEALTHY | ({"dead_fraction": None} if layer == "out" else {})
    for (name, where, column), value in probed.items():
        if name == variant and (where == layer or (where is None and layer != "out")):
            values[column] = value
    return {"layer": layer} | values


def with_accuracy(results: Results, variant: str, epoch: int, accuracy: float) -> Results:
    """The same results, but all seeds of a variant have this test accuracy after an epoch."""
    history = results.history
    rows = (history["variant"] == variant) & (history["epoch"] == epoch)
    return replace(
        results, history=history.assign(test_acc=history["test_acc"].mask(rows, accuracy))
    )


def shortened(results: Results, variant: str) -> Results:
    """The same results, but a variant was trained for an epoch less."""
    history = results.history
    last = (history["variant"] == variant) & (history["epoch"] == EPOCHS)
    return replace(results, history=history[~last])


def widen_intervals(patch: pytest.MonkeyPatch) -> None:
    """Make the judge's intervals wider; a test set of a ninth is three times as uncertain."""

    def wider(values, together: int, error: float) -> Estimate:
        mean, low, high = t_interval(values, together, error)
        return Estimate(mean, mean - 9 * (mean - low), mean + 9 * (high - mean) + 1e-12)

    patch.setattr(judging, "t_interval", wider)
    patch.setattr(
        judging, "wilson_interval", lambda share, n, together: wilson_interval(share, n // 9)
    )


def diverge(results: Results, variant: str, *seeds: int) -> Results:
    """The same results, but these seeds of a variant diverge."""
    tables = {}
    for name, column in (("history", "test_loss"), ("probes", "activation_rank")):
        table = getattr(results, name)
        rows = (table["variant"] == variant) & table["seed"].isin(seeds)
        values = {"end": table["end"].mask(rows, "diverges"), column: table[column].mask(rows)}
        tables[name] = table.assign(**values)
    return replace(results, **tables)
