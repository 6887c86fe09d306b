"""Forward and backward by hand, against torch's modules and autograd."""

import pytest
import torch

from stages import network
from tests.reference import sequential

SIZES = [784, 20, 12, 10]


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
def test_gradients_are_those_of_autograd(activation, train_images):
    net = network.allocate(SIZES, torch.float64)
    random = torch.Generator().manual_seed(0)
    for tensor in net.named().values():
        tensor.uniform_(-0.2, 0.2, generator=random)
    model = sequential(net, activation)
    buffers = network.Buffers(32, SIZES, network.ACTIVATIONS[activation], torch.float64)
    network.mnist.normalize(train_images.pixels[:32], buffers.x)
    labels = train_images.labels[:32]

    expected = model(buffers.x)
    torch.nn.functional.cross_entropy(expected, labels).backward()
    logits = torch.empty(32, 10, dtype=torch.float64)
    grads = network.allocate(SIZES, torch.float64)
    network.forward(net, buffers, logits)
    target = torch.nn.functional.one_hot(labels, 10).double()
    network.backward(net, grads, buffers, logits, target)

    torch.testing.assert_close(logits, expected.detach(), rtol=0, atol=1e-13)
    for ours, theirs in zip(grads.named().values(), model.parameters(), strict=True):
        assert theirs.grad.abs().max() > 1e-4
        torch.testing.assert_close(ours, theirs.grad, rtol=0, atol=1e-14)


def test_relu_has_slope_0_at_0_as_torch_has():
    delta, z = torch.ones(3), torch.tensor([-1.0, 0.0, 1.0])
    relu = network.ACTIVATIONS["relu"]
    relu.forward(z, z)
    relu.backward(delta, z, z)
    assert delta.tolist() == [0, 0, 1]


def test_tensors_are_named_in_order_and_aligned():
    net = network.allocate([784, 5, 3, 10])
    named = net.named()
    assert list(named) == [
        "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "out.weight", "out.bias",
    ]  # fmt: skip
    assert named["fc2.weight"].shape == (3, 5)
    for tensor in named.values():
        assert tensor.data_ptr() % network.ALIGNMENT == 0
    named["out.bias"].fill_(7)
    assert net.flat.sum() == 70


def test_scoring_in_pieces_is_scoring_at_once(test_images):
    net = network.allocate(SIZES, torch.float64)
    net.flat.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(0))
    images = test_images.first(2 * network.SCORE_ROWS + 7)
    logits = network.predict(net, "relu", images)
    x = network.mnist.normalize(images.pixels, torch.empty(len(images.labels), 784).double())
    torch.testing.assert_close(logits, sequential(net, "relu")(x).detach(), rtol=0, atol=1e-12)


def test_loss_and_accuracy_of_known_logits():
    logits = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    loss, accuracy = network.loss_and_accuracy(logits, torch.tensor([0, 0, 0]))
    expected = [0.6931471805599453, 0.04858735157374196, 3.048587351573742]
    assert loss == pytest.approx(sum(expected) / 3)
    assert accuracy == pytest.approx(2 / 3)  # of equal logits the first class counts
