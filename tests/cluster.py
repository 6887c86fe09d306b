"""A Dask cluster of processes on this machine, and the command that uses it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stages.training import ARITHMETIC
from tests.conftest import Clone, accept_interrupts

COMMAND = (sys.executable, "-m", "tools.distribute")
WORKER = (sys.executable, "-m", "tools.distribute.worker")
DASK = str(Path(sys.executable).with_name("dask"))


class Processes:
    """A cluster and the command that uses it; all of it ends with the test."""

    def __init__(self, clone: Clone, folder: Path):
        self.clone, self.folder = clone, folder
        self.started: list[subprocess.Popen] = []

    def start(
        self, *command: str, name: str, cwd: Path | None = None, env: dict | None = None
    ) -> subprocess.Popen:
        """Start a process, which prints to NAME.log."""
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=cwd or self.clone.folder,
                env=env or self.clone.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=accept_interrupts,
            )
        self.started.append(process)
        return process

    def schedule(self, host: str = "127.0.0.1", before: tuple[str, ...] = ()) -> subprocess.Popen:
        """Start a scheduler outside of any checkout."""
        file = self.folder / f"scheduler-{len(self.started)}.json"
        options = ("--host", host, "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        process = self.start(
            *before, DASK, "scheduler", *options, name="scheduler", cwd=self.folder
        )
        while not file.exists() or not file.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]
        return process

    def work(
        self, name: str, *command: str, host: str = "127.0.0.1", env: dict | None = None, **options
    ) -> subprocess.Popen:
        """Start a worker, in the command's own checkout by default."""
        where = ("--name", name, "--host", host, "--no-dashboard")
        unpinned = {key: os.environ[key] for key in os.environ if key not in ARITHMETIC}
        environment = unpinned | (env or {})
        command = (*(command or WORKER), self.address, *where)
        return self.start(*command, name=name, env=environment, **options)

    def run(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen:
        """Start the command on the cluster."""
        cluster = ("--scheduler", self.address) if "address" in self.__dict__ else ()
        return self.start(*before, *COMMAND, *cluster, *arguments, name="command")

    def printed(self) -> str:
        return (self.folder / "command.log").read_text()

    def end(self, process: subprocess.Popen, code: int = 0) -> str:
        """The lines that the command prints until it ends."""
        process.wait(timeout=300)
        assert process.returncode == code, self.printed()
        assert "Traceback" not in self.printed()
        return self.printed()

    def wait_until(self, true: Callable[[], object], process: subprocess.Popen) -> None:
        """Wait for an effect of the running command."""
        ends = time.monotonic() + 300
        while not true():
            assert process.poll() is None, self.printed()
            assert time.monotonic() < ends, self.printed()
            time.sleep(0.01)

    def wait_for_results(self, process: subprocess.Popen, least: int) -> None:
        """Wait until the command kept so many networks, or up to three more."""
        number = least + random.randrange(4)
        self.wait_until(lambda: self.kept() >= number, process)
        time.sleep(random.random() / 4)

    def kept(self) -> int:
        """The number of networks that were kept."""
        journal = self.clone.folder / "data/.partial-sweep-grid"
        networks = len(list((self.clone.folder / "data/unfinished").glob("*/[0-9]*")))
        return networks + (len(journal.read_bytes().splitlines()) if journal.exists() else 0)


def kill(process: subprocess.Popen) -> None:
    """End a process and its children at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
