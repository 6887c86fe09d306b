"""Reading IDX files, and normalizing their pixels."""

import gzip
from itertools import islice

import numpy as np
import pytest
import torch

from docs import plain
from stages.training import data


def test_the_real_data_set_has_its_published_counts_mean_and_deviation(train_images, test_images):
    assert train_images.pixels.shape == (60_000, 784)
    assert test_images.pixels.shape == (10_000, 784)
    assert train_images.pixels.dtype == torch.uint8
    # The majority class of the test set is the 1, with 1,135 images.
    assert torch.bincount(test_images.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    # From how often each value occurs: faster than 47 million floats.
    counts = torch.bincount(train_images.pixels.flatten(), minlength=256).double()
    shares, values = counts / counts.sum(), torch.arange(256) / 255
    mean = (shares * values).sum()
    std = (shares * (values - mean) ** 2).sum().sqrt()
    assert mean.item() == pytest.approx(data.MEAN, abs=5e-5)
    assert std.item() == pytest.approx(data.STD, abs=5e-5)


def test_pixels_equal_those_that_torchvision_reads_and_normalizes(test_images):
    batches = list(islice(plain.load(train=False), 8))
    theirs = torch.cat([x for x, _ in batches])
    labels = torch.cat([y for _, y in batches])
    ours = data.normalized(test_images.pixels[:512])
    assert torch.equal(test_images.labels[:512], labels)
    torch.testing.assert_close(ours, theirs.flatten(1), rtol=0, atol=1e-6)


def idx(*shape: int) -> bytes:
    header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    return header + bytes(range(np.prod(shape)))


@pytest.mark.parametrize(
    "content",
    [b"", idx(2, 3)[:7], idx(2, 3)[:-1], idx(2, 3) + b"\0", gzip.compress(idx(2, 3))],
    ids=["empty", "cut in the header", "too short", "too long", "compressed"],
)
def test_another_file_than_idx_is_refused(content):
    with pytest.raises(ValueError):
        data.read_idx(content)


def test_a_limit_keeps_the_first_training_images_and_all_test_images(mnist_folder, train_images):
    dataset = data.load(mnist_folder, 7)
    assert torch.equal(dataset.train.pixels, train_images.pixels[:7])
    assert torch.equal(dataset.train.labels, train_images.labels[:7])
    assert len(dataset.test.labels) == 10_000
