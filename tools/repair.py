"""Finds what is damaged in DVC's cache and on the default remote, and deletes it if told to.

    python -m tools.repair             or `make repair`: shows what would be deleted
    python -m tools.repair --delete    or `make repair DELETE=yes`: deletes it

`dvc push` takes an object that exists for whole, and all files of a folder for present where
its list (.dir) is. So an object that was cut short, and a list that names a missing one, must
go before a push sends them again.
"""

import argparse
import hashlib
import json
import sys
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo


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


def find_damaged(remote: Any) -> tuple[dict[str, str], int]:
    """The objects that are damaged, each with what is wrong, and how many there are in all."""
    found = set(remote.all())
    damaged, listed = {}, {}
    for oid in sorted(found):
        with remote.fs.open(remote.oid_to_path(oid), "rb") as file:
            content = file.read()
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


def remove(remote: Any, damaged: dict[str, str]) -> None:
    """Delete objects; lists first: were this interrupted, no list would name what is gone."""
    for oid in sorted(damaged, key=lambda oid: not oid.endswith(".dir")):
        remote.fs.remove(remote.oid_to_path(oid))


if __name__ == "__main__":
    main()
