"""Forward and backward by hand, against torch's modules and autograd."""

import pytest
import torch

from docs import plain
from stages.training import data, network
from stages.training.initialization import initial_weights
from tests.conftest import plan_of
from tests.initializations import STUCK
from tests.oracle import normalized, plain_network

SIZES = [784, 20, 12, 10]
HIDDEN = {"hidden": SIZES[1:-1]}


def net_of(variant: dict | None = None, dtype: torch.dtype = torch.float32) -> network.Tensors:
    net = network.allocate(SIZES, dtype)
    start = initial_weights(plan_of(variant, network=HIDDEN), seed=0)
    for name, tensor in net.named().items():
        tensor.copy_(start[name])
    return net


class Pass:
    """Forward and backward over 32 images, with buffers that are used again and again."""

    def __init__(self, activation: str = "relu", dtype: torch.dtype = torch.float32):
        self.buffers = network.Buffers(32, SIZES, network.KERNELS[activation], dtype)
        self.logits = torch.empty(32, 10, dtype=dtype)
        self.grads = network.allocate(SIZES, dtype)

    def __call__(
        self, net: network.Tensors, images: data.Images, may_end: bool = False
    ) -> dict[str, torch.Tensor]:
        data.normalize(images.pixels, self.buffers.x)
        network.forward(net, self.buffers, self.logits)
        target = torch.nn.functional.one_hot(images.labels, 10).to(self.logits.dtype)
        network.backward(net, self.grads, self.buffers, target, may_end=may_end)
        return {name: tensor.clone() for name, tensor in self.grads.named().items()}


@pytest.fixture
def batch(train_images) -> data.Images:
    return train_images.first(32)


@pytest.mark.parametrize("may_end", [False, True])
@pytest.mark.parametrize("activation", network.KERNELS)
def test_gradients_equal_those_of_autograd(batch, activation, may_end):
    net = network.allocate(SIZES, torch.float64)
    random = torch.Generator().manual_seed(0)
    for tensor in net.named().values():
        tensor.uniform_(-0.2, 0.2, generator=random)
    model = plain_network(net, activation)
    expected = model(normalized(batch.pixels))
    torch.nn.functional.cross_entropy(expected, batch.labels).backward()

    once = Pass(activation, torch.float64)
    grads = once(net, batch, may_end)

    torch.testing.assert_close(once.logits, expected.detach(), rtol=0, atol=1e-12)
    for name, theirs in model.named_parameters():
        assert theirs.grad.abs().max() > 1e-4
        torch.testing.assert_close(grads[name], theirs.grad, rtol=0, atol=1e-13)


def test_the_backward_pass_may_end_below_a_zero_gradient(batch):
    once = Pass()
    untouched = torch.full_like(once.buffers.delta[0], 7)
    for may_end in (True, False):
        once.buffers.delta[0].copy_(untouched)
        once(net_of(STUCK["all zero"]), batch, may_end)
        assert torch.equal(once.buffers.delta[0], untouched) == may_end


def test_relu_has_slope_0_at_0():
    delta, z = torch.ones(3), torch.tensor([-1.0, 0.0, 1.0])
    relu = network.KERNELS["relu"]
    relu.forward(z, z)
    relu.backward(delta, z, z)
    assert delta.tolist() == [0, 0, 1]


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
    net = network.allocate(SIZES, torch.float64)
    net.flat.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(0))
    images = test_images.first(2 * network.SCORE_ROWS + 7)
    logits = network.predict(net, activation, images)
    expected = plain_network(net, activation)(normalized(images.pixels)).detach()
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", network.KERNELS)
def test_hidden_outputs_are_the_inputs_of_the_next_layer(activation, batch):
    net = net_of(dtype=torch.float64)
    model, x = plain_network(net, activation), normalized(batch.pixels)
    for hidden in range(3):
        below = network.Tensors(SIZES[: hidden + 1], net.flat)
        expected = model[: 1 + 2 * hidden](x).detach()
        ours = network.hidden_outputs(below, activation, x)
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-12)


def test_loss_and_accuracy_of_known_logits():
    logits = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    loss, accuracy = network.loss_and_accuracy(logits, torch.tensor([0, 0, 0]))
    expected = [0.6931471805599453, 0.04858735157374196, 3.048587351573742]
    assert loss == pytest.approx(sum(expected) / 3)
    assert accuracy == pytest.approx(2 / 3)  # of equal logits the first class counts
