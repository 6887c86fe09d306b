"""Where the workers are: on this machine, at a scheduler, or at a batch system's nodes."""

import argparse
import logging
import shutil
import signal
import sys
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import yaml
from distributed import Client, LocalCluster

from stages.running import one_line
from stages.settings import yaml_file
from stages.training.initialization import first_line

BATCH_SYSTEMS = {
    "htcondor": "HTCondorCluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "slurm": "SLURMCluster",
}
KEYS = ("system", "jobs", "options")
LOGS = ("asyncio", "distributed", "distributed.client", "tornado.application")
PATIENCE = 10  # seconds until a scheduler has to have answered


def connect(arguments: argparse.Namespace, cores: int) -> Client:
    """A client of the cluster that is asked for, by default of all cores of this machine.

    Ends the command if there is none.
    """
    for name in LOGS:  # what happens is told in our own lines
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if arguments.scheduler:
        try:
            return Client(arguments.scheduler, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            sys.exit(f"--scheduler {arguments.scheduler}: no scheduler answers there: {error}")
    if arguments.jobqueue:
        return Client(batch(arguments.jobqueue))
    return local(arguments.local or cores)


def local(workers: int) -> Client:
    """A client of so many processes on this machine."""
    # Threads started now leave Ctrl-C to this one, and so do the processes that they start.
    resource_tracker.ensure_running()  # later it would undo this
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
        return Client(cluster)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def batch(file: Path) -> Any:
    """Dask's cluster of the jobs that a file asks for; ends the command on a mistake in it."""
    try:
        values = yaml_file.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        sys.exit(one_line(error))
    except (ValueError, yaml.YAMLError) as error:
        sys.exit(f"{file}: {in_one_line(error)}")
    if not isinstance(values, dict) or values.keys() != set(KEYS):
        sys.exit(f"{file}: needs the keys {', '.join(KEYS)}, and no others")
    system, count, options = (values[key] for key in KEYS)
    if system not in BATCH_SYSTEMS:
        sys.exit(f"{file}: system = {system!r}: must be one of {', '.join(BATCH_SYSTEMS)}")
    if not isinstance(count, int) or count < 1:
        sys.exit(f"{file}: jobs = {count!r}: must be a whole number above 0")
    if not isinstance(options, dict):
        sys.exit(f"{file}: options = {options!r}: must be a mapping")
    heed = signal.getsignal(signal.SIGINT)
    import dask_jobqueue  # it takes a moment

    signal.signal(signal.SIGINT, heed)  # it had Ctrl-C end the command without a word
    kind = getattr(dask_jobqueue, BATCH_SYSTEMS[system])
    if not shutil.which(kind.job_cls.submit_command):
        sys.exit(f"{file}: system = {system!r}: this machine has no {kind.job_cls.submit_command}")
    try:
        # Any port: others may have a dashboard on the usual one.
        cluster = kind(**{"scheduler_options": {"dashboard_address": "127.0.0.1:0"}, **options})
        cluster.sync(submit, cluster, count)
    except (TypeError, ValueError) as error:
        sys.exit(f"{file}: options: {first_line(error).removesuffix(':')}")
    except RuntimeError as error:
        sys.exit(f"{file}: options: {in_one_line(error)}")
    return cluster


def in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


async def submit(cluster: Any, jobs: int) -> None:
    """Put jobs in the queue, all or none; raises RuntimeError if one is refused."""
    cluster.scale(jobs=jobs)
    try:
        await cluster._correct_state()  # what this began: alone it tells a log of what went wrong
    except RuntimeError:
        for job in cluster.workers.values():
            await job.close()
        cluster.shutdown_on_close = False  # at exit, which fails where a job was never started
        raise


def close(client: Client) -> None:
    """Leave the cluster, and end what was started for it."""
    cluster = client.cluster
    client.close()
    if cluster:
        cluster.close()
