"""A fully connected network as plain tensors: forward, backward, and its score on a data set.

The backward pass is written by hand, into buffers that are allocated once: at this size
autograd's bookkeeping and allocation cost as much as a third of the arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain, pairwise

import torch
from torch import Tensor

from stages.training import arithmetic, data
from stages.training.activations import LEAKY_SLOPE
from stages.training.plan import tensor_names

# Slices of the flat tensor start at multiples of 64 bytes: vector kernels and the matrix
# library treat unaligned tensors differently, and the last bits would depend on the layout.
ALIGNMENT = 64

# Rows that are scored at once: their activations fit into a processor's cache.
SCORE_ROWS = 1000

aten = torch.ops.aten


@dataclass(frozen=True)
class Kernel:
    """An activation in place: `forward(z, a)` writes φ(z) into a, `backward(delta, z, a)`
    multiplies delta by φ′(z).

    `in_place`: φ′ follows from a alone, so that z and a share one buffer.
    """

    forward: Callable[[Tensor, Tensor], object]
    backward: Callable[[Tensor, Tensor, Tensor], object]
    in_place: bool = True


KERNELS = {
    "relu": Kernel(
        lambda z, a: torch.relu_(z),
        lambda delta, z, a: aten.threshold_backward.grad_input(delta, a, 0, grad_input=delta),
    ),
    "leaky_relu": Kernel(
        lambda z, a: torch.nn.functional.leaky_relu_(z, LEAKY_SLOPE),
        lambda delta, z, a: aten.leaky_relu_backward.grad_input(
            delta, a, LEAKY_SLOPE, True, grad_input=delta
        ),
    ),
    "tanh": Kernel(
        lambda z, a: torch.tanh_(z),
        lambda delta, z, a: aten.tanh_backward.grad_input(delta, a, grad_input=delta),
    ),
    "sigmoid": Kernel(
        lambda z, a: torch.sigmoid_(z),
        lambda delta, z, a: aten.sigmoid_backward.grad_input(delta, a, grad_input=delta),
    ),
    "gelu": Kernel(
        lambda z, a: aten.gelu.out(z, out=a),
        lambda delta, z, a: aten.gelu_backward.grad_input(delta, z, grad_input=delta),
        in_place=False,
    ),
    "linear": Kernel(lambda z, a: None, lambda delta, z, a: None),  # f(z) = z
}


@dataclass
class Tensors:
    """The tensors of a network as views of one flat tensor.

    `weights[i]` is `[sizes[i + 1], sizes[i]]` and `biases[i]` `[sizes[i + 1]]`, from the
    first hidden layer to the output.
    """

    sizes: list[int]
    flat: Tensor
    weights: list[Tensor] = field(default_factory=list)
    biases: list[Tensor] = field(default_factory=list)
    transposed: list[Tensor] = field(default_factory=list)  # of the weights

    def __post_init__(self) -> None:
        start = 0
        for fan_in, fan_out in pairwise(self.sizes):
            for views, shape in ((self.weights, (fan_out, fan_in)), (self.biases, (fan_out,))):
                count = shape[0] * (shape[1] if len(shape) == 2 else 1)
                views.append(self.flat[start : start + count].view(shape))
                start += _padded(count, self.flat.element_size())
        self.transposed = [weight.t() for weight in self.weights]

    def named(self) -> dict[str, Tensor]:
        """Every view by its name: `fc1.weight`, `fc1.bias`, …, `out.bias`."""
        views = chain.from_iterable(zip(self.weights, self.biases, strict=True))
        return dict(zip(tensor_names(self.sizes[1:-1]), views, strict=True))


def _padded(count: int, element_size: int) -> int:
    step = ALIGNMENT // element_size
    return -(-count // step) * step


def allocate(sizes: list[int], dtype: torch.dtype = torch.float32) -> Tensors:
    """All tensors of a network with these widths, zeroed."""
    element_size = torch.empty(0, dtype=dtype).element_size()
    pairs = pairwise(sizes)
    count = sum(_padded(i * o, element_size) + _padded(o, element_size) for i, o in pairs)
    return Tensors(sizes, torch.zeros(count, dtype=dtype))


@dataclass
class Buffers:
    """The tensors of one pass over a batch of `rows` images, apart from the weights.

    `a[i]` are a layer's outputs and `z[i]` what goes into its activation, `delta[i]` the
    gradient of the mean loss at `z[i]`; each is `[rows, sizes[i + 1]]`.
    """

    rows: int
    sizes: list[int]
    activation: Kernel
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        def empty(width: int) -> Tensor:
            return torch.empty(self.rows, width, dtype=self.dtype)

        self.x = empty(self.sizes[0])
        self.logits = empty(0)  # forward sets them
        self.z = [empty(width) for width in self.sizes[1:]]
        self.a = self.z if self.activation.in_place else [empty(w) for w in self.sizes[1:-1]]
        self.delta = [empty(width) for width in self.sizes[1:]]
        self.delta_t = [delta.t() for delta in self.delta]
        self.share = torch.tensor(1 / self.rows, dtype=self.dtype)  # of an image in the mean


def forward(net: Tensors, buffers: Buffers, logits: Tensor) -> None:
    """Write the logits `[rows, 10]` of `buffers.x` into `logits`, and keep them in `buffers`."""
    activate = buffers.activation.forward
    inputs = buffers.x
    for i in range(len(net.weights) - 1):
        arithmetic.affine(net.biases[i], inputs, net.transposed[i], buffers.z[i])
        activate(buffers.z[i], buffers.a[i])
        inputs = buffers.a[i]
    arithmetic.affine(net.biases[-1], inputs, net.transposed[-1], logits)
    buffers.logits = logits


def hidden_outputs(net: Tensors, activation: str, x: Tensor) -> Tensor:
    """The output of a network of hidden layers alone for `x`; `x` itself if it has none."""
    activate = KERNELS[activation].forward
    for bias, transposed in zip(net.biases, net.transposed, strict=True):
        z = torch.empty(len(x), len(bias), dtype=x.dtype)
        arithmetic.affine(bias, x, transposed, z)
        x = z if KERNELS[activation].in_place else torch.empty_like(z)
        activate(z, x)
    return x


def backward(
    net: Tensors, grads: Tensors, buffers: Buffers, target: Tensor, may_end: bool = False
) -> None:
    """Write the gradient of the mean cross-entropy into `grads`, after `forward`.

    `target` `[rows, 10]` holds each image's class as a one-hot row; the gradient at the
    logits is (softmax − target) / rows. With `may_end` the pass stops below a layer whose
    gradient is exactly 0, and sets all gradients below it to 0.
    """
    differentiate = buffers.activation.backward
    delta = buffers.delta[-1]
    torch.softmax(buffers.logits, 1, out=delta)
    delta.sub_(target).mul_(buffers.share)
    for i in range(len(net.weights) - 1, 0, -1):
        inputs, below = buffers.a[i - 1], buffers.delta[i - 1]
        arithmetic.product(buffers.delta_t[i], inputs, grads.weights[i])
        torch.sum(delta, 0, out=grads.biases[i])
        arithmetic.product(delta, net.weights[i], below)
        differentiate(below, buffers.z[i - 1], inputs)
        if may_end and not below.numpy().any():
            for gradient in (*grads.weights[:i], *grads.biases[:i]):
                gradient.zero_()
            return
        delta = below
    arithmetic.product(buffers.delta_t[0], buffers.x, grads.weights[0])
    torch.sum(delta, 0, out=grads.biases[0])


def loss_and_accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy in nats and the fraction of rows whose largest logit is the label's."""
    losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    correct = (logits.argmax(1) == labels).sum()
    return losses.mean(dtype=torch.float64).item(), correct.item() / len(labels)


def predict(net: Tensors, activation: str, images: data.Images) -> Tensor:
    """The logits `[n, 10]` of all images."""
    dtype = net.flat.dtype
    logits = torch.empty(len(images.labels), net.sizes[-1], dtype=dtype)
    buffers = None
    for start in range(0, len(logits), SCORE_ROWS):
        pixels = images.pixels[start : start + SCORE_ROWS]
        if buffers is None or buffers.rows != len(pixels):
            buffers = Buffers(len(pixels), net.sizes, KERNELS[activation], dtype)
        data.normalize(pixels, buffers.x)
        forward(net, buffers, logits[start : start + SCORE_ROWS])
    return logits
