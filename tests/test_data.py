"""Reading IDX files, and what becomes of their pixels."""

import gzip
from itertools import islice

import numpy as np
import pytest
import torch

from docs import plain
from stages.training import data


def test_the_real_data_set_is_what_it_is_known_to_be(train_images, test_images):
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


def test_pixels_are_those_that_torchvision_reads_and_normalizes(test_images):
    batches = list(islice(plain.load(train=False), 8))
    theirs = torch.cat([x for x, _ in batches])
    labels = torch.cat([y for _, y in batches])
    ours = data.normalize(test_images.pixels[:512], torch.empty(512, 784))
    assert torch.equal(test_images.labels[:512], labels)
    torch.testing.assert_close(ours, theirs.flatten(1), rtol=0, atol=1e-6)


def test_the_first_images(train_images):
    few = train_images.first(7)
    assert torch.equal(few.pixels, train_images.pixels[:7])
    assert torch.equal(few.labels, train_images.labels[:7])
    everything = train_images.first(None)
    assert len(everything.pixels) == len(everything.labels) == 60_000


def idx(*shape: int) -> bytes:
    header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    return header + bytes(range(np.prod(shape)))


def test_an_idx_file_has_the_shape_of_its_header(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(idx(2, 3, 4))
    assert data.read_idx(path).shape == (2, 3, 4)
    assert data.read_idx(path)[1, 2, 3] == 23


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0",
        idx(2, 3)[:7],
        idx(2, 3)[:-1],
        idx(2, 3) + b"\0",
        gzip.compress(idx(2, 3)),
    ],
    ids=["empty", "cut in the type", "cut in the header", "too short", "too long", "compressed"],
)
def test_a_damaged_idx_file_is_refused(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="file"):
        data.read_idx(path)


def write_split(folder, split: str, images: int, labels: int) -> None:
    pixels = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (images, 28, 28))
    (folder / data.FILES[split, "images"]).write_bytes(pixels + bytes(images * 784))
    (folder / data.FILES[split, "labels"]).write_bytes(idx(labels))


def test_images_and_labels_must_be_as_many(tmp_path):
    write_split(tmp_path, "test", 2, 3)
    with pytest.raises(ValueError, match=r"2 test images but 3 labels"):
        data.load_split(tmp_path, "test")


def test_a_limit_is_one_of_training_images_alone(tmp_path):
    write_split(tmp_path, "train", 5, 5)
    write_split(tmp_path, "test", 4, 4)
    for limit, expected in ((None, 5), (3, 3), (9, 5)):
        dataset = data.load(tmp_path, limit)
        assert dataset.train.labels.tolist() == list(range(expected))
        assert len(dataset.train.pixels) == expected
        assert len(dataset.test.labels) == len(dataset.test.pixels) == 4
