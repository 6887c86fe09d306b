"""Deletes from the remote what is not what its name says; `make heal` runs it.

`dvc push` takes an object that exists for whole, and all files of a folder for present where
its list (.dir) is. So an object that was cut short, and a list that names a missing one, must
go before a push sends them again.
"""

import hashlib
import json
import sys

from dvc.repo import Repo


def main() -> None:
    with Repo() as repo:
        name = repo.config["core"].get("remote")
        try:
            bad, total = delete_damaged(repo.cloud.get_remote_odb())
        except Exception as error:  # every kind of remote has its own
            sys.exit(f"remote {name}: {error}")
    for path, reason in bad.items():
        print(f"deleted {path}: {reason}")
    if bad:
        print("Run `dvc push` wherever these results are; it sends them again.")
    else:
        print(f"remote {name}: all of {total} objects are what their names say")


def delete_damaged(remote) -> tuple[dict[str, str], int]:
    """Delete damaged objects; the path of each with what was wrong, and how many were read."""
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
    # Lists first: were this interrupted, no list would name what is gone.
    for oid in sorted(damaged, key=lambda oid: not oid.endswith(".dir")):
        remote.fs.remove(remote.oid_to_path(oid))
    return {remote.oid_to_path(oid): reason for oid, reason in damaged.items()}, len(found)


if __name__ == "__main__":
    main()
