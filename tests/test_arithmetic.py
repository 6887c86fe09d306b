"""Training and probes use only what is the same on every processor."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from stages.training import arithmetic, network
from stages.training.epoch import initial_state, run_epoch
from tests.conftest import plan_of
from tests.oracle import OPTIMIZERS

# What torch hands to MKL, whose bits depend on the processor's maker.
UNSAFE = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logsumexp", "pow",
    "sqrt", "rsqrt", "erf", "erfc", "erfinv", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "special_entr", "bmm", "baddbmm", "mv", "addmv", "dot", "vdot", "addr",
    "exponential", "bernoulli",
}  # fmt: skip


class Traced(TorchDispatchMode):
    """Every operation of torch that runs, by its name, with the tensors that it gets."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation.overloadpacket.__name__.removesuffix("_")
        shapes = [tuple(a.shape) if isinstance(a, torch.Tensor) else a for a in args]
        self.calls.append((name, shapes, [a.dtype for a in args if isinstance(a, torch.Tensor)]))
        return operation(*args, **(kwargs or {}))


def unsafe(calls: list) -> list:
    """The calls whose bits depend on the processor's maker."""
    found = []
    for name, shapes, dtypes in calls:
        if name in ("mm", "addmm"):
            (rows, inner), (_, columns) = shapes[-2:]
            right = dtypes[0] == torch.float32 and rows >= 4 and columns >= 16
            if right and not 192 < inner < 384:
                continue
        elif name not in UNSAFE and not name.startswith(("linalg", "_linalg")):
            if name != "tanh" or dtypes[0] == torch.float32:
                continue
        found.append((name, shapes))
    return [call for call in found if call[0] != "linalg_vector_norm"]


NETWORKS = {
    "lecture": ({"hidden": [128, 64]}, 64),
    "narrow": ({"hidden": [3, 1]}, 64),
    "batches of 250": ({"hidden": [300, 16]}, 250),
    "a last batch of one": ({"hidden": [32]}, 57),
    **{activation: ({"activation": activation}, 64) for activation in network.ACTIVATIONS},
}


@pytest.mark.parametrize("shape", NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_and_probes_use_safe_operations_alone(dataset, shape, optimizer):
    sizes, batch = NETWORKS[shape]
    training = {"batch_size": batch, "momentum": 0.0, **OPTIMIZERS[optimizer]}
    plan = plan_of({"all": {"weight": "orthogonal"}}, network=sizes, training=training)
    images = dataset.train.first(286)
    small = type(dataset)(images, dataset.test.first(100))
    with Traced() as traced:
        state = initial_state(plan, small.train, 0)
        for _ in range(2):
            state, _row = run_epoch(plan, small, state)
    assert {"mm", "addmm", "_softmax"} <= {name for name, *_ in traced.calls} or batch == 57
    assert unsafe(traced.calls) == []


def test_what_is_unsafe_is_seen():
    with Traced() as traced:
        torch.ones(3).exp()
        torch.ones(64, 32) @ torch.ones(32, 10)
        torch.ones(64, 10) @ torch.ones(10, 32)
        torch.linalg.qr(torch.eye(2))
    assert [name for name, _ in unsafe(traced.calls)] == ["exp", "mm", "linalg_qr"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 3, 4, 64])
@pytest.mark.parametrize("inner", [1, 10, 193, 784])
@pytest.mark.parametrize("columns", [1, 10, 16, 128])
def test_products_are_right_whoever_computes_them(dtype, rows, inner, columns):
    random = torch.Generator().manual_seed(1)
    a, b, bias = (
        torch.randn(shape, generator=random, dtype=dtype)
        for shape in ((inner, rows), (inner, columns), (columns,))
    )
    a = a.t()  # as the gradient of a weight has it
    out = torch.empty(rows, columns, dtype=dtype)
    expected = (a[:, :, None].double() * b.double()).sum(1)
    arithmetic.product(a, b, out)
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=1e-4)
    arithmetic.affine(bias, a, b, out)
    torch.testing.assert_close(out.double(), expected + bias, rtol=1e-5, atol=1e-4)
