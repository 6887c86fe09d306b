"""Reading IDX files, and what becomes of their pixels."""

import gzip

import numpy as np
import pytest
import torch

from stages import idx as idx_files
from stages import mnist


def test_the_real_data_set_is_what_it_is_known_to_be(train_images, test_images):
    assert train_images.pixels.shape == (60_000, 784)
    assert test_images.pixels.shape == (10_000, 784)
    assert train_images.pixels.dtype == torch.uint8
    # The majority class of the test set is the 1, with 1,135 images.
    assert torch.bincount(test_images.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    scaled = train_images.pixels.double() / 255
    assert scaled.mean().item() == pytest.approx(mnist.MEAN, abs=5e-5)
    assert scaled.std().item() == pytest.approx(mnist.STD, abs=5e-5)


def test_pixels_are_those_that_torchvision_reads(mnist_folder, tmp_path, test_images):
    from torchvision import datasets, transforms

    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in idx_files.FILES.values():
        (raw / file).symlink_to(mnist_folder / file)
    normalize = transforms.Normalize((mnist.MEAN,), (mnist.STD,))
    transform = transforms.Compose([transforms.ToTensor(), normalize])
    theirs = datasets.MNIST(tmp_path, train=False, transform=transform)
    ours = mnist.normalize(test_images.pixels[:500], torch.empty(500, 784))
    for i in range(500):
        x, label = theirs[i]
        assert label == test_images.labels[i]
        torch.testing.assert_close(ours[i], x.flatten(), rtol=0, atol=1e-6)


def test_the_first_images(train_images):
    few = train_images.first(7)
    assert len(few.pixels) == len(few.labels) == 7
    assert train_images.first(None).pixels is not None
    assert len(train_images.first(None).labels) == 60_000


def idx(*shape: int) -> bytes:
    header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    return header + bytes(range(np.prod(shape)))


def test_an_idx_file_has_the_shape_of_its_header(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(idx(2, 3, 4))
    assert idx_files.read_idx(path).shape == (2, 3, 4)
    assert idx_files.read_idx(path)[1, 2, 3] == 23


@pytest.mark.parametrize("content", [b"", b"\0\0", idx(2, 3)[:-1], gzip.compress(idx(2, 3))])
def test_a_damaged_idx_file_is_refused(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="file"):
        idx_files.read_idx(path)


def test_images_and_labels_must_be_as_many(tmp_path):
    (tmp_path / idx_files.FILES["test", "images"]).write_bytes(idx(2, 1, 1))
    (tmp_path / idx_files.FILES["test", "labels"]).write_bytes(idx(3))
    with pytest.raises(ValueError, match=r"2 test images but 3 labels|cannot reshape|784"):
        mnist.load(tmp_path, "test")
