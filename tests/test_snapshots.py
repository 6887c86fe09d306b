"""The small pictures of fc1's weights."""

import numpy as np
import pytest
import torch

from stages.training import snapshots


@pytest.mark.parametrize(
    ("last", "epochs"),
    [(1, [0, 1]), (2, [0, 1, 2]), (3, [0, 1, 2, 3]), (8, [0, 1, 2, 4, 8]), (9, [0, 1, 2, 4, 8, 9])],
)  # fmt: skip
def test_pictures_are_taken_at_powers_of_two_and_at_both_ends(last, epochs):
    assert snapshots.epochs(last) == epochs


def test_a_picture_is_a_copy_of_the_first_units_of_the_first_layer():
    weight = torch.arange(20.0)[:, None].repeat(1, 784)
    picture = snapshots.take({"fc1.weight": weight, "fc1.bias": torch.zeros(20)}, (1, 28, 28))
    assert picture.shape == (16, 784)
    assert picture[:, 0].tolist() == list(range(16))
    weight[:] = -1
    assert picture[3, 3] == 3


@pytest.mark.parametrize(
    ("weight", "shape"),
    [((8, 1, 3, 3), (1, 28, 28)), ((8, 785), (1, 28, 28)), ((8, 100), (100,))],
    ids=["convolution", "more than an image", "no image"],
)
def test_units_that_do_not_see_an_image_have_no_picture(weight, shape):
    assert snapshots.take({"first.weight": torch.zeros(weight)}, shape) is None
    assert snapshots.quantized({}) == {}


def test_eight_bits_keep_zeros_and_equal_values_and_make_no_other_zero():
    start = torch.tensor([[0.0, 1e-6, -1e-6], [0.5, 0.5, -1.0]])
    end = torch.tensor([[0.0, 0.02, 0.02], [2.0, -2.0, 1e-30]])
    kept = snapshots.quantized({0: start, 4: end})
    levels = kept["fc1.weight"]
    assert levels.dtype == torch.int8
    assert kept["epoch"].tolist() == [0, 4]
    assert kept["largest"].tolist() == [2.0]
    both = torch.stack([start, end])
    assert torch.equal(levels == 0, both == 0)
    assert torch.equal(levels.sign().float(), both.sign())
    assert (levels.float() * 2 / 127 - both).abs().max() <= 2 / 127
    assert levels[1, 1, :2].tolist() == [127, -127]


def test_zeros_and_diverged_weights_have_a_picture():
    kept = snapshots.quantized({0: torch.zeros(2, 4)})
    assert not kept["fc1.weight"].any() and kept["largest"].tolist() == [0.0]
    wild = torch.tensor([[np.nan, np.inf, -np.inf, 1.0]])
    assert snapshots.quantized({0: wild})["fc1.weight"].tolist() == [[[0, 0, 0, 127]]]
