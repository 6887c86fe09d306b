"""Sends the results of the current stages to the default remote, or fetches them.

    python -m tools.share            or `make share`
    python -m tools.share --fetch    or `make fetch`

`dvc push --run-cache`, `dvc pull --run-cache` and `dvc repro --pull` copy the run cache of the
whole history, one entry after another. These copy the outputs in dvc.lock and, for every current
stage, the run-cache entries of its inputs with their outputs.
"""

import argparse
import os
import sys
from contextlib import suppress
from itertools import compress
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.fs.callbacks import TqdmCallback
from dvc.repo import Repo, lock_repo
from dvc.stage.cache import _can_hash, _get_stage_hash
from dvc_objects.fs import generic

from stages import running

NEIGHBOUR = Path("..", "initlab-shared")
JOBS = 32  # questions to a remote at once, each of which waits for an answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fetch", action="store_true", help="fetch instead of sending")
    action = fetch if parser.parse_args().fetch else share
    try:
        with Repo() as repo, lock_repo(repo):
            choose_remote(repo)
            action(repo)
    except Exception as error:  # every kind of remote has its own
        sys.exit(f"{action.__name__}: {error}")


def choose_remote(repo: Repo) -> None:
    """Make a neighbour the default remote, unless another is configured."""
    team = repo.config.load_one("repo")["core"].get("remote")
    if not repo.config["core"].get("remote"):
        name_neighbour(repo)
    elif team and team != "shared" == repo.config["core"]["remote"]:  # a team's remote is newer
        with repo.config.edit("local") as config:
            del config["core"]["remote"]


def name_neighbour(repo: Repo) -> None:
    """Make the folder next to this checkout the default remote, in .dvc/config.local.

    Reading a revision, DVC resolves a relative path in .dvc/config from /, but not this one.
    """
    place = NEIGHBOUR.resolve()
    outer = next((p for p in place.parents if (p / ".git").exists() or (p / ".dvc").exists()), None)
    if not place.exists() and (outer or not os.access(place.parent, os.W_OK)):
        reason = f"is inside the repository {outer}" if outer else "cannot be created"
        sys.exit(
            f"{place}: {reason}; choose another folder for shared results:  "
            "dvc remote add --local --default mine /path/to/folder"
        )
    with repo.config.edit("local") as config:
        config["core"]["remote"] = "shared"
        config["remote"]["shared"] = {"url": str(NEIGHBOUR), "verify": True}
    print(f"The remote is {place}, named in .dvc/config.local")


def share(repo: Repo) -> None:
    """Send the results in dvc.lock."""
    remote, entries_remote = remotes(repo)
    entries = copy_entries(repo, repo.cache.legacy, entries_remote)
    used = repo.used_objs(push=True, force=True, used_run_cache=entries).values()
    count = copy_objects(repo, repo.cache.local, remote, set().union(*used))
    print(f"{count} files pushed" if count else "Everything is up to date.")


def fetch(repo: Repo) -> None:
    """Fetch the results in dvc.lock, and those for stages that have changed since."""
    count = repo.pull(allow_missing=True)["stats"]["fetched"]
    repo.reproduce("check")  # writes the plans, on which other stages depend
    for stage in run_cached(repo):
        with suppress(DvcException):  # a dependency is missing
            stage.save_deps()
    remote, entries_remote = remotes(repo)
    entries = copy_entries(repo, entries_remote, repo.cache.legacy)
    used = repo.stage_cache.get_used_objs(entries, force=True).values()
    count += copy_objects(repo, remote, repo.cache.local, set().union(*used))
    print(f"{count} files fetched")


def run_cached(repo: Repo) -> list[Any]:
    """The stages whose results DVC's run cache keeps."""
    return [s for s in repo.index.stages if not any(out.persist for out in s.outs)]


def remotes(repo: Repo) -> list[Any]:
    """The default remote's places for results, and for run-cache entries."""
    return [repo.cloud.get_remote_odb(hash_name=name) for name in ("md5", "md5-dos2unix")]


def copy_entries(repo: Repo, source: Any, target: Any) -> list[tuple[str, str]]:
    """Copy the stages' run-cache entries, and return their keys and names.

    An entry is a file runs/KEY[:2]/KEY/NAME, in DVC's cache and on the remote.
    """
    if {source.fs.protocol, target.fs.protocol} & {"http", "https"}:  # these cannot list files
        return []
    keys = []
    for stage in run_cached(repo):
        with suppress(FileNotFoundError):  # a dependency
            keys += [_get_stage_hash(stage)] if _can_hash(stage) else []
    folders = [source.fs.join(source.path, "runs", key[:2], key) for key in keys]
    found = list(source.fs.find(folders, batch_size=JOBS))
    entries = [Path(path).parts[-3:] for path in found]
    paths = [target.fs.join(target.path, "runs", *entry) for entry in entries]
    new = [not exists for exists in target.fs.exists(paths, batch_size=JOBS)]
    with TqdmCallback(desc="Run cache", unit="file", size=sum(new)) as callback:
        pairs = list(compress(found, new)), list(compress(paths, new))
        generic.copy(source.fs, pairs[0], target.fs, pairs[1], callback=callback)
    return [(key, name) for _, key, name in entries]


def copy_objects(repo: Repo, source: Any, target: Any, objects: set[Any]) -> int:
    """Copy the objects that the target lacks and the source has; returns their number."""
    new = present(source, objects - present(target, objects))
    verify = target is repo.cache.local and source.verify
    with TqdmCallback(desc="Results", unit="file") as callback:
        done = repo.cloud.transfer(
            source, target, new, cache_odb=repo.cache.local, verify=verify, callback=callback
        )
    if done.failed:
        sys.exit(f"{len(done.failed)} files could not be copied; run the same command again")
    return len(done.transferred)


def present(place: Any, objects: set[Any]) -> set[Any]:
    """The objects that a cache or remote has."""
    listed = list(objects)
    paths = [place.oid_to_path(o.value) for o in listed]
    return set(compress(listed, place.fs.exists(paths, batch_size=JOBS)))


if __name__ == "__main__":
    running.run(main, "interrupted; the same command continues from here")
