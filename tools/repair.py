"""Finds what is damaged in DVC's cache and on the default remote, and deletes it if told to.

    python -m tools.repair             or `make repair`: shows what would be deleted
    python -m tools.repair --delete    or `make repair DELETE=yes`: deletes it

`dvc push` takes an object that exists for whole, and all files of a folder for present where
its list (.dir) is. So an object that was cut short, and a list that names a missing one, must
go before a push sends them again.
"""

import argparse
import errno
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.fs import LocalFileSystem
from dvc.repo import Repo

import stages  # noqa: F401  ends in one line what is no fault of the code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delete", action="store_true", help="delete what is damaged")
    delete = parser.parse_args().delete
    try:
        with Repo() as repo:
            look("DVC's cache", repo.cache.local, delete, "Run `dvc repro`; it makes them again.")
            if name := repo.config["core"].get("remote"):
                again = "Run `dvc push` wherever these results are; it sends them again."
                look(f"remote {name}", repo.cloud.get_remote_odb(), delete, again)
    except DvcException as error:
        sys.exit(f"DVC: {error}")


def look(place: str, objects: Any, delete: bool, again: str) -> None:
    """Say what is damaged in a cache or on a remote, or delete it; ends the command on an error."""
    try:
        there = objects.fs.exists(objects.path)
        damaged, total = find_damaged(objects) if there else ({}, 0)
        if delete:
            remove(objects, damaged)
    except Exception as error:  # every kind of remote has its own
        sys.exit(f"{place}: {error}")
    for oid, reason in damaged.items():
        print(f"{'deleted' if delete else 'to delete:'} {objects.oid_to_path(oid)}: {reason}")
    if not there:
        print(f"{place}: there is nothing at {objects.path}")
    elif not damaged:
        print(f"{place}: all of {total} objects are what their names say")
    elif delete:
        print(again)
    else:
        print(
            "Nothing was deleted. While nobody is sharing, `make repair DELETE=yes` deletes these."
        )


def find_damaged(objects: Any) -> tuple[dict[str, str], int]:
    """The objects that are damaged, each with what is wrong, and how many there are in all."""
    # What has another name is no object, and nothing of ours.
    found = {oid for oid in objects.all() if re.fullmatch(r"[0-9a-f]{32}(\.dir)?", oid)}
    damaged, listed = {}, {}
    for oid in sorted(found):
        try:
            content = read(objects, objects.oid_to_path(oid))
        except OSError as error:
            damaged[oid] = f"cannot be read: {error.strerror or error}"
            continue
        # How DVC names an object: by its MD5, and .dir after that of a list of files.
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != oid.removesuffix(".dir"):
            damaged[oid] = "not what its name says"
        elif oid.endswith(".dir"):
            listed[oid] = {entry["md5"] for entry in json.loads(content)}
    whole = found - damaged.keys()
    for oid, files in listed.items():
        if files - whole:
            damaged[oid] = "names a file that is missing or damaged"
    return damaged, len(found)


def read(objects: Any, path: str) -> bytes:
    """The content of an object; raises OSError."""
    if isinstance(objects.fs, LocalFileSystem) and not Path(path).is_file():
        raise OSError(errno.EINVAL, "is no file")  # a pipe would wait
    with objects.fs.open(path, "rb") as file:
        content: bytes = file.read()
    return content


def remove(remote: Any, damaged: dict[str, str]) -> None:
    """Delete objects; lists first: were this interrupted, no list would name what is gone."""
    for oid in sorted(damaged, key=lambda oid: not oid.endswith(".dir")):
        remote.fs.remove(remote.oid_to_path(oid))


if __name__ == "__main__":
    main()
