"""The tables that are made from saved weights and probes, on a made-up data set."""

import hashlib
import math
import struct
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stages import evaluate, train
from stages.training import data, initialization, laws, results, sums
from stages.training.epoch import initial_state, run_epoch
from stages.training.plan import Plan
from tests.conftest import plan_of

PLANS = {
    name: plan_of(entry, network={"hidden": [16, 8]}, seeds=2)
    for name, entry in {
        "baseline": {},
        "ones": {"all": {"weight": "ones", "bias": "ones"}},
    }.items()
}


def made_up(n: int, seed: int) -> data.Images:
    """Images of noise, with every class equally often."""
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (n, 784), generator=random, dtype=torch.uint8)
    return data.Images(pixels, torch.arange(n) % 10)


IMAGES = made_up(200, 1)
DATASET = data.Dataset(made_up(640, 0), IMAGES)


@pytest.fixture(scope="module")
def dataset() -> data.Dataset:
    return DATASET


@pytest.fixture(scope="module")
def runs(dataset, tmp_path_factory) -> Path:
    """A folder of runs with two variants, trained for a moment."""
    folder = tmp_path_factory.mktemp("data") / "runs"
    (folder.parent / "plans").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INITLAB_WORKERS", "1")
        for name, plan in PLANS.items():
            file = folder.parent / "plans" / f"{name}.json"
            file.write_text(plan.as_json())
            results.write(folder / name, file, plan.sizes, train.run(name, plan, dataset))
    return folder


def tables(runs: Path, variant: str) -> dict[str, evaluate.Rows]:
    return evaluate.evaluate(runs / variant, PLANS[variant], IMAGES)


def test_scores_are_those_that_training_saw(runs):
    found = tables(runs, "baseline")
    last = {int(row["seed"]): row for row in found["history"] if row["epoch"] == "1"}
    assert [row["seed"] for row in found["seeds"]] == [0, 1]
    for row in found["seeds"]:
        assert row["test_acc"] == float(last[row["seed"]]["test_acc"])
        assert row["test_loss"] == float(last[row["seed"]]["test_loss"])


def test_other_weights_than_the_histories_are_refused():
    last = {"test_acc": "0.5", "test_loss": "1.25"}
    evaluate._expect_same("x", {"seed": 0, "test_acc": 0.5, "test_loss": 1.25}, last)
    for wrong in ({"test_acc": 0.52, "test_loss": 1.25}, {"test_acc": 0.5, "test_loss": 1.3}):
        with pytest.raises(SystemExit, match=r"train it again: dvc repro .* train@x"):
            evaluate._expect_same("x", {"seed": 0, **wrong}, last)


def test_a_loss_that_diverged_is_as_it_was():
    now = {"seed": 0, "test_acc": 0.1, "test_loss": math.nan}
    evaluate._expect_same("x", now, {"test_acc": "0.1", "test_loss": "nan"})
    with pytest.raises(SystemExit):
        evaluate._expect_same("x", now | {"test_acc": 0.2}, {"test_acc": "0.1", "test_loss": "nan"})


def test_counts_add_up(runs):
    found = tables(runs, "baseline")
    counts = torch.tensor([row["count"] for row in found["confusion"]]).view(10, 10)
    assert [(row["actual"], row["predicted"]) for row in found["confusion"][9:11]] == [
        (0, 9), (1, 0)
    ]  # fmt: skip
    assert counts.sum(1).tolist() == [2 * 20] * 10  # of two seeds
    accuracy = sum(row["test_acc"] for row in found["seeds"]) / 2
    assert counts.diag().sum().item() / 400 == pytest.approx(accuracy)
    for digit, row in enumerate(found["digits"]):
        share = pytest.approx(counts[digit, digit].item() / 40)
        assert row == {"end": found["seeds"][0]["end"], "digit": digit, "test_acc": share}


def run_of(accuracy: float, loss: float = 1.0, rank: str = "3") -> tuple[list, list]:
    """History and probes of one seed that ends so."""
    history = [{"variant": "x", "seed": "0", "epoch": "1", "test_acc": accuracy, "test_loss": loss}]
    return history, [{"variant": "x", "seed": "0", "layer": "fc1", "weight_rank": rank, "dead": ""}]


@pytest.mark.parametrize(
    ("run", "end"),
    [
        (run_of(0.9), "learns"),
        (run_of(0.1335), "stuck"),
        (run_of(0.9, loss=math.nan), "diverges"),
        (run_of(0.9, rank="nan"), "diverges"),
        (run_of(0.9, rank="inf"), "diverges"),
    ],
)
def test_a_seed_learns_is_stuck_or_diverges(run, end):
    assert evaluate.endings(*run, learned_above=0.1335) == {0: end}


def test_seeds_that_end_otherwise_are_counted_apart():
    counts = {"learns": torch.eye(10).long() * 3, "stuck": torch.ones(10, 10).long()}
    rows = evaluate.digits(counts)
    assert [row["test_acc"] for row in rows] == [1.0] * 10 + [0.1] * 10
    assert [row["end"] for row in rows] == ["learns"] * 10 + ["stuck"] * 10
    assert sum(row["count"] for row in evaluate.confusion(counts)) == 30 + 100


def test_the_test_set_tells_what_guessing_scores():
    labels = torch.tensor([0] * 6 + [1] * 4)
    found = evaluate.test_set(data.Images(torch.zeros(10, 784, dtype=torch.uint8), labels))
    assert found == {"images": 10, "commonest": 0.6, "learned_above": 0.62}


def test_final_weights_are_looked_at_tensor_by_tensor(runs):
    final = load_file(runs / "ones" / "weights.safetensors")
    rows = tables(runs, "ones")["tensors"]
    assert len(rows) == 2 * 6
    for row in rows:
        values = final[row["tensor"]][row["seed"]]
        assert row["values"] == values.numel()
        assert row["distinct"] == len(set(values.flatten().tolist()))
        assert row["largest_move"] == pytest.approx((values - 1).abs().max().item())


def test_probes_have_a_row_for_every_seed_epoch_and_layer(runs):
    found = tables(runs, "ones")
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
    assert found["symmetry"] == [
        {c: row[c] for c in ("seed", "epoch", "symmetry_gap", "end")}
        for row in rows
        if row["layer"] == "fc1"
    ]


def test_every_file_is_stacked_over_seeds(runs):
    for file in ("initial", "weights"):
        tensors = load_file(runs / "ones" / f"{file}.safetensors")
        assert tensors["fc1.weight"].shape == (2, 16, 784)
        assert tensors["out.bias"].shape == (2, 10)
    assert (load_file(runs / "ones" / "initial.safetensors")["fc2.bias"] == 1).all()


def test_pictures_are_of_the_first_seed_before_and_after(runs):
    kept = load_file(runs / "baseline" / "snapshots.safetensors")
    assert kept["epoch"].tolist() == [0, 1]
    largest = kept["largest"].item()
    for picture, file in zip(kept["fc1.weight"], ("initial", "weights"), strict=True):
        weights = load_file(runs / "baseline" / f"{file}.safetensors")["fc1.weight"][0, :16]
        assert (picture.float() / 127 * largest - weights).abs().max() <= largest / 127
    ones = load_file(runs / "ones" / "snapshots.safetensors")["fc1.weight"]
    assert (ones == ones[:, :1]).all()


def test_a_write_that_fails_leaves_nothing(dataset, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "save", fail)
    plan = PLANS["baseline"]
    state, pictures = initial_state(plan, dataset.train, 0), {0: torch.zeros(1, 784)}
    trained = results.Trained([], {0: state}, pictures)
    with pytest.raises(OSError, match="No space"):
        results.write(tmp_path / "runs" / "x", Path(), plan.sizes, trained)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert not any((tmp_path / "runs").iterdir())


def test_dead_units_are_those_of_all_hidden_layers():
    probes = [
        {"seed": "0", "epoch": epoch, "layer": layer, "dead_fraction": dead}
        for epoch, fc1, fc2 in (("0", "0", "0.5"), ("1", "0.25", "1"))
        for layer, dead in (("fc1", fc1), ("fc2", fc2), ("out", ""))
    ]
    assert evaluate.dead_units(probes, PLANS["baseline"]) == [
        {"seed": "0", "epoch": "0", "dead_fraction": pytest.approx(4 / 24)},
        {"seed": "0", "epoch": "1", "dead_fraction": 12 / 24},
    ]


def test_units_that_are_no_relu_have_no_dead_share():
    probes = [{"seed": "0", "epoch": "0", "layer": "fc1", "dead_fraction": ""}]
    plan = plan_of(network={"hidden": [3], "activation": "tanh"})
    assert evaluate.dead_units(probes, plan) == [{"seed": "0", "epoch": "0", "dead_fraction": ""}]


def test_depth_is_a_mean_over_seeds_before_training(runs):
    found = tables(runs, "baseline")
    keys = [(row["quantity"], row["depth"]) for row in found["depth"]]
    assert keys == [("signal", 1), ("signal", 2), ("gradient", 1), ("gradient", 2)]
    for row in found["depth"]:
        values = [
            float(probe[f"{row['quantity']}_std"])
            for probe in found["probes"]
            if (probe["epoch"], probe["layer"]) == ("0", f"fc{row['depth']}")
        ]
        assert row["std"] == pytest.approx(sum(values) / 2, rel=1e-5)


def everywhere(weight: str | dict) -> dict:
    return {"all": {"weight": weight, "bias": "zeros"}}


HE = {"kaiming_normal": {"nonlinearity": "relu"}}
SCHEMES = [({}, 1 / 6), (everywhere("xavier_normal"), 1 / 2), (everywhere(HE), 1)]


def depth_of(plan: Plan, signal: float = 3.0, gradient: float = 2.0) -> dict[str, list]:
    """The column `theory` by quantity, where signal and gradient are measured to be these."""
    probes = [
        {"epoch": "0", "layer": f"fc{i + 1}", "signal_std": signal, "gradient_std": gradient}
        for i in range(len(plan.hidden))
    ]
    rows = evaluate.depth(probes, plan)
    return {q: [r["theory"] for r in rows if r["quantity"] == q] for q in ("signal", "gradient")}


@pytest.mark.parametrize(("entry", "gain"), SCHEMES, ids=["default", "Xavier", "He"])
def test_theory_multiplies_the_variance_layer_by_layer(entry, gain):
    """He et al. 2015, equations 10 and 14, between layers of equal width."""
    theory = depth_of(plan_of(entry, network={"hidden": [32] * 4}))
    forward, backward = theory["signal"], theory["gradient"][::-1]
    for stds, start in ((forward, 3.0), (backward, 2.0)):
        assert stds[0] == start
        for one, other in pairwise(stds):
            assert (other / one) ** 2 == pytest.approx(gain, rel=1e-4)


def test_a_signal_gains_by_the_fan_in_and_a_gradient_by_the_fan_out():
    theory = depth_of(plan_of(everywhere(HE), network={"hidden": [64, 16]}))
    assert theory == {"signal": [3.0, 3.0], "gradient": [1.0, 2.0]}  # 2 · √(16/64)


@pytest.mark.parametrize(
    ("entry", "activation"),
    [({}, "tanh"), (everywhere("ones"), "relu"), (everywhere("orthogonal"), "relu")],
)
def test_theory_says_nothing_of_other_activations_and_weights(entry, activation):
    plan = plan_of(entry, network={"hidden": [32] * 3, "activation": activation})
    theory = depth_of(plan)
    assert theory["signal"] == theory["gradient"] == [""] * 3


def test_theory_is_empty_where_there_is_no_signal():
    plan = plan_of({"fc1": {"weight": "zeros", "bias": "zeros"}}, network={"hidden": [32] * 3})
    theory = depth_of(plan, signal=0.0)
    assert theory["signal"] == [""] * 3
    assert all(theory["gradient"])  # passes fc3 and fc2 alone


@pytest.mark.parametrize(("entry", "gain"), SCHEMES, ids=["default", "Xavier", "He"])
def test_gradients_of_a_real_network_decay_as_theory_says(dataset, entry, gain):
    plan = plan_of(entry, network={"hidden": [200] * 5})
    _, row = run_epoch(plan, dataset, initial_state(plan, dataset.train, 0))
    stds = [layer.gradient_std for layer in row.layers if layer.layer != "out"]
    assert (stds[0] / stds[-1]) ** (2 / 4) == pytest.approx(gain, rel=0.25)
    assert evaluate.gains(plan)[1][1:] == pytest.approx([gain] * 4)


@pytest.mark.parametrize(
    "weight",
    [
        "default",
        "xavier_normal",
        {"xavier_uniform": {"gain": 2.0}},
        "kaiming_uniform",
        {"kaiming_normal": {"nonlinearity": "relu", "mode": "fan_out"}},
        {"kaiming_normal": {"nonlinearity": "linear"}},
        {"kaiming_uniform": {"nonlinearity": "leaky_relu", "a": 0.5}},
        {"normal": {"std": 0.3}},
        {"scaled_normal": {"variance": 1.5}},
    ],
    ids=str,
)
def test_the_variance_of_weights_is_that_of_filled_tensors(weight):
    entry = {} if weight == "default" else {"fc1": {"weight": weight}}
    plan = plan_of(entry, network={"hidden": [400]})
    filled = initialization.initial_weights(plan, seed=0)["fc1.weight"]
    variance = variance_of(plan, 784, 400)
    assert variance == pytest.approx(filled.var().item(), rel=0.02)


@pytest.mark.parametrize("weight", ["ones", "eye", {"normal": {"mean": 0.1, "std": 0.3}}], ids=str)
def test_other_weights_have_no_variance_to_reckon_with(weight):
    plan = plan_of({"fc1": {"weight": weight}}, network={"hidden": [8]})
    assert math.isnan(variance_of(plan, 784, 8))


def variance_of(plan, fan_in: int, fan_out: int) -> float:
    fill = plan.tensors["fc1.weight"]
    return laws.variance(laws.law(fill.initializer, fill.arguments), fan_in, fan_out)


@pytest.fixture
def prepared(runs, monkeypatch) -> Path:
    """The folder with all that the stage reads, in which it also writes."""
    folder = runs.parent
    (folder / "mnist").mkdir(exist_ok=True)
    (folder / "variants.txt").write_text("ones\nbaseline\n")
    for (split, kind), name in data.FILES.items():
        images = getattr(DATASET, split)
        values = (images.pixels.view(-1, 28, 28), images.labels.to(torch.uint8))[kind == "labels"]
        header = struct.pack(f">I{values.ndim}I", 0x800 + values.ndim, *values.shape)
        (folder / "mnist" / name).write_bytes(header + values.numpy().tobytes())
    images = folder / "mnist"
    (images / sums.FILE).write_text(sums.of(images, (images / f for f in data.FILES.values())))
    for name, place in (("DATA", folder), ("TABLES", folder / "tables"), ("REPORTS", folder)):
        monkeypatch.setattr(evaluate, name, place)
    monkeypatch.setattr(sys, "argv", ["evaluate", "mnist"])
    return folder


@pytest.fixture
def evaluated(prepared) -> Path:
    """The folder in which the whole stage ran."""
    evaluate.main()
    return prepared


def test_the_stage_makes_its_folders(prepared, monkeypatch):
    monkeypatch.setattr(evaluate, "REPORTS", prepared / "reports")  # as after `rm -r reports`
    evaluate.main()
    assert (prepared / "reports" / "seeds.csv").exists()


def test_the_stage_writes_every_table_of_all_variants(evaluated, runs):
    assert {path.name for path in (evaluated / "tables").iterdir()} == {
        "files.csv", "probes.csv", "sample.safetensors", "snapshots.safetensors", "test_set.csv",
        sums.FILE,
    }  # fmt: skip
    assert {path.stem for path in evaluated.glob("*.csv")} == set(evaluate.PLOTTED)
    found = {name: tables(runs, name) for name in PLANS}
    for path in [*evaluated.glob("*.csv"), evaluated / "tables" / "probes.csv"]:
        rows = evaluate.read_csv(path)
        assert list(dict.fromkeys(row["variant"] for row in rows)) == ["ones", "baseline"]
        expected = [
            {column: str(value) for column, value in row.items() if column != "variant"}
            for name in ("ones", "baseline")
            for row in found[name][path.stem]
        ]
        assert [{c: row[c] for c in row if c != "variant"} for row in rows] == expected


def test_the_tables_name_the_files_of_the_data_set(evaluated):
    rows = evaluate.read_csv(evaluated / "tables" / "files.csv")
    assert [row["file"] for row in rows] == list(data.FILES.values())
    for row in rows:
        content = (evaluated / "mnist" / row["file"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_tables_keep_the_pictures_of_all_variants(evaluated, runs):
    kept = load_file(evaluated / "tables" / "snapshots.safetensors")
    for name in PLANS:
        own = load_file(runs / name / "snapshots.safetensors")
        assert {key for key in kept if key.startswith(f"{name}/")} == {f"{name}/{k}" for k in own}
        assert all(kept[f"{name}/{key}"].equal(values) for key, values in own.items())


def test_the_tables_keep_the_first_images_for_the_page(prepared, monkeypatch):
    monkeypatch.setattr(evaluate, "SAMPLED", {"train": 2000, "test": 50})
    evaluate.main()
    kept = load_file(prepared / "tables" / "sample.safetensors")
    for split, images, count in (("train", DATASET.train, 640), ("test", IMAGES, 50)):
        assert kept[f"{split}/pixels"].equal(images.pixels[:count])
        assert kept[f"{split}/labels"].equal(images.labels[:count])
    assert evaluate.sample(prepared / "mnist", 10, IMAGES)["train/labels"].tolist() == [*range(10)]
