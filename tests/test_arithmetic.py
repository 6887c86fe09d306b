"""Training and probes use only operations with the same bits on every processor."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from stages.training import arithmetic, network
from stages.training.data import Dataset
from stages.training.epoch import initial_state, run_epoch
from tests.conftest import plan_of
from tests.oracle import OPTIMIZERS
from tools import processors

# Operations measured to give the same bits on Intel and AMD: see stages/training/arithmetic.py.
SAFE = {
    # moving and comparing
    "alias", "all", "any", "argmax", "cat", "clamp", "clone", "copy", "count_nonzero", "detach",
    "empty", "empty_like", "eq", "equal", "eye", "fill", "index", "index_put", "index_select",
    "is_nonzero", "isfinite", "item", "lift_fresh", "_local_scalar_dense", "ne", "neg",
    "one_hot", "ones", "pad", "permute", "repeat", "resolve_conj", "resolve_neg", "slice",
    "split", "t", "to", "_to_copy", "unbind", "unsqueeze", "view", "zeros",
    # computing
    "abs", "add", "amax", "amin", "div", "max", "mean", "mul", "std", "sub", "sum", "var",
    "cross_entropy_loss", "linalg_vector_norm", "softmax",
    "_fused_adam", "_fused_sgd", "normal", "randperm", "uniform",
    "leaky_relu", "leaky_relu_backward", "relu", "threshold_backward",
}  # fmt: skip
SAFE_IN_FLOAT32 = {
    "gelu", "gelu_backward", "sigmoid", "sigmoid_backward", "tanh", "tanh_backward",
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


def is_safe(name: str, shapes: list, dtypes: list[torch.dtype]) -> bool:
    if name in SAFE:
        return True
    if name in ("mm", "addmm"):
        (rows, inner), (_, columns) = shapes[-2:]
        agrees = rows >= 4 and columns >= 16 and not 192 < inner < 384
        return agrees and torch.float64 not in dtypes
    return name in SAFE_IN_FLOAT32 and torch.float64 not in dtypes


def unsafe(calls: list) -> list:
    """The calls whose bits depend on the processor's maker."""
    return [(name, shapes) for name, shapes, dtypes in calls if not is_safe(name, shapes, dtypes)]


NETWORKS = {
    "lecture": ({"hidden": [128, 64]}, 64),
    "narrow": ({"hidden": [3, 1]}, 64),
    "batches of 250": ({"hidden": [300, 16]}, 250),
    "a last batch of one": ({"hidden": [32]}, 57),
    **{activation: ({"activation": activation}, 64) for activation in network.KERNELS},
}


@pytest.mark.parametrize("shape", NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_and_probes_use_safe_operations_alone(dataset, shape, optimizer):
    sizes, batch = NETWORKS[shape]
    training = {"batch_size": batch, "momentum": 0.0, **OPTIMIZERS[optimizer]}
    plan = plan_of({"all": {"weight": "orthogonal"}}, network=sizes, training=training)
    small = Dataset(dataset.train.first(286), dataset.test.first(100))
    with Traced() as traced:
        state = initial_state(plan, small.train, 0)
        for _ in range(2):
            state, _row = run_epoch(plan, small, state)
    assert {"mm", "softmax"} <= {name for name, *_ in traced.calls}
    assert unsafe(traced.calls) == []


@pytest.mark.parametrize("name", processors.initializer_names())
def test_initializers_use_safe_operations_alone(dataset, name):
    plan = plan_of({"all": {"weight": {name: processors.ARGUMENTS.get(name, {})}}})
    with Traced() as traced:
        initial_state(plan, dataset.train, 0)
    assert unsafe(traced.calls) == []


def test_unsafe_operations_are_found():
    a, b, square = torch.rand(64, 32), torch.rand(32, 10), torch.rand(16, 16)
    with Traced() as traced:
        a.exp()
        a.mm(b)  # few columns
        b.t().mm(a.t())  # and turned over, enough
        torch.linalg.qr(square)
        square.double().mm(square.double())
    assert [name for name, _ in unsafe(traced.calls)] == ["exp", "mm", "linalg_qr", "mm"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 3, 4, 64])
@pytest.mark.parametrize("inner", [1, 10, 193, 784])
@pytest.mark.parametrize("columns", [1, 10, 16, 128])
def test_products_equal_those_in_float64(dtype, rows, inner, columns):
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


@pytest.mark.parametrize("rows", [2, 5, 33, 64, 259])
@pytest.mark.parametrize("inner", [10, 64, 250, 784])
@pytest.mark.parametrize("columns", [3, 10, 33, 128])
def test_equal_rows_and_columns_stay_equal(rows, inner, columns):
    """So equal images or units are not separated by rounding."""
    random = torch.Generator().manual_seed(1)
    a, b = (torch.randn(shape, generator=random) for shape in ((rows, inner), (inner, columns)))
    out = torch.empty(rows, columns)
    arithmetic.product(a[:1].repeat(rows, 1), b, out)
    assert (out == out[0]).all()
    arithmetic.product(a, b[:, :1].repeat(1, columns), out)
    assert (out == out[:, :1]).all()
