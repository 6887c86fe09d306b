"""Trains everything that is not up to date on many processes or machines, then runs `dvc repro`.

    python -m tools.distribute                       on all cores of this machine
    python -m tools.distribute --scheduler ADDRESS   on the workers of a Dask scheduler
    python -m tools.distribute --jobqueue FILE       as jobs of Slurm, PBS, LSF, …

See docs/cluster.md.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dvc.exceptions import DvcException

from stages import running
from tools.distribute import clusters, record, spread, task, work

PARAMS = Path("params.yaml")


def main() -> None:
    arguments = parse()
    repro("--quiet", "check")  # writes plans and data; DVC itself reports its errors
    params = PARAMS.read_bytes()
    try:
        names = record.pending(arguments.targets)
        problems = train(arguments, names) if names else []
    except DvcException as error:
        sys.exit(f"DVC: {error}")
    if PARAMS.read_bytes() != params:
        problems.append("params.yaml was edited meanwhile; run the same command again")
    if problems:
        sys.exit("\n".join(problems))
    repro(*arguments.targets)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.distribute", description=__doc__.splitlines()[0]
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--local", type=int, metavar="N", help="N processes of this machine (default: all cores)"
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="such as tcp://HOST:8786")
    where.add_argument("--jobqueue", type=Path, metavar="FILE", help="see docs/cluster.md")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="stages, as for `dvc repro`")
    arguments = parser.parse_args()
    if arguments.local is not None and arguments.local < 1:
        parser.error(f"--local {arguments.local}: must be above 0")
    return arguments


def repro(*arguments: str) -> None:
    """Run `dvc repro`; ends the command if it fails."""
    if code := subprocess.call([sys.executable, "-m", "dvc", "repro", *arguments]):
        sys.exit(code)


def train(arguments: argparse.Namespace, names: Sequence[str]) -> list[str]:
    """Train stages and record their results; a line for each problem."""
    with record.reserved():
        works = [work.of(name) for name in names]
        if task.environment() != task.LOADED:  # workers are compared with what is loaded here
            sys.exit("the code changed meanwhile; run the same command again")
        required = task.required(plan for one in works for plan in one.plans)
        joinable = bool(arguments.scheduler or arguments.jobqueue)
        with clusters.connected(arguments) as client:
            run = spread.Spread(client, required, works, joinable)
            problems = run.run()
    return problems + record.commit(run.done)


if __name__ == "__main__":
    running.run(main, spread.INTERRUPTED)
