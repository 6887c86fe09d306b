"""Finds damaged objects in DVC's cache and on the default remote, and deletes them on demand.

    python -m tools.repair             or `make repair`: lists them
    python -m tools.repair --delete    or `make repair DELETE=yes`: deletes them

`dvc push` takes an object that exists for whole, and all files of a folder for present where
its list (.dir) is. So a damaged object, and a list that names a missing one, must go before a
push sends them again.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.fs import LocalFileSystem
from dvc.repo import Repo

from stages import running


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delete", action="store_true", help="delete what is damaged")
    delete = parser.parse_args().delete
    try:
        with Repo() as repo:
            repair("DVC's cache", repo.cache.local, delete, "Run `dvc repro`; it recreates them.")
            if name := repo.config["core"].get("remote"):
                again = "Run `dvc push` wherever these results are; it sends them again."
                repair(f"remote {name}", repo.cloud.get_remote_odb(), delete, again)
    except DvcException as error:
        sys.exit(f"DVC: {error}")


def repair(place: str, objects: Any, delete: bool, again: str) -> None:
    """List or delete the damaged objects of a cache or remote; ends the command on an error."""
    try:
        exists = objects.fs.exists(objects.path)
        damaged, total = find_damaged(objects) if exists else ({}, 0)
        # Lists first: if this is interrupted, no list names an object that is gone.
        for oid in sorted(damaged, key=lambda oid: not oid.endswith(".dir")) if delete else ():
            objects.fs.remove(objects.oid_to_path(oid))
    except Exception as error:  # every kind of remote has its own
        sys.exit(f"{place}: {error}")
    for oid, reason in damaged.items():
        print(f"{'deleted' if delete else 'to delete:'} {objects.oid_to_path(oid)}: {reason}")
    if not exists:
        print(f"{place}: there is nothing at {objects.path}")
    elif not damaged:
        print(f"{place}: all of {total} objects match their checksums")
    elif delete:
        print(again)
    else:
        print(
            "Nothing was deleted. While nobody is sharing, `make repair DELETE=yes` deletes these."
        )


def find_damaged(objects: Any) -> tuple[dict[str, str], int]:
    """The damaged objects, each with the reason, and the number of all objects."""
    # DVC names an object by its MD5, with .dir after that of a list of files.
    found = {oid for oid in objects.all() if re.fullmatch(r"[0-9a-f]{32}(\.dir)?", oid)}
    damaged, listed = {}, {}
    for oid in sorted(found):
        path = objects.oid_to_path(oid)
        try:
            if isinstance(objects.fs, LocalFileSystem) and not Path(path).is_file():
                raise OSError("it is not a file")  # reading a pipe would wait
            with objects.fs.open(path, "rb") as file:
                content = file.read()
        except OSError as error:
            damaged[oid] = f"cannot be read: {error.strerror or error}"
            continue
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != oid.removesuffix(".dir"):
            damaged[oid] = "does not match its checksum"
        elif oid.endswith(".dir"):
            listed[oid] = {entry["md5"] for entry in json.loads(content)}
    whole = found - damaged.keys()
    for oid, files in listed.items():
        if files - whole:
            damaged[oid] = "lists a missing or damaged file"
    return damaged, len(found)


if __name__ == "__main__":
    running.run(main, "interrupted; the same command continues from here")
