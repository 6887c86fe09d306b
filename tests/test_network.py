"""The kernel's network against torch's modules and autograd, and its bits on every processor."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from docs import plain
from stages.training.activations import ACTIVATIONS
from stages.training.data import Images
from stages.training.mlp import build, engine, functions, layout
from stages.training.mlp.network import SCORE_ROWS, Network
from stages.training.seeds import Draws
from tests.conftest import ROOT, plan_of
from tests.oracle import OPTIMIZERS, normalized, plain_network

SIZES = [784, 20, 12, 10]


def random_net(activation: str) -> Network:
    model = plain.network(SIZES, activation)
    draws = Draws(0, "test")
    tensors = {
        name: torch.from_numpy(0.4 * draws.uniform(*tensor.shape) - 0.2)
        for name, tensor in model.named_parameters()
    }
    return Network(SIZES, activation, layout.flat_of(SIZES, tensors, np.float64))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_and_gradients_equal_those_of_autograd(train_images, activation):
    net, batch = random_net(activation), train_images.first(35)
    model = plain_network(SIZES, activation, net.weights)
    expected = model(normalized(batch.pixels))
    torch.nn.functional.cross_entropy(expected, batch.labels).backward()
    seen = net.look(batch)
    assert np.abs(seen.outputs[-1] - expected.detach().numpy()).max() < 1e-12
    ours = (tensor for layer in seen.gradients for tensor in layer)
    for tensor, (name, theirs) in zip(ours, model.named_parameters(), strict=True):
        assert theirs.grad.abs().max() > 1e-4
        assert np.abs(tensor - theirs.grad.numpy()).max() < 1e-13, name


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_scores_in_pieces_equal_plain_pytorchs(activation, test_images):
    net, images = random_net(activation), test_images.first(2 * SCORE_ROWS + 7)
    loss, accuracy, logits = net.score(images)
    expected = plain_network(SIZES, activation, net.weights)(normalized(images.pixels)).detach()
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(expected, images.labels).item())
    assert accuracy == (expected.argmax(1) == images.labels).double().mean()


def test_a_logit_that_is_not_a_number_leaves_no_number_for_the_loss(test_images):
    net = random_net("relu")
    [*_, (_, bias)] = layout.matrices(SIZES, net.weights)
    bias[3] = np.nan
    others = test_images.labels != 3
    images = Images(test_images.pixels[others][:50], test_images.labels[others][:50])
    assert np.isnan(net.score(images)[0])


def test_functions_equal_those_of_scipy():
    from scipy import stats

    shares = np.concatenate([10.0 ** np.arange(-300, 0, 7), np.linspace(0.01, 0.99, 99)])
    values = stats.norm.ppf(shares)
    np.testing.assert_allclose(functions.normal_quantiles(shares), values, rtol=1e-14, atol=1e-15)
    inside = np.abs(values) < 9
    found = functions.normal_shares(values[inside])
    np.testing.assert_allclose(found, shares[inside], rtol=1e-13)


def trained(activation: str, optimizer: str, images: Images, level: str) -> bytes:
    """The bits that a training leaves, with the kernel compiled for a level."""
    plan = plan_of(
        network={"hidden": [37, 16], "activation": activation},
        training=OPTIMIZERS[optimizer] | {"batch_size": 13},
    )
    learner = engine.learner(plan, engine.start(plan, images, 0))
    learner.net._library = build.library("float", level)
    scores = learner.train(images, Draws(0, "order"))
    logits = learner.score(images)[2]
    return learner.net.weights.tobytes() + logits.numpy().tobytes() + repr(scores).encode()


@pytest.mark.skipif(len(build.levels()) < 2, reason="this processor has one width of vectors")
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_width_of_vectors_gives_the_same_bits(train_images, activation, optimizer):
    images = train_images.first(200)
    assert len({trained(activation, optimizer, images, level) for level in build.levels()}) == 1


@pytest.mark.slow
def test_a_processor_without_fused_multiply_add_gets_one_line():
    hidden = {"NPY_DISABLE_CPU_FEATURES": "FMA3 AVX2 AVX512F AVX512CD AVX512_SKX"}
    command = [sys.executable, "-m", "stages.check", "--dry-run"]
    result = subprocess.run(command, cwd=ROOT, env=hidden, capture_output=True, text=True)
    [line] = result.stderr.splitlines()
    assert line.startswith("kernel.c: this processor lacks fused multiply-add")


BUILD = """
import sys
from pathlib import Path
import stages
from stages.training.mlp import build
build.FOLDER = Path(sys.argv[1])
build.library("float")
"""


@pytest.mark.slow
def test_processes_that_compile_at_once_leave_one_whole_library(tmp_path):
    command = [sys.executable, "-c", BUILD, str(tmp_path / "kernel")]
    both = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert [path.suffix for path in (tmp_path / "kernel").iterdir()] == [".so"]


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(build, "FOLDER", tmp_path / "file" / "kernel")
    with pytest.raises(OSError) as error:
        build.library.__wrapped__("float")
    assert str(tmp_path / "file") in error.value.filename
