"""The page's "Try a start": its trainer against ours, and its controls in a browser."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.rendering import page, try_a_start
from stages.rendering.packing import packed
from stages.training import data, epoch, network, probes
from stages.training.epoch import Learner, initial_state
from stages.training.initialization import initial_weights
from stages.training.seeds import generator
from tests.conftest import needs_chromium, plan_of
from tests.starts import STUCK, ZERO, constant
from tests.test_page import PARAMS, opened, reports  # noqa: F401  a fixture

pytestmark = [pytest.mark.slow, needs_chromium]

# What the page's trainer makes of given weights and images: it is the page's own code.
TRAIN = """({ source, plan, floats, pixels, labels, steps }) => {
  const { allocate, tensorsOf, normalized, forward, backward, train, distinct } =
    new Function(source + "; return { allocate, tensorsOf, normalized, forward, backward, train, distinct }")();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const text = (array) => {
    let letters = "";
    for (const byte of new Uint8Array(array.buffer)) letters += String.fromCharCode(byte);
    return btoa(letters);
  };
  const layers = allocate(plan.sizes), tensors = tensorsOf(layers);
  tensors.forEach(({ values }, i) => values.set(new Float32Array(bytes(floats[i]).buffer)));
  const images = normalized(bytes(pixels)), batch = (step) => {
    const [from, to] = [step * plan.batch, (step + 1) * plan.batch];
    return [images.subarray(from * 784, to * 784), Uint8Array.from(labels.slice(from, to))];
  };
  let loss = 0, right = 0;
  for (let step = 0; step < steps; step++) {
    const [x, own] = batch(step), found = train(layers, plan, x, own, step + 1);
    loss += found.loss / steps;
    right += found.right;
  }
  const values = tensors.map((tensor) => text(tensor.values));
  const [x, own] = batch(0);
  backward(layers, plan.activation, forward(layers, plan.activation, x, own.length), own);
  return { loss, right, values, gradients: tensors.map((tensor) => text(tensor.gradient)),
    distinct: layers.map(distinct) };
}"""


@pytest.fixture(scope="module")
def blank(browser):
    tab = browser.new_page()
    yield tab
    tab.close()


def both(blank, plan, images: data.Images, steps: int) -> tuple[dict, dict]:
    """The same training with our trainer and the page's: `values`, `gradients` by tensor, …"""
    state = initial_state(plan, images, 1)
    learner = Learner.of(plan, state)
    named = learner.net.named()
    floats = [base64.b64encode(tensor.numpy().tobytes()).decode() for tensor in named.values()]
    count = steps * plan.batch_size
    loss, accuracy = epoch.train_epoch(plan, images, learner, generator(1, "order"), count)
    order = torch.randperm(len(images.labels), generator=generator(1, "order"))
    theirs = blank.evaluate(
        TRAIN,
        {
            "source": page.joined("try/network.js", "try/starts.js", "try/worker.js"),
            "plan": {
                "sizes": plan.sizes, "batch": plan.batch_size, "activation": plan.activation,
                "optimizer": plan.optimizer, "rate": plan.lr,
            },
            "floats": floats,
            "pixels": base64.b64encode(images.pixels[order[:count]].numpy().tobytes()).decode(),
            "labels": images.labels[order[:count]].tolist(),
            "steps": steps,
        },
    )  # fmt: skip
    for what in ("values", "gradients"):
        arrays = [np.frombuffer(base64.b64decode(one), np.float32) for one in theirs[what]]
        theirs[what] = dict(zip(named, arrays, strict=True))
    ours = {
        "loss": loss,
        "right": round(accuracy * count),
        "values": {name: tensor.numpy().ravel() for name, tensor in named.items()},
        "gradients": gradients(plan, learner.net, images, order[: plan.batch_size]),
        "distinct": [
            probes.units(weight.double(), bias.double())[0]
            for weight, bias in zip(learner.net.weights, learner.net.biases, strict=True)
        ],
    }
    return ours, theirs


def gradients(plan, net, images: data.Images, rows) -> dict[str, np.ndarray]:
    grads = network.allocate(plan.sizes)
    buffers = network.Buffers(len(rows), plan.sizes, network.ACTIVATIONS[plan.activation])
    data.normalize(images.pixels[rows], buffers.x)
    logits = torch.empty(len(rows), plan.sizes[-1])
    network.forward(net, buffers, logits)
    target = torch.nn.functional.one_hot(images.labels[rows], plan.sizes[-1]).float()
    network.backward(net, grads, buffers, logits, target)
    return {name: tensor.numpy().ravel() for name, tensor in grads.named().items()}


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, over the largest value."""
    return float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-30))


TRAININGS = {"adam": {"optimizer": "adam", "lr": 0.001}, "sgd": {"optimizer": "sgd", "lr": 0.1}}
# Adam divides a gradient by its own size: where that is about its eps of 1e-8, rounding decides a
# part of a step.
VALUES = {"adam": 1e-3, "sgd": 2e-6}


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
@pytest.mark.parametrize("optimizer", TRAININGS)
@pytest.mark.parametrize("steps", [1, 50])
def test_the_page_trains_as_the_trainer_does(blank, dataset, activation, optimizer, steps):
    plan = plan_of(network={"activation": activation}, training=TRAININGS[optimizer])
    ours, theirs = both(blank, plan, dataset.train, steps)
    assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-6)
    assert theirs["right"] == ours["right"]
    for name, values in ours["values"].items():
        assert apart(values, theirs["values"][name]) <= VALUES[optimizer], name
        assert apart(ours["gradients"][name], theirs["gradients"][name]) <= 5e-5, name


STARTS = STUCK | {
    "out zero": {"out": ZERO},
    "all ones": {"all": constant(1)},
    "all 0.1": {"all": constant(0.1)},
    "fc1 0.1": {"fc1": constant(0.1)},
    "every unit twice": {
        "fc1": {"weight": {"duplicated": {"rows": 2}}},
        "fc2": {"weight": {"duplicated": {"rows": 2, "columns": 2}}},
        "out": {"weight": {"duplicated": {"columns": 2}}},
        "all": {"bias": "zeros"},
    },
}


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("start", STARTS)
def test_what_never_moves_and_what_stays_equal_does_so_here_too(blank, dataset, start, activation):
    plan = plan_of(STARTS[start], network={"activation": activation})
    ours, theirs = both(blank, plan, dataset.train, 10)
    before = initial_state(plan, dataset.train, 1)
    initial = network.Tensors(plan.sizes, torch.from_numpy(before.weights)).named()
    for name, values in ours["values"].items():
        start_values = initial[name].numpy().ravel()
        moved, theirs_moved = (one != start_values for one in (values, theirs["values"][name]))
        assert moved.any() == theirs_moved.any(), name
        assert (ours["gradients"][name] == 0).all() == (theirs["gradients"][name] == 0).all(), name
    assert theirs["distinct"] == ours["distinct"]


