"""What DVC knows: which trainings are to be done, and the results of those that were."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dvc.repo import Repo
from dvc.repo.reproduce import plan_repro
from dvc.rwlock import rwlock
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError

from tools.distribute.work import ChangedError, Work

COMMAND = "python -m tools.distribute"
READ = ("data/plans", "data/sweeps")
WRITTEN = ("data/runs", "reports/sweeps")


def pending(targets: Sequence[str]) -> list[str]:
    """The stages that have to train for the targets, or for all; raises DvcException.

    What the run cache has is restored.
    """
    with Repo() as repo, repo.lock:
        stages = [stage for target in targets for stage in repo.stage.collect(target)]
        found, restored = [], []
        for stage in plan_repro(repo.index.graph, stages or None):
            if stage.addressing.startswith(("train@", "sweep@")) and stage.changed():
                try:
                    repo.stage_cache.restore(stage)
                    restored.append(stage)
                except RunCacheNotFoundError:
                    found.append(stage.addressing)
        for stage in restored:
            stage.save()
        _commit(restored)
    return found


def commit(works: Iterable[Work]) -> dict[Work, str]:
    """Have DVC take outputs for what their stages give, as `dvc commit --force` does.

    Not by that command: it takes a group as a whole, also what failed, or writes dvc.lock anew for
    every stage. Why some could not be taken. Raises DvcException.
    """
    left, refused = {work.name: work for work in works}, {}
    with Repo() as repo, repo.lock:
        taken = []
        for stage in plan_repro(repo.index.graph):  # in which `dvc repro` would write them down
            if work := left.pop(stage.addressing, None):
                stage.save()
                try:
                    work.check()  # after the sums were taken: so they are of what it was made with
                    taken.append(stage)
                except ChangedError as error:
                    refused[work] = str(error)
        _commit(taken)
    return refused | dict.fromkeys(left.values(), "params.yaml has it no more")


def _commit(stages: Sequence[PipelineStage]) -> None:
    for stage in stages:
        stage.commit()
    if stages:
        stages[0].dvcfile.dump_stages(stages, update_pipeline=False)


@contextmanager
def reserved() -> Iterator[None]:
    """Have DVC tell others that plans and results are in use; raises DvcException if they are."""
    with Repo() as repo:
        tmp_dir, fs, hardlink = (
            repo.tmp_dir,
            repo.fs,
            repo.config["core"].get("hardlink_lock", False),
        )
        read, written = ([str(Path(name).resolve()) for name in names] for names in (READ, WRITTEN))
    with rwlock(tmp_dir, fs, COMMAND, read, written, hardlink):
        yield
