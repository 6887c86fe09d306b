"""Forward and backward by hand, against torch's modules and autograd."""

import pytest
import torch

from docs import plain
from stages.training import data, network
from tests.oracle import normalized, plain_network

SIZES = [784, 20, 12, 10]


def random_net() -> network.Tensors:
    net = network.allocate(SIZES, torch.float64)
    net.flat.uniform_(-0.2, 0.2, generator=torch.Generator().manual_seed(0))
    return net


@pytest.mark.parametrize("activation", network.KERNELS)
def test_gradients_equal_those_of_autograd(train_images, activation):
    net, batch = random_net(), train_images.first(32)
    model = plain_network(net, activation)
    expected = model(normalized(batch.pixels))
    torch.nn.functional.cross_entropy(expected, batch.labels).backward()

    buffers = network.Buffers(32, SIZES, network.KERNELS[activation], torch.float64)
    logits, grads = torch.empty_like(expected), network.allocate(SIZES, torch.float64)
    data.normalize(batch.pixels, buffers.x)
    network.forward(net, buffers, logits)
    network.backward(net, grads, buffers, torch.nn.functional.one_hot(batch.labels, 10).double())

    torch.testing.assert_close(logits, expected.detach(), rtol=0, atol=1e-12)
    for name, theirs in model.named_parameters():
        assert theirs.grad.abs().max() > 1e-4
        torch.testing.assert_close(grads.named()[name], theirs.grad, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_are_named_in_order_and_aligned(dtype):
    sizes = [784, 5, 3, 10]
    net = network.allocate(sizes, dtype)
    named = net.named()
    assert list(named) == [
        "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "out.weight", "out.bias",
    ]  # fmt: skip
    for (name, tensor), theirs in zip(
        named.items(), plain.network(sizes).parameters(), strict=True
    ):
        assert tensor.shape == theirs.shape, name
        assert tensor.data_ptr() % network.ALIGNMENT == 0
    named["out.bias"].fill_(7)
    assert net.flat.sum() == 70


@pytest.mark.parametrize("activation", network.KERNELS)
def test_predictions_in_pieces_equal_plain_pytorchs(activation, test_images):
    net, images = random_net(), test_images.first(2 * network.SCORE_ROWS + 7)
    logits = network.predict(net, activation, images)
    expected = plain_network(net, activation)(normalized(images.pixels)).detach()
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)
