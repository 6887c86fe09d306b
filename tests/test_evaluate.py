"""From runs to the tables that all reports share."""

import math
import struct
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stages import evaluate, tables, train
from stages.training import building, data, integrity, laws, results
from stages.training.mlp import engine
from stages.training.plan import DEFAULT, Plan
from tests.conftest import plan_of
from tests.made_up import HE, ORTHOGONAL, XAVIER, noise

PLANS = {
    name: plan_of(entry, network={"hidden": [16, 8]}, seeds=2)
    for name, entry in {
        "baseline": {},
        "ones": {"all": {"weight": "ones", "bias": "ones"}},
    }.items()
}


def noisy(n: int, seed: int) -> data.Images:
    """Images of noise, with every class equally often."""
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (n, 784), generator=random, dtype=torch.uint8)
    return data.Images(pixels, torch.arange(n) % 10)


IMAGES = noisy(200, 1)
DATASET = data.Dataset(noisy(640, 0), IMAGES)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder of runs with two variants, trained for a moment."""
    folder = tmp_path_factory.mktemp("data") / "runs"
    (folder.parent / "plans").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INITLAB_WORKERS", "1")
        for name, plan in PLANS.items():
            file = folder.parent / "plans" / f"{name}.json"
            file.write_text(plan.as_json())
            results.write(folder / name, file, plan, train.run(name, plan, DATASET))
    return folder


def run_of(runs: Path, variant: str) -> results.Run:
    return results.read(runs / variant, runs.parent / "plans" / f"{variant}.json")


def tables_of(runs: Path, variant: str) -> dict[str, tables.Rows]:
    return tables.of_variant(variant, PLANS[variant], run_of(runs, variant), IMAGES)


@pytest.mark.parametrize(
    ("accuracy", "loss", "recorded_loss"),
    [(0.52, 1.25, "1.25"), (0.5, 1.3, "1.25"), (0.5, 1, "nan")],
)
def test_weights_that_do_not_give_the_recorded_scores_are_refused(accuracy, loss, recorded_loss):
    diverged = {"test_acc": 0.1, "test_loss": math.nan}
    tables.expect_same("x", diverged, {"test_acc": "0.1", "test_loss": "nan"}, exact=True)
    row = {"seed": 0, "test_acc": accuracy, "test_loss": loss}
    with pytest.raises(SystemExit, match=r"train it again: dvc repro .* train@x"):
        tables.expect_same("x", row, {"test_acc": "0.5", "test_loss": recorded_loss}, exact=False)


def test_scores_that_differ_by_rounding_are_refused_where_bits_are_exact():
    row, recorded = {"seed": 0, "test_acc": 0.5, "test_loss": 1.25}, {"test_acc": "0.5"}
    distance = tables.expect_same("x", row, recorded | {"test_loss": "1.2501"}, exact=False)
    assert distance == pytest.approx(1e-4)
    with pytest.raises(SystemExit, match="train it again"):
        tables.expect_same("x", row, recorded | {"test_loss": "1.2501"}, exact=True)


def test_confusion_counts_all_images_of_all_seeds(runs):
    found = tables_of(runs, "baseline")
    counts = torch.tensor([row["count"] for row in found["confusion"]]).view(10, 10)
    assert [(row["actual"], row["predicted"]) for row in found["confusion"][9:11]] == [
        (0, 9), (1, 0)
    ]  # fmt: skip
    assert counts.sum(1).tolist() == [2 * 20] * 10
    accuracy = sum(row["test_acc"] for row in found["seeds"]) / 2
    assert counts.diag().sum().item() / 400 == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("accuracy", "loss", "rank", "end"),
    [
        (0.9, 1.0, "3", "learns"),
        (0.1335, 1.0, "3", "stuck"),
        (0.9, math.nan, "3", "diverges"),
        (0.9, 1.0, "inf", "diverges"),
    ],
)
def test_a_seed_learns_is_stuck_or_diverges(accuracy, loss, rank, end):
    history = [{"variant": "x", "seed": "0", "epoch": "1", "test_acc": accuracy, "test_loss": loss}]
    probes = [{"variant": "x", "seed": "0", "layer": "fc1", "activation_rank": rank, "dead": ""}]
    assert tables.endings(history, probes, learned_above=0.1335) == {0: end}


def test_the_commonest_class_sets_the_accuracy_that_learns_exceeds():
    labels = torch.tensor([0] * 6 + [1] * 4)
    found = tables.test_set(data.Images(torch.zeros(10, 784, dtype=torch.uint8), labels))
    assert found == {"images": 10, "commonest": 0.6, "learned_above": 0.62}


def test_every_final_tensor_has_its_distinct_values_and_its_move(runs):
    final = run_of(runs, "ones").weights
    rows = tables_of(runs, "ones")["tensors"]
    assert len(rows) == 2 * 6
    for row in rows:
        values = final[row["tensor"]][row["seed"]]
        assert row["values"] == values.numel()
        assert row["distinct"] == len(set(values.flatten().tolist()))
        assert row["largest_move"] == pytest.approx((values - 1).abs().max().item())


def test_probes_have_a_row_for_every_seed_epoch_and_layer(runs):
    found = tables_of(runs, "ones")
    rows = found["probes"]
    assert list(rows[0]) == [*results.PROBE_COLUMNS, "end"]
    keys = [(row["variant"], row["seed"], row["epoch"], row["layer"]) for row in rows]
    layers = ("fc1", "fc2", "out")
    assert keys == [("ones", s, e, layer) for s in "01" for e in "01" for layer in layers]
    assert {row["distinct_units"] for row in rows if row["layer"] != "out"} == {"1"}
    assert {row["weight_moved_at"] for row in rows if row["epoch"] == "0"} == {""}
    moves = {row["tensor"]: row["largest_move"] for row in found["tensors"] if row["seed"] == 0}
    for row in rows[3:6]:  # of the first seed, after training
        move = moves[f"{row['layer']}.weight"]
        assert float(row["weight_move"]) == pytest.approx(move, rel=1e-5)
    columns = ("seed", "epoch", "symmetry_gap", "end")
    fc1 = [{c: row[c] for c in columns} for row in rows if row["layer"] == "fc1"]
    assert found["symmetry"] == fc1


@pytest.mark.parametrize(
    ("activation", "dead", "shares"),
    [("relu", [("0", "0.5"), ("0.25", "1")], [4 / 24, 12 / 24]), ("tanh", [("", "")], [""])],
)
def test_dead_units_are_counted_over_all_hidden_relu_layers(activation, dead, shares):
    probes = [
        {"seed": "0", "epoch": str(epoch), "layer": layer, "dead_fraction": fraction}
        for epoch, (fc1, fc2) in enumerate(dead)
        for layer, fraction in (("fc1", fc1), ("fc2", fc2), ("out", ""))
    ]
    plan = plan_of(network={"hidden": [16, 8], "activation": activation})
    found = [row["dead_fraction"] for row in tables.dead_units(probes, plan)]
    assert found == [pytest.approx(share) if share else share for share in shares]


def test_depth_is_a_mean_over_seeds_before_training(runs):
    found = tables_of(runs, "baseline")
    keys = [(row["quantity"], row["depth"]) for row in found["depth"]]
    assert keys == [("signal", 1), ("signal", 2), ("gradient", 1), ("gradient", 2)]
    for row in found["depth"]:
        values = [
            float(probe[f"{row['quantity']}_std"])
            for probe in found["probes"]
            if (probe["epoch"], probe["layer"]) == ("0", f"fc{row['depth']}")
        ]
        assert row["std"] == pytest.approx(sum(values) / 2, rel=1e-5)


class Masked(torch.nn.Module):
    """A frozen layer, one without units, and buffers of whole numbers and of truth values."""

    def __init__(self):
        super().__init__()
        self.seen = torch.nn.Linear(784, 8).requires_grad_(False)
        self.norm = torch.nn.BatchNorm1d(8)
        self.out = torch.nn.Linear(8, 10)
        self.register_buffer("mask", torch.arange(8) > 3)

    def forward(self, x):
        return self.out(self.norm(self.seen(x.flatten(1))) * self.mask)


class Alone(torch.nn.Module):
    """No layer has units."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(torch.ones(784, 10))

    def forward(self, x):
        return x.flatten(1) @ self.table


def run_of_module(monkeypatch, tmp_path, network) -> tuple[Plan, results.Run]:
    monkeypatch.setenv("INITLAB_WORKERS", "1")
    monkeypatch.setattr(building, "function", lambda _: lambda shape, classes: network())
    plan = replace(PLANS["baseline"], network="mine", hidden=(), activation=None)
    structure = building.structure_of(plan)
    fills = dict.fromkeys(structure.tensors, DEFAULT)
    plan = replace(plan, layers=structure.layers, tensors=fills)
    file = tmp_path / "plan.json"
    file.write_text(plan.as_json())
    results.write(tmp_path / "runs" / "mine", file, plan, train.run("mine", plan, DATASET))
    return plan, results.read(tmp_path / "runs" / "mine", file)


def test_scores_of_another_processor_leave_the_recorded_ones_in_tables(
    monkeypatch, tmp_path, capsys
):
    plan, run = run_of_module(monkeypatch, tmp_path, Masked)
    recorded = [row for row in run.history if row["epoch"] == "1"]
    for row in recorded:
        row["test_loss"] = str(float(row["test_loss"]) + 1e-5)
    found = tables.of_variant("mine", plan, run, IMAGES)["seeds"]
    assert [row["test_loss"] for row in found] == [float(row["test_loss"]) for row in recorded]
    printed = capsys.readouterr().out
    assert "mine: scores of the saved weights differ by up to 1e-05 from those" in printed


@pytest.mark.parametrize("network", [Masked, Alone])
def test_tables_of_a_network_from_a_file_have_its_parameters_alone(monkeypatch, tmp_path, network):
    plan, run = run_of_module(monkeypatch, tmp_path, network)
    found = tables.of_variant("mine", plan, run, IMAGES)
    assert {row["tensor"] for row in found["tensors"]} == {*plan.tensors}
    moved = {row["tensor"] for row in found["tensors"] if row["largest_move"]}
    assert moved == {name for name in plan.tensors if not name.startswith("seen")}
    assert all(row["theory"] == "" for row in found["depth"])
    assert len(found["symmetry"]) == (4 if network is Masked else 0)


def depth_of(plan: Plan, signal: float = 3.0, gradient: float = 2.0) -> dict[str, list]:
    """The column `theory` by quantity, where signal and gradient are measured to be these."""
    probes = [
        {
            "epoch": "0",
            "layer": f"fc{i + 1}",
            "signal_std": f"{signal}",
            "gradient_std": f"{gradient}",
        }
        for i in range(len(plan.hidden))
    ]
    rows = tables.depth(probes, plan)
    return {q: [r["theory"] for r in rows if r["quantity"] == q] for q in ("signal", "gradient")}


@pytest.mark.parametrize(("entry", "gain"), [({}, 1 / 6), (XAVIER, 1 / 2), (HE, 1)])
def test_theory_multiplies_the_variance_layer_by_layer(entry, gain):
    """He et al. 2015, equations 10 and 14, between layers of equal width."""
    theory = depth_of(plan_of(entry, network={"hidden": [32] * 4}))
    forward, backward = theory["signal"], theory["gradient"][::-1]
    for stds, start in ((forward, 3.0), (backward, 2.0)):
        assert stds[0] == start
        for one, other in pairwise(stds):
            assert (other / one) ** 2 == pytest.approx(gain, rel=1e-4)


def test_a_signal_gains_by_the_fan_in_and_a_gradient_by_the_fan_out():
    theory = depth_of(plan_of(HE, network={"hidden": [64, 16]}))
    assert theory == {"signal": [3.0, 3.0], "gradient": [1.0, 2.0]}  # 2 · √(16/64)


@pytest.mark.parametrize(
    ("entry", "activation", "signal"),
    [
        ({}, "tanh", 3.0),
        (ORTHOGONAL, "relu", 3.0),
        (noise(0.3), "relu", 3.0),
        ({"fc1": {"weight": "zeros", "bias": "zeros"}}, "relu", 0.0),
    ],
)
def test_theory_is_empty_for_other_networks_and_without_a_signal(entry, activation, signal):
    plan = plan_of(entry, network={"hidden": [32] * 3, "activation": activation})
    theory = depth_of(plan, signal)
    assert theory["signal"] == [""] * 3
    assert all(theory["gradient"]) == (signal == 0)  # which passes fc3 and fc2 alone


@pytest.mark.parametrize(
    "weight",
    [
        None, "xavier_normal", {"xavier_uniform": {"gain": 2.0}}, "kaiming_uniform",
        {"kaiming_normal": {"nonlinearity": "relu", "mode": "fan_out"}},
        {"kaiming_uniform": {"nonlinearity": "leaky_relu", "a": 0.5}},
        {"normal": {"std": 0.3}}, {"scaled_normal": {"variance": 1.5}},
    ],
    ids=str,
)  # fmt: skip
def test_the_variance_of_weights_is_that_of_filled_tensors(weight):
    plan = plan_of({"fc1": {"weight": weight}}, network={"hidden": [400]})
    filled = engine.initial_weights(plan, seed=0)["fc1.weight"]
    fill = plan.tensors["fc1.weight"]
    variance = laws.variance(laws.law(fill.initializer, fill.arguments), 784, 400)
    assert variance == pytest.approx(filled.var().item(), rel=0.02)


@pytest.fixture
def prepared(runs, monkeypatch) -> Path:
    """The folder with all that the stage reads, in which it also writes."""
    folder = runs.parent
    images = folder / "mnist"
    images.mkdir(exist_ok=True)
    (folder / "variants.txt").write_text("ones\nbaseline\n")
    for (split, kind), name in data.FILES.items():
        of_split = getattr(DATASET, split)
        values = (of_split.pixels.view(-1, 28, 28), of_split.labels.to(torch.uint8))
        values = values[kind == "labels"]
        header = struct.pack(f">I{values.ndim}I", 0x800 + values.ndim, *values.shape)
        (images / name).write_bytes(header + values.numpy().tobytes())
    sums = integrity.sums_of(images, (images / name for name in data.FILES.values()))
    (images / integrity.FILE).write_text(sums)
    for name, place in (("DATA", folder), ("TABLES", folder / "tables"), ("REPORTS", folder)):
        monkeypatch.setattr(evaluate, name, place)
    monkeypatch.setattr(sys, "argv", ["evaluate", "mnist"])
    return folder


def test_the_stage_writes_every_table_of_all_variants(prepared, runs, monkeypatch):
    monkeypatch.setattr(evaluate, "SAMPLED", {"train": 2000, "test": 50})
    monkeypatch.setattr(evaluate, "REPORTS", reports := prepared / "reports")  # is made
    evaluate.main()
    found = {name: tables_of(runs, name) for name in PLANS}
    plotted = found["ones"].keys() - {"probes"}
    written = {
        name: integrity.read(prepared / "tables", [])[name].decode()
        for name in (*(f"../reports/{table}.csv" for table in plotted), "probes.csv")
    }
    for name, text in written.items():
        rows = [{"variant": v} | r for v in ("ones", "baseline") for r in found[v][Path(name).stem]]
        assert text == evaluate.as_csv(rows).decode()
    assert {path.stem for path in reports.iterdir()} == plotted

    folder = prepared / "tables"
    sums = (prepared / "mnist" / integrity.FILE).read_text().splitlines()
    rows = [f"{name},{sum_}" for sum_, name in (line.split() for line in sums)]
    assert (folder / "files.csv").read_text().splitlines() == ["file,sha256", *rows]
    kept = load_file(folder / "snapshots.safetensors")
    for name in PLANS:
        own = run_of(runs, name).snapshots
        assert {key for key in kept if key.startswith(f"{name}/")} == {f"{name}/{k}" for k in own}
        assert all(kept[f"{name}/{key}"].equal(values) for key, values in own.items())
    sample = load_file(folder / "sample.safetensors")
    for split, images, count in (("train", DATASET.train, 640), ("test", IMAGES, 50)):
        assert sample[f"{split}/pixels"].equal(images.pixels[:count])
        assert sample[f"{split}/labels"].equal(images.labels[:count])
    assert evaluate.sample(DATASET, 10)["train/labels"].tolist() == [*range(10)]
