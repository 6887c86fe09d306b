"""The examination of networks: what it finds, that it harms nothing, and its command."""

import functools
import json
import math
import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.utils.checkpoint
from torch import nn
from torch.nn import functional

import stages.training  # noqa: F401  before torch is loaded
from stages.datasets import mnist1d
from tests.examined import broken, healthy
from tools.examine import __main__ as command
from tools.examine import equality, examination, examine, keeping, laws, sizes, subject, trial

HINTS = {"never_called"}  # whether an unused part is a mistake cannot be seen
CASES = [pytest.param(*case, id=name) for name, case in (broken.CASES | healthy.CASES).items()]


def snapshot(module: nn.Module) -> dict:
    """Everything that an examination must leave as it was."""
    tensors = dict(module.named_parameters()) | dict(module.named_buffers())
    return {
        "values": {name: (id(t), t.detach().clone()) for name, t in tensors.items()},
        "gradients": {n: None if t.grad is None else t.grad.clone() for n, t in tensors.items()},
        "flags": [(t.requires_grad, t.dtype, t.device) for t in tensors.values()],
        "modes": [part.training for part in module.modules()],
        "hooks": [
            {key: list(value.items()) for key, value in vars(part).items() if "hooks" in key}
            for part in module.modules()
        ],
        "python": random.getstate(),
        "random": [torch.get_rng_state(), np.random.get_state()[1]],  # noqa: NPY002
    }  # fmt: skip


def same(one, other) -> bool:
    """Whether two snapshots are equal bit for bit; NaN equals itself."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(
            one.flatten().view(torch.uint8), other.flatten().view(torch.uint8)
        )
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.slow
@pytest.mark.parametrize(("make", "kinds"), CASES)
def test_cause_is_found_and_the_network_unharmed(make, kinds):
    module, loss = make()
    loss().backward()
    before = snapshot(module)
    report = examine(module, loss)
    assert same(before, snapshot(module))
    faults = [one["kind"] for one in report["findings"] if one["severity"] == "fault"]
    if kinds:
        assert {one["kind"] for one in report["findings"][:2]} & set(kinds)
        assert faults or make.__name__ in HINTS
    else:
        assert not faults
    json.dumps(report, allow_nan=False)


def small(**options) -> tuple[nn.Module, SimpleNamespace]:
    """A small network with everything that training changes, and a loss that fails on demand."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
    )
    net[0].weight.requires_grad_(False)
    net[4].train(False)
    net.generator = torch.Generator().manual_seed(5)
    net.seen = torch.zeros(2)
    net.register_forward_hook(lambda *_: None)
    inputs, labels = torch.randn(16, 6), torch.arange(16) % 3
    state = SimpleNamespace(calls=0, fails_at=options.get("fails_at", math.inf))

    def loss():
        state.calls += 1
        net.seen += 1
        net.cached = torch.rand(1, generator=net.generator) + random.random()
        np.random.rand()  # noqa: NPY002
        if state.calls >= state.fails_at:
            raise RuntimeError("out of data")
        return functional.cross_entropy(net(inputs), labels)

    state.loss = loss
    return net, state


@pytest.mark.parametrize("fails_at", [1, 2, 9, math.inf])
def test_nothing_changes_also_after_an_exception(fails_at):
    net, state = small(fails_at=fails_at)
    before, attributes = snapshot(net), set(vars(net))
    drawn = net.generator.get_state()
    if math.isfinite(fails_at):
        with pytest.raises(examination.ExaminationError, match="RuntimeError: out of data"):
            examine(net, state.loss)
    else:
        examine(net, state.loss)
    assert same(before, snapshot(net))
    assert set(vars(net)) == attributes
    assert torch.equal(net.generator.get_state(), drawn)
    assert not net.seen.any()


def test_steps_follow_the_gradient_and_note_who_moves_when():
    last = nn.Linear(4, 2)
    nn.init.zeros_(last.weight)
    net = nn.Sequential(nn.Linear(3, 4), last)
    inputs, labels = torch.randn(8, 3), torch.arange(8) % 2
    loss = lambda: functional.cross_entropy(net(inputs), labels)  # noqa: E731
    with keeping.kept(net, loss) as initial:
        found = trial.tried(net, loss, initial)
    assert found.moved == {"1.weight": 1, "1.bias": 1, "0.weight": 2, "0.bias": 2}
    assert found.losses[-1] < found.losses[0]


def test_signal_and_gradient_are_those_of_a_hand_computation():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    inputs, labels = torch.randn(8, 3), torch.arange(8) % 2
    report = examine(net, lambda: functional.cross_entropy(net(inputs), labels))
    hidden = net[0](inputs)
    hidden.retain_grad()
    functional.cross_entropy(net[2](net[1](hidden)), labels).backward()
    row = report["layers"][0]
    assert row["signal"] == pytest.approx(
        hidden.var(0, correction=0).mean().sqrt().item(), rel=1e-5
    )
    assert row["gradient"] == pytest.approx(hidden.grad.norm().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("tensor", "axis", "pairs"),
    [
        (torch.ones(3, 4), 0, [(1, 0), (2, 0)]),
        (torch.arange(12.0).view(3, 4), 0, []),
        (torch.tensor([[1.0, 2], [3, 4], [1, 2], [3, 4]]), 0, [(2, 0), (3, 1)]),
        (torch.tensor([[1.0, 2], [1 + 1e-7, 2]]), 0, [(1, 0)]),
        (torch.tensor([[1.0, 2], [1 + 1e-3, 2]]), 0, []),
        (torch.tensor([[1.0, 1], [2, 2]]), 1, [(1, 0)]),
    ],
)
def test_equal_slices(tensor, axis, pairs):
    found = equality.equal_slices({"tensor": tensor}, {"tensor": axis})
    assert sorted(pair for one in found for pair in one.pairs) == pairs


def test_trend_is_the_median_slope():
    assert sizes.trend([1, 0.1, 1e-2, 1e-3]) == pytest.approx(1e-3)
    assert sizes.trend([1, 1, 1e-6, 1, 1]) == pytest.approx(1)  # a branch, not the chain


def test_what_cannot_be_judged_is_named():
    net = nn.Linear(3, 2).eval()
    report = examine(net, lambda: net(torch.ones(1, 3)).pow(3).sum())
    text = " ".join(report["not_judged"])
    for word in ("two examples", "that of guessing", "evaluation mode"):
        assert word in text


def linear(fill) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(50, 40))
    fill(net[0].weight)
    nn.init.zeros_(net[0].bias)
    return net


@pytest.mark.parametrize(
    ("fill", "expected", "differs"),
    [
        (lambda w: nn.init.normal_(w, std=0.02), "*.weight={normal: {std: 0.02}}", False),
        (lambda w: nn.init.normal_(w, std=0.024), "*.weight={normal: {std: 0.02}}", True),
        (nn.init.xavier_uniform_, "*.weight=xavier_uniform", False),
        (nn.init.xavier_uniform_, "*.weight=xavier_normal", True),  # the same σ
        (nn.init.orthogonal_, "*.weight=orthogonal", False),
        (nn.init.zeros_, "*=zeros", False),
        (nn.init.zeros_, "*.weight={normal: {std: 0.02}}", True),
        (nn.init.xavier_uniform_, "*.weight=zeros", True),
    ],
)
def test_tensors_against_their_initializer(fill, expected, differs):
    rows = laws.compared([laws.parsed(expected)], linear(fill))
    assert [row.differs for row in rows] == [differs] * len(rows)


FILE = """
import torch
import torch.utils.checkpoint
from torch import nn


def build(shape, classes, zeros=False):
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, classes))
    if zeros:
        nn.init.zeros_(net[1].weight), nn.init.zeros_(net[1].bias)
    return net


def stuck():
    net = build((3, 4), 5, zeros=True)
    x, y = torch.randn(16, 3, 4), torch.arange(16) % 5
    return net, lambda: nn.functional.cross_entropy(net(x), y)


def wrong():
    return build((3, 4), 5), lambda: torch.zeros(2)


def number():
    return 3


def one(shape):
    return build(shape, 5)


def uncalled():
    return build((3, 4), 5), torch.zeros(())


def fails():
    raise ValueError("no such model")
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command with options; gives its exit code, output and errors."""
    (tmp_path / "model_of_mine.py").write_text(FILE)
    threads = torch.get_num_threads()

    def run(function: str, *options: str) -> tuple[int, str, str]:
        place = f"{tmp_path}/model_of_mine.py:{function}"
        monkeypatch.setattr(sys, "argv", ["examine", place, *options])
        monkeypatch.setattr(sys, "path", list(sys.path))
        with pytest.raises(SystemExit) as ended:
            command.main()
        return ended.value.code, *capsys.readouterr()

    yield run
    torch.set_num_threads(threads)


def test_command_reports_a_network_that_learns(run):
    code, output, _ = run("build", "--input", "3x4", "--classes", "5")
    assert code == 0
    assert output.startswith("Nothing in its initialization keeps it from learning.")


def test_command_reports_a_fault_as_text_page_and_json(run, tmp_path):
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    code, output, _ = run("stuck", "--html", str(page), "--json", str(data))
    report = json.loads(data.read_text())
    assert code == 1
    assert report["verdict"].startswith("It will not learn well as it starts: the gradient of")
    first = report["findings"][0]
    assert (first["kind"], first["severity"], first["where"]) == ("no_gradient", "fault", "1")
    for text in (output, page.read_text()):
        assert " ".join(first["words"].split()) in " ".join(text.split()).replace("&#39;", "'")
    assert "http" not in page.read_text()


def test_command_compares_initial_values(run):
    code, output, _ = run(
        "build", "--input", "3x4", "--classes", "5", "--expect", "1.weight={normal: {std: 1.0}}"
    )
    assert code == 1
    assert "1 tensor not as expected." in output
    assert "differs" in output


@pytest.mark.parametrize(
    ("function", "options", "line"),
    [
        ("one", [], "one(shape): must take nothing, or the shape and the classes"),
        ("uncalled", [], "the loss must be a function, such as lambda: loss(model(x), y)"),
        ("build", ["--html", "none/page.html"], "none/page.html: there is no folder none"),
        ("build", [], "needs shape, classes: add --data NAME, or --input and --classes"),
        (
            "nothing",
            [],
            "has no function nothing; it has build, stuck, wrong, number, one, uncalled, fails",
        ),
        ("number", [], "returned int instead of a module or (module, loss)"),
        ("fails", [], "fails: ValueError: no such model"),
        ("wrong", [], "loss() returned shape [2] instead of a single number"),
        ("build", ["--input", "3x"], "--input 3x: must be a shape such as 40 or 3x32x32"),
        ("build", ["--input", "7"], "loss() fails: RuntimeError: mat1 and mat2 shapes"),
        ("build", ["--data", "none"], "--data none: must be one of mnist"),
        ("stuck", ["--expect", "1.weight"], "must be PATTERN=INITIALIZER"),
        ("stuck", ["--expect", "9.*=zeros"], "names no tensor; there are 1.weight"),
        ("stuck", ["--expect", "1.*=zeross"], "no such initializer; did you mean 'zeros'?"),
        ("stuck", ["--expect", "*.bias=xavier_normal"], "cannot fill 1.bias"),
    ],
)
def test_what_cannot_be_examined_gets_a_line(run, function, options, line):
    code, output, errors = run(function, *options)
    assert (code, output) == (2, "")
    assert line in errors
    assert len(errors.splitlines()) == 1


def test_examples_of_a_data_set_are_normalized(mnist_folder):
    batch = subject.from_data("mnist", 32)
    assert (batch.shape, batch.classes, len(batch.labels)) == ((1, 28, 28), 10, 32)
    assert batch.inputs.std().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("deep", "vanishing"), ("residual", "no_gradient"), ("queries", "equal_units")],
)
def test_examples_of_the_documentation(name, kind):
    (inputs, labels), _ = mnist1d.load()
    batch = subject.Batch(inputs[:64], labels[:64], 10)
    for build, expected in ((name, kind), (f"{name}_mended", None)):
        module, loss = subject.of(f"docs/examined.py:{build}", batch)
        found = examine(module, loss)["findings"]
        assert [one["kind"] for one in found if one["severity"] == "fault"][:1] == [
            expected
        ] * bool(expected)


def test_frozen_and_lazy_networks_get_a_line():
    frozen = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(examination.ExaminationError, match="no parameter can be trained"):
        examine(frozen, lambda: frozen(torch.ones(2, 2)).sum())
    for lazy in (nn.LazyLinear(2), nn.Sequential(nn.Linear(2, 2), nn.LazyBatchNorm1d())):
        with pytest.raises(examination.ExaminationError, match="is lazy; call the module once"):
            examine(lazy, lambda: lazy(torch.ones(2, 2)).sum())  # noqa: B023
    meta = nn.Linear(2, 2, device="meta")
    with pytest.raises(examination.ExaminationError, match="weight is on the device meta"):
        examine(meta, lambda: meta(torch.ones(2, 2)).sum())


def learner() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    labels = torch.arange(32) % 4
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    return net, torch.randn(4, 16)[labels] + torch.randn(32, 16) / 2, labels


def summed():
    net, inputs, labels = learner()
    return net, lambda: functional.cross_entropy(net(inputs), labels, reduction="sum")


def masked():
    net, inputs, labels = learner()
    net.query, net.key = nn.Parameter(torch.randn(1, 16)), nn.Linear(16, 16)
    mask = torch.zeros(1, 8).masked_fill(torch.arange(8) > 5, -math.inf)

    def loss():
        sequence = net.key(inputs.unflatten(0, (4, 8)))
        scores = torch.baddbmm(mask.expand(4, 1, 8), net.query.expand(4, 1, 16), sequence.mT)
        found = (scores.softmax(-1) @ sequence)[:, 0]
        return functional.cross_entropy(net[2](net[1](net[0](found))), labels[:4])

    return net, loss


def far_end_of_a_bidirectional_layer():
    torch.manual_seed(0)
    net = nn.ModuleDict({"lstm": nn.LSTM(4, 16, bidirectional=True), "out": nn.Linear(32, 4)})
    inputs, labels = torch.randn(12, 16, 4), torch.arange(16) % 4
    return net, lambda: functional.cross_entropy(net["out"](net["lstm"](inputs)[0][-1]), labels)


def sparse_embedding():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(50, 8, sparse=True), nn.Flatten(), nn.Linear(24, 4))
    inputs, labels = torch.randint(50, (16, 3)), torch.arange(16) % 4
    return net, lambda: functional.cross_entropy(net(inputs), labels)


def sparse_graph():
    net, inputs, labels = learner()
    graph = torch.eye(32).to_sparse()
    return net, lambda: functional.cross_entropy(torch.sparse.mm(graph, net(inputs)), labels)


def batch_in_a_buffer():
    net, inputs, labels = learner()
    net.register_buffer("batch", inputs)
    return net, lambda: functional.cross_entropy(net(net.batch), labels)


def blocks_dropped_at_random():
    net, inputs, labels = learner()
    net.extra = nn.Linear(4, 4)

    def loss():
        logits = net[2](net[1](net[0](inputs)))
        return functional.cross_entropy(
            logits + net.extra(logits) if torch.rand(()) < 0.5 else logits, labels
        )

    return net, loss


def checkpointed():
    net, inputs, labels = learner()
    body = lambda x: net[1](net[0](x))  # noqa: E731
    inputs.requires_grad_()
    call = torch.utils.checkpoint.checkpoint
    return net, lambda: functional.cross_entropy(
        net[2](call(body, inputs, use_reentrant=True)), labels
    )


def empty_parameter():
    net, inputs, labels = learner()
    net.device_of = nn.Parameter(torch.empty(0))
    return net, lambda: functional.cross_entropy(net(inputs), labels)


@pytest.mark.parametrize(
    "make",
    [
        summed, masked, far_end_of_a_bidirectional_layer, sparse_embedding, sparse_graph,
        batch_in_a_buffer, blocks_dropped_at_random, checkpointed, empty_parameter,
    ],
)  # fmt: skip
def test_ordinary_code_has_no_fault(make):
    module, loss = make()
    report = examine(module, loss)
    assert not [one for one in report["findings"] if one["severity"] == "fault"]
    assert not [line for line in report["not_judged"] if "watched" in line]


def test_layers_of_a_batch_in_a_buffer_are_seen():
    module, loss = batch_in_a_buffer()
    assert examine(module, loss)["layers"][0]["signal"] > 0


def test_what_the_loss_holds_is_unharmed_too():
    net, inputs, labels = learner()
    other = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4))
    drawn = torch.Generator().manual_seed(3)
    net.register_buffer("wide", torch.ones(1, 4).expand(32, 4))
    inputs.requires_grad_()
    net.history = []

    def loss(generator):
        net.history.append(1)
        noise = torch.randn(32, 4, generator=generator)
        return functional.cross_entropy(other(net(inputs) + noise * net.wide), labels)

    before, state = snapshot(other), drawn.get_state()
    examine(net, functools.partial(loss, drawn))
    assert same(before, snapshot(other))
    assert torch.equal(drawn.get_state(), state)
    assert inputs.grad is None
    assert net.history == []


def test_gains_of_a_normalization_near_zero_are_a_hint():
    net, inputs, labels = learner()
    net.insert(1, nn.BatchNorm1d(32))
    nn.init.normal_(net[1].weight, 0, 0.02)
    found = examine(net, lambda: functional.cross_entropy(net(inputs), labels))["findings"]
    assert [(one["kind"], one["severity"], one["where"]) for one in found] == [
        ("vanishing", "hint", "1")
    ]


def test_a_tied_weight_is_expected_by_both_names():
    net = nn.ModuleDict({"word": nn.Embedding(50, 20), "head": nn.Linear(20, 50, bias=False)})
    net["head"].weight = net["word"].weight
    [row] = laws.compared([laws.parsed("head.weight=normal")], net)
    assert not row.differs


def test_tensors_drawn_from_one_seed_are_a_hint_whatever_their_shapes():
    net = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 8))
    with torch.no_grad():
        net[1].weight.copy_(net[0].weight.reshape(8, 4))
    found = examine(net, lambda: net(torch.ones(4, 8)).square().mean())["findings"]
    assert [(f["kind"], f["severity"], f["where"]) for f in found][-1] == (
        "equal_units", "hint", "0, 1",
    )  # fmt: skip


def test_a_loss_below_zero_that_falls_is_not_stalled():
    net, inputs, labels = learner()
    report = examine(net, lambda: functional.cross_entropy(net(inputs), labels) - 1.6)
    assert report["losses"][0] < 0
    assert "which is little" not in report["verdict"]


def test_no_step_is_not_called_saved_time():
    net = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(net.weight)
    report = examine(net, lambda: net(torch.ones(2, 2)).sum().sqrt())
    assert report["findings"][0]["kind"] == "not_finite"
    assert not any("save time" in line for line in report["not_judged"])
