"""Trains what is not up to date on many processes or machines, and then runs `dvc repro`.

    python -m tools.distribute                       on all cores of this machine
    python -m tools.distribute --scheduler ADDRESS   on the workers of a Dask scheduler
    python -m tools.distribute --jobqueue FILE       as jobs of Slurm, PBS, LSF, …

docs/cluster.md tells more.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dvc.exceptions import DvcException

from stages import jobs
from stages.running import one_line
from tools.distribute import clusters, record, send, work
from tools.distribute.crew import LostError
from tools.distribute.spread import Spread

PARAMS = Path("params.yaml")
GO_ON = "what is finished is kept; the same command goes on from here"
INTERRUPTED = f"interrupted; {GO_ON}"


def main() -> None:
    arguments = parse()
    repro("--quiet", "download")  # plans and data; DVC says itself what is wrong with them
    told = PARAMS.read_bytes()
    try:
        done, problems = train(arguments, record.pending(arguments.targets))
        refused = record.commit(done)
    except DvcException as error:
        sys.exit(f"DVC: {error}")
    except work.ChangedError as error:
        sys.exit(f"nothing was begun: {error}; run the same command again")
    problems += [f"{one.name}: not recorded: {why}" for one, why in refused.items()]
    for one in done:
        if one not in refused:
            one.forget()
    if PARAMS.read_bytes() != told:
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
        "--local",
        type=int,
        metavar="N",
        help="on N processes of this machine (default: a core each)",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="such as tcp://HOST:8786")
    where.add_argument("--jobqueue", type=Path, metavar="FILE", help="see docs/cluster.md")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="stages, as of `dvc repro`")
    arguments = parser.parse_args()
    if arguments.local is not None and arguments.local < 1:
        parser.error(f"--local {arguments.local}: must be above 0")
    return arguments


def repro(*arguments: str) -> None:
    """Run `dvc repro`; ends the command if it fails."""
    if code := subprocess.call([sys.executable, "-m", "dvc", "repro", *arguments]):
        sys.exit(code)


def train(arguments: argparse.Namespace, names: Sequence[str]) -> tuple[list[work.Work], list[str]]:
    """Train the stages that are named; what is done, and a line for all that went wrong."""
    if not names:
        return [], []
    with record.reserved():
        works = [work.of(name) for name in names]
        client = clusters.connect(arguments, jobs.worker_count())
        try:
            wanted = send.send(client, (plan for one in works for plan in one.plans))
            for one in works:
                one.check()  # so what was sent is what its results will be kept for
            spread = Spread(client, wanted, works)
            return spread.done, run(spread)
        finally:
            clusters.close(client)


def run(spread: Spread) -> list[str]:
    """Do it; a line for all that went wrong."""
    try:
        spread.run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from here it takes seconds
        return [INTERRUPTED]
    except LostError:
        return [f"the scheduler is gone; {GO_ON}"]
    except OSError as error:
        return [f"{one_line(error)}; {GO_ON}"]
    finally:
        spread.stop()
    failed = [one.name for one in spread.failed]
    return [f"{len(failed)} failed: {', '.join(failed)}; {GO_ON}"] if failed else []


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
