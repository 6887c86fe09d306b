"""What is measured on saved weights."""

import csv
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from stages import evaluate, train
from stages.params import Network, Training, Variant
from stages.training import State, Study


@pytest.fixture(scope="module")
def runs(train_images, test_images, tmp_path_factory):
    """A folder of runs with two variants, trained for a moment."""
    folder = tmp_path_factory.mktemp("data") / "runs"
    variants = {"baseline": {}, "ones": {"all": {"weight": "ones", "bias": "ones"}}}
    for name, entries in variants.items():
        study = Study(
            variant=Variant.model_validate(entries),
            network=Network(hidden=[16, 8], activation="relu"),
            training=Training(epochs=1, batch_size=64, optimizer="adam", lr=0.001),
            train=train_images.first(1000),
            test=test_images,
        )
        train.write(folder / name, study.sizes, *train.run(study, 2, name))
    return folder


def test_scores_are_those_that_training_saw(runs, test_images):
    tables = evaluate.evaluate(runs / "baseline", "relu", test_images)
    with (runs / "baseline" / "history.csv").open(newline="") as file:
        last = {int(row["seed"]): row for row in csv.DictReader(file) if row["epoch"] == "1"}
    assert len(tables["seeds"]) == 2
    for row in tables["seeds"]:
        assert row["test_acc"] == float(last[row["seed"]]["test_acc"])
        assert row["test_loss"] == float(last[row["seed"]]["test_loss"])


def test_other_weights_than_the_histories_are_refused(runs, test_images):
    last = {"test_acc": "0.5", "test_loss": "1.25"}
    evaluate._expect_same("x", {"seed": 0, "test_acc": 0.5, "test_loss": 1.25}, last)
    for wrong in ({"test_acc": 0.52, "test_loss": 1.25}, {"test_acc": 0.5, "test_loss": 1.3}):
        with pytest.raises(SystemExit, match="train it again"):
            evaluate._expect_same("x", {"seed": 0, **wrong}, last)


def test_counts_add_up(runs, test_images):
    tables = evaluate.evaluate(runs / "baseline", "relu", test_images)
    counts = torch.tensor([row["count"] for row in tables["confusion"]]).view(10, 10)
    assert counts.sum(1).tolist() == (2 * torch.bincount(test_images.labels)).tolist()
    accuracy = sum(row["test_acc"] for row in tables["seeds"]) / 2
    assert counts.diag().sum().item() / 20_000 == pytest.approx(accuracy)
    for row, digit in zip(tables["digits"], range(10), strict=True):
        assert row["digit"] == digit
        expected = counts[digit, digit].item() / counts[digit].sum().item()
        assert row["test_acc"] == pytest.approx(expected)


def test_final_weights_are_looked_at_tensor_by_tensor(runs, test_images):
    final = load_file(runs / "ones" / "weights.safetensors")
    tables = evaluate.evaluate(runs / "ones", "relu", test_images)
    assert len(tables["tensors"]) == 2 * 6
    for row in tables["tensors"]:
        values = final[row["tensor"]][row["seed"]]
        assert row["values"] == values.numel()
        assert row["distinct"] == len(set(values.flatten().tolist()))
        assert row["largest_move"] == pytest.approx((values - 1).abs().max().item())


def test_probes_have_a_row_for_every_seed_epoch_and_layer(runs, test_images):
    rows = evaluate.read_csv(runs / "ones" / "probes.csv")
    assert list(rows[0]) == train.PROBE_COLUMNS
    keys = [(row["variant"], row["seed"], row["epoch"], row["layer"]) for row in rows]
    layers = ("fc1", "fc2", "out")
    assert keys == [("ones", s, e, layer) for s in "01" for e in "01" for layer in layers]
    assert {row["distinct_units"] for row in rows if row["layer"] != "out"} == {"1"}
    assert {row["weight_moved_at"] for row in rows if row["epoch"] == "0"} == {""}
    table = evaluate.evaluate(runs / "ones", "relu", test_images)["tensors"]
    tables = {row["tensor"]: row for row in table if row["seed"] == 0}
    last = [row for row in rows if row["seed"] == "0" and row["epoch"] == "1"]
    for row in last:
        move = tables[f"{row['layer']}.weight"]["largest_move"]
        assert float(row["weight_move"]) == pytest.approx(move, rel=1e-5)


def test_dead_units_and_depth_are_means_of_the_probes(runs, test_images):
    rows = evaluate.read_csv(runs / "ones" / "probes.csv")
    tables = evaluate.evaluate(runs / "ones", "relu", test_images)
    keys = [(row["seed"], row["epoch"]) for row in tables["dead_units"]]
    assert keys == [(seed, epoch) for seed in "01" for epoch in "01"]
    for row in tables["dead_units"]:
        layers = [r for r in rows if (r["seed"], r["epoch"]) == (row["seed"], row["epoch"])]
        fc1, fc2, _ = (r["dead_fraction"] for r in layers)
        dead = (16 * float(fc1) + 8 * float(fc2)) / 24
        assert row["dead_fraction"] == pytest.approx(dead)
    depth = {(row["quantity"], row["depth"]): row["std"] for row in tables["depth"]}
    assert list(depth) == [("signal", 1), ("signal", 2), ("gradient", 1), ("gradient", 2)]
    start = [r for r in rows if r["epoch"] == "0" and r["layer"] == "fc2"]
    mean = sum(float(r["gradient_std"]) for r in start) / 2
    assert depth["gradient", 2] == pytest.approx(mean, rel=1e-5)


def test_units_that_are_no_relu_have_no_dead_share():
    probes = [{"seed": "0", "epoch": "0", "layer": "fc1", "dead_fraction": ""}]
    assert evaluate._dead_units(probes, {"fc1.bias": 3}) == [
        {"seed": "0", "epoch": "0", "dead_fraction": ""}
    ]


def test_pictures_are_of_the_first_seed_before_and_after(runs):
    kept = load_file(runs / "baseline" / "snapshots.safetensors")
    assert kept["epoch"].tolist() == [0, 1]
    largest = kept["largest"].item()
    for picture, file in zip(kept["fc1.weight"], ("initial", "weights"), strict=True):
        weights = load_file(runs / "baseline" / f"{file}.safetensors")["fc1.weight"][0, :16]
        assert (picture.float() / 127 * largest - weights).abs().max() <= largest / 127
    ones = load_file(runs / "ones" / "snapshots.safetensors")["fc1.weight"]
    assert (ones == ones[:, :1]).all()


def test_every_file_is_stacked_over_seeds(runs):
    for file in ("initial", "weights"):
        tensors = load_file(runs / "ones" / f"{file}.safetensors")
        assert tensors["fc1.weight"].shape == (2, 16, 784)
        assert tensors["out.bias"].shape == (2, 10)
    assert (load_file(runs / "ones" / "initial.safetensors")["fc2.bias"] == 1).all()


def test_results_of_a_variant_that_is_gone_are_removed(runs, tmp_path, monkeypatch, capsys):
    copy = tmp_path / "data" / "runs"
    shutil.copytree(runs, copy)
    monkeypatch.setattr(evaluate, "RUNS", copy)
    monkeypatch.setattr(evaluate, "ROOT", tmp_path)
    evaluate.prune({"baseline"})
    assert [path.name for path in copy.iterdir()] == ["baseline"]
    assert "data/runs/ones: removed" in capsys.readouterr().out


def test_what_is_no_result_is_not_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "RUNS", tmp_path)
    monkeypatch.setattr(evaluate, "ROOT", tmp_path)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("precious")
    with pytest.raises(SystemExit, match="thesis: is not the result of a variant"):
        evaluate.prune({"baseline"})
    assert (tmp_path / "thesis" / "chapter").exists()


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train, "save", fail)
    flat = np.zeros(7856, np.float32)
    state = State(0, 0, flat, flat, (flat, flat), 0, {})
    with pytest.raises(OSError, match="No space"):
        train.write(tmp_path / "runs" / "x", [784, 10], [], [state], {0: torch.zeros(1, 784)})
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert not any((tmp_path / "runs").iterdir())
