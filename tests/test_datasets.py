"""The data sets in stages/datasets: generated, or read from an archive."""

import hashlib
import pickle
import tarfile

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from stages.datasets import cifar10, mnist1d

# Of the authors' file mnist1d_data.pkl, rounded to float32.
PUBLISHED = "b09ad3e22c854bc5a1948b85c373aab653ceb38c9170f5ed05b7d054e4160db9"


@pytest.mark.slow
def test_mnist1d_is_the_published_one():
    train, test = mnist1d.load()
    content = b"".join(values.numpy().tobytes() for values in (*train, *test))
    assert hashlib.sha256(content).hexdigest() == PUBLISHED
    for (inputs, labels), n in ((train, 4000), (test, 1000)):
        assert inputs.dtype == torch.float32 and inputs.shape == (n, 1, 40)
        assert labels.dtype == torch.int64 and set(labels.tolist()) == set(range(10))


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A folder with an archive of 10 and 3 images in CIFAR-10's format, and its images."""
    random = np.random.default_rng(0)
    contents, images = {}, {}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        n = 3 if name == "test_batch" else 2
        images[name] = random.integers(0, 256, (n, 3072), dtype=np.uint8)
        contents[name] = {"data": images[name], "labels": list(range(n))}
    contents["batches.meta"] = {"label_names": ["airplane", "automobile", "bird"]}
    folder, packed = tmp_path / "made", tmp_path / "downloads" / CIFAR10.filename
    folder.mkdir()
    packed.parent.mkdir()
    sums = {}
    for name, content in contents.items():
        (folder / name).write_bytes(value := pickle.dumps(content, protocol=2))
        sums[name] = hashlib.md5(value).hexdigest()
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:9/{CIFAR10.filename}")  # nobody answers
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(packed.read_bytes()).hexdigest())
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    for lists in ("train_list", "test_list"):
        known = [[name, sums[name]] for name, _ in getattr(CIFAR10, lists)]
        monkeypatch.setattr(CIFAR10, lists, known)
    return packed, images


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")  # torchvision unpacks
def test_cifar10_reads_an_archive_that_is_there(archive):
    packed, images = archive
    *batches, last = images.values()
    for _ in range(2):  # unpacked by the first
        train, test = cifar10.load(packed.parent)
        for (inputs, labels), expected in ((train, np.concatenate(batches)), (test, last)):
            assert inputs.dtype == torch.uint8 and labels.dtype == torch.int64
            assert inputs.is_contiguous() and labels.shape == inputs.shape[:1]
            assert np.array_equal(inputs.numpy(), expected.reshape(-1, 3, 32, 32))
        assert train[1].tolist() == [0, 1] * 5 and test[1].tolist() == [0, 1, 2]


def test_cifar10_refuses_another_archive(archive):
    packed, _ = archive
    packed.write_bytes(packed.read_bytes() + b"\0")
    with pytest.raises(OSError, match=rf"refused.*; put {CIFAR10.url} into {packed.parent}$"):
        cifar10.load(packed.parent)
    assert not (packed.parent / CIFAR10.base_folder).exists()
