"""initlab's own initializers, against their formulas."""

import math

import pytest
import scipy.linalg
import torch

from stages import initializers, mnist, network
from stages.initializers import InitializerError, fill, initial_weights
from stages.params import Initializer, Variant
from stages.seeds import generator

SIZES = [784, 128, 64, 10]


def filled(name: str, shape: tuple, **kwargs) -> torch.Tensor:
    tensor = torch.empty(shape)
    fill(tensor, Initializer(name, kwargs), generator(0, "test"))
    return tensor


@pytest.mark.parametrize("shape", [(8, 8), (5, 16), (16, 5), (128, 784), (10, 64), (1, 1)])
def test_hadamard_is_sylvesters_matrix_cut_and_scaled(shape):
    order = 2 ** math.ceil(math.log2(max(shape)))
    expected = scipy.linalg.hadamard(order)[: shape[0], : shape[1]] * (3 / math.sqrt(shape[1]))
    torch.testing.assert_close(filled("hadamard", shape, gain=3.0), torch.tensor(expected).float())


def test_hadamard_rows_are_all_different():
    for shape in ((128, 784), (64, 128), (10, 64)):
        assert len(filled("hadamard", shape).unique(dim=0)) == shape[0]


def test_duplicated_repeats_rows_and_columns():
    tensor = filled("duplicated", (64, 128), rows=2, columns=4)
    assert torch.equal(tensor[:32], tensor[32:])
    assert all(torch.equal(tensor[:, :32], part) for part in tensor.split(32, dim=1))
    assert len(tensor[:, 0].unique()) == 32
    assert tensor.abs().max() <= 1 / math.sqrt(128)
    assert tensor.std().item() == pytest.approx(1 / math.sqrt(3 * 128), rel=0.05)


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
def test_lsuv_gives_every_layer_outputs_of_variance_1(activation, train_images):
    variant = Variant.model_validate({"all": {"weight": "lsuv", "bias": "zeros"}})
    sizes = [784, 64, 64, 64, 64, 10]
    images = train_images.first(512)
    weights = list(initial_weights(sizes, variant, 0, activation, images).values())[::2]
    x = (images.pixels.float() / 255 - mnist.MEAN) / mnist.STD
    for weight in weights:
        z = x @ weight.T
        assert z.std(correction=0).item() == pytest.approx(1, abs=1e-4)
        gram = weight @ weight.T  # a multiple of the identity: the rows are orthogonal
        torch.testing.assert_close(gram / gram[0, 0], torch.eye(len(gram)), rtol=0, atol=1e-4)
        x = z.clone()
        network.ACTIVATIONS[activation].forward(z, x)
        x = z if network.ACTIVATIONS[activation].in_place else x


def test_lsuv_can_be_checked_before_there_is_data():
    variant = Variant.model_validate({"all": {"weight": "lsuv", "bias": "zeros"}})
    assert all(t.isfinite().all() for t in initial_weights(SIZES, variant, 0).values())


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ({"fc1": {"bias": "hadamard"}}, "a bias has not"),
        ({"fc1": {"weight": {"duplicated": {"rows": 3}}}}, "rows = 3 must be a whole number"),
        ({"fc1": {"weight": {"duplicated": {"rows": True}}}}, "rows = True must be a whole number"),
        ({"fc1": {"bias": "duplicated"}}, "it fills a weight"),
        ({"fc1": {"bias": "lsuv"}}, "give the bias zeros"),
        (
            {"all": {"bias": "zeros"}, "fc1": {"weight": "zeros"}, "fc2": {"weight": "lsuv"}},
            "answer",
        ),
        ({"fc1": {"weight": {"lsuv": {"inputs": 3}}}}, "unknown argument 'inputs'"),
        ({"fc1": {"weight": {"hadamard": {"gian": 3}}}}, "unknown argument 'gian'"),
        ({"fc1": {"weight": "hadamrd"}}, "did you mean 'hadamard'?"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(variant, words):
    with pytest.raises(InitializerError) as refusal:
        initial_weights(SIZES, Variant.model_validate(variant), 0)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_no_own_initializer_hides_one_of_torch():
    own = {path.stem for path in initializers.OWN.glob("*.py")}
    assert {"hadamard", "duplicated", "lsuv"} <= own
    assert not own & set(initializers.FUNCTIONS)


def test_a_file_without_fill_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(initializers, "OWN", tmp_path)
    (tmp_path / "lsuv.py").write_text("")
    monkeypatch.delattr("stages.own.lsuv.fill")
    with pytest.raises(InitializerError, match=r"stages/own/lsuv.py has no function fill"):
        filled("lsuv", (3, 3))


def test_the_files_that_a_variant_needs():
    variant = {"all": {"weight": "lsuv"}, "fc1": {"weight": "hadamard", "bias": "zeros"}}
    files = initializers.own_files(Variant.model_validate(variant))
    assert [file.name for file in files] == ["hadamard.py", "lsuv.py"]
    assert initializers.own_files(Variant()) == []
