"""Where the workers are: on this machine, at a Dask scheduler, or on a batch system's nodes."""

import argparse
import logging
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Literal

import dask
import yaml
from distributed import Client, LocalCluster
from pydantic import BaseModel, PositiveInt, ValidationError

from stages.settings import yaml_file
from stages.training.workers import worker_count
from tools.distribute import worker
from tools.distribute.task import ROOT

LOGS = ("asyncio", "distributed", "distributed.client", "tornado.application")
PATIENCE = 10  # seconds in which a scheduler has to answer
ANY_PORT = "127.0.0.1:0"  # for a dashboard: another may have the usual port


class Jobs(BaseModel, extra="forbid"):
    """The file of `--jobqueue`; dask-jobqueue checks the options."""

    system: Literal["htcondor", "lsf", "oar", "pbs", "sge", "slurm"]
    jobs: PositiveInt
    options: dict[str, Any]


@contextmanager
def connected(arguments: argparse.Namespace) -> Iterator[Client]:
    """A client of the requested cluster; ends the command if there is none."""
    for name in LOGS:  # this command prints lines of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if arguments.scheduler:
        with remote(arguments.scheduler) as client:
            yield client
    else:
        file, count = arguments.jobqueue, arguments.local or worker_count()
        with batch(file) if file else local(count) as cluster, Client(cluster) as client:
            yield client


def remote(address: str) -> Client:
    """A client of a scheduler, whose workers are restarted to load the code as it is now."""
    try:
        client = Client(address, timeout=PATIENCE)
        workers = client.sync(client.scheduler.identity)["workers"]
        with_nanny = [one for one, worker in workers.items() if worker["nanny"]]
        client.restart_workers(with_nanny, raise_for_error=False)
        return client
    except (OSError, ValueError) as error:
        sys.exit(f"--scheduler {address}: no scheduler answers there: {error}")


def local(workers: int) -> LocalCluster:
    """New worker processes on this machine."""
    # Threads and processes that start now do not receive Ctrl-C; the main thread handles it.
    resource_tracker.ensure_running()  # later, it would unblock it
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    dask.config.refresh(paths=[], env={})  # a user's TLS, preloads or limits can stop workers
    dask.config.set(worker.CONFIG)
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=None,  # check estimates the memory; a worker near a limit would pause
            resources=worker.RESOURCE,
            dashboard_address=ANY_PORT,
            silence_logs=logging.CRITICAL,
        )
    except (OSError, RuntimeError) as error:
        sys.exit(f"no worker process starts on this machine: {_in_one_line(error)}")
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def batch(file: Path) -> Any:
    """The cluster of the jobs that a file describes; ends the command on a mistake in it."""
    wish = _read(file)
    handler = signal.getsignal(signal.SIGINT)
    import dask_jobqueue  # which takes a moment

    signal.signal(signal.SIGINT, handler)  # its own would end the command without a line
    kinds: list[Any] = dask_jobqueue.JobQueueCluster.__subclasses__()
    kind = next(kind for kind in kinds if kind.job_cls.config_name == wish.system)
    command = kind.job_cls.submit_command
    if not shutil.which(command):
        sys.exit(f"{file}: system = {wish.system!r}: this machine has no {command}")
    try:
        cluster = kind(**_complete(wish.options))
        cluster.sync(_submit, cluster, wish.jobs)
    except (TypeError, ValueError, RuntimeError) as error:
        sys.exit(f"{file}: options: {_in_one_line(error)}")
    return cluster


def _read(file: Path) -> Jobs:
    try:
        return Jobs.model_validate(yaml_file.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        mistake = error.errors()[0]
        key = ".".join(map(str, mistake["loc"])) or "the file"
        value = "" if mistake["type"] == "missing" else f" = {mistake['input']!r}"
        sys.exit(f"{file}: {key}{value}: {mistake['msg']}")
    except (ValueError, yaml.YAMLError) as error:
        sys.exit(f"{file}: {_in_one_line(error)}")


def _complete(options: dict[str, Any]) -> dict[str, Any]:
    """The options with what makes a job start its workers in this checkout, one for each core."""
    processes = options.get("processes", options.get("cores", 1))
    extra, before = (options.get(key, []) for key in ("worker_extra_args", "job_script_prologue"))
    return {
        "scheduler_options": {"dashboard_address": ANY_PORT},
        **options,
        "processes": processes,
        "worker_command": worker.__name__,
        "worker_extra_args": [*extra, "--nworkers", processes],
        "job_script_prologue": [*before, f"cd {shlex.quote(str(ROOT))}"],
    }


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


async def _submit(cluster: Any, jobs: int) -> None:
    """Submit all jobs, or none: raises RuntimeError if one is refused."""
    cluster.scale(jobs=jobs)
    try:
        await cluster._correct_state()  # scale() runs this too, but only logs its errors
    except RuntimeError:
        for job in cluster.workers.values():
            await job.close()
        cluster.shutdown_on_close = False  # at exit, which fails for a job that never started
        raise
