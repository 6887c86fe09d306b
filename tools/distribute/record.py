"""DVC's side: the trainings that are to be done, and recording the results."""

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
    """The stages that have to train for the targets, or for all; raises DvcException."""
    with Repo() as repo, repo.lock:
        stages = [stage for target in targets for stage in repo.stage.collect(target)]
        return [
            stage.addressing
            for stage in plan_repro(repo.index.graph, stages or None)
            if stage.addressing.startswith(("train@", "sweep@", "question@"))
            and stage.changed()
            and not _in_run_cache(repo, stage)
        ]


def _in_run_cache(repo: Repo, stage: PipelineStage) -> bool:
    """Whether `dvc repro` will restore the stage's results instead of running it."""
    try:
        if not stage.deps_cached():
            stage.save_deps()
            for out in stage.outs:
                out.clear()  # DVC would take results from before an edit for current ones
        repo.stage_cache.restore(stage, dry=True)
        return True
    except RunCacheNotFoundError:
        return False


def commit(works: Iterable[Work]) -> list[str]:
    """Record outputs as results of their stages; a line for each that could not be.

    Raises DvcException. `dvc commit --force` would also take a group's failed stages, or write
    dvc.lock once for every stage.
    """
    left, problems, recorded = {work.name: work for work in works}, [], []
    with Repo() as repo, repo.lock:
        for stage in plan_repro(repo.index.graph):  # the order in which `dvc repro` writes them
            if work := left.get(stage.addressing):
                stage.save(run_cache=False)
                try:
                    work.check()  # after DVC took its sums, so they are those of the fingerprint
                except ChangedError as error:
                    problems.append(f"{work.name}: not recorded: {error}")
                    continue
                repo.stage_cache.save(stage)
                stage.commit()
                recorded.append(stage)
        if recorded:
            recorded[0].dvcfile.dump_stages(recorded, update_pipeline=False)
    for stage in recorded:
        left[stage.addressing].forget()
    return problems


@contextmanager
def reserved() -> Iterator[None]:
    """Lock plans and results as `dvc repro` does; raises DvcException if another has them."""
    with Repo() as repo:
        folder, fs = repo.tmp_dir, repo.fs
        hardlink = repo.config["core"].get("hardlink_lock", False)
    read, written = ([str(Path(name).resolve()) for name in names] for names in (READ, WRITTEN))
    with rwlock(folder, fs, COMMAND, read, written, hardlink):
        yield
