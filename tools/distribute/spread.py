"""Hands out tasks to workers, and keeps their results."""

import pickle
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from operator import methodcaller
from queue import Empty, SimpleQueue
from time import monotonic

from distributed import CancelledError, Client, Future, KilledWorker, TimeoutError
from toolz import compose
from tqdm import tqdm

from stages.sweep import duration
from stages.training.initialization import InitializationError, first_line
from tools.distribute import task
from tools.distribute.work import ChangedError, Task, Work
from tools.distribute.worker import RESOURCE

BAR = "{percentage:3.0f}%|{bar:30}| {elapsed} gone, {remaining} left{postfix}"
PAUSE = 1.0  # seconds between two requests for the list of workers
AHEAD = 2  # tasks for each worker at once, so that none waits for the next
CONTINUES = "finished results are kept; the same command continues from here"
INTERRUPTED = f"interrupted; {CONTINUES}"
# Calls travel as bytes: a scheduler unpickles its input, and does not have this code.
CALL = compose(methodcaller("__call__"), pickle.loads)


def run(client: Client, required: bytes, works: Sequence[Work]) -> tuple[list[Work], list[str]]:
    """Train all works; the finished ones, and a line for each problem."""
    spread = Spread(client, required, works)
    try:
        spread.run()
        failed = [work.name for work in spread.failed]
        problem = f"{len(failed)} failed: {', '.join(failed)}" if failed else ""
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # recording the results takes only seconds
        problem = "interrupted"
    except (OSError, TimeoutError, CancelledError) as error:
        file = getattr(error, "filename", None)  # of a result, such as when the disk is full
        problem = f"{file}: {os.strerror(error.errno)}" if file else "the scheduler is gone"
    finally:
        spread.stop()
    return spread.done, [f"{problem}; {CONTINUES}"] if problem else []


class Spread:
    """A run: tasks that wait, tasks that workers have, and the work that is done or failed."""

    def __init__(self, client: Client, required: bytes, works: Sequence[Work]):
        self.done: list[Work] = []
        self.failed: list[Work] = []
        self._client, self._required = client, required
        tasks = {work: list(work.missing()) for work in works}
        self._left = {work: len(missing) for work, missing in tasks.items()}
        # The longest first, so that none is alone at the end.
        self._waiting = deque(sorted(chain(*tasks.values()), key=lambda one: -one.seconds))
        self._running: dict[Future, Task] = {}
        self._ended: SimpleQueue[Future] = SimpleQueue()
        # By its folder, since a restarted worker can have an old address: its name and address.
        self._workers: dict[str, tuple[str, str]] = {}
        self._refused: set[str] = set()  # addresses

    def run(self) -> None:
        """Run all tasks; raises OSError or CancelledError if the scheduler is gone.

        Also raises OSError if a result cannot be kept; it then has a file name.
        """
        self._announce()
        for work in self._left:
            self._finish_if_whole(work)  # an earlier run may have kept all of it
        # disable=None: a bar on a terminal, none in a log file.
        with tqdm(total=self._seconds(), disable=None, leave=False, bar_format=BAR) as bar:
            updated = -PAUSE
            while self._waiting or self._running:
                if monotonic() - updated >= PAUSE:
                    updated, workers = monotonic(), self._find_workers()
                    bar.total = bar.n + self._seconds()  # less, after a failure
                    bar.set_postfix_str(f"workers: {workers}")
                while self._waiting and len(self._running) < AHEAD * workers:
                    self._submit(self._waiting.popleft())
                with suppress(Empty):
                    bar.update(self._take(self._ended.get(timeout=PAUSE)))

    def stop(self) -> None:
        """Cancel the tasks that workers have."""
        with suppress(OSError, CancelledError):  # the scheduler may be gone
            self._client.cancel(list(self._running), force=True)

    def _announce(self) -> None:
        networks = sum(plan.seeds for work in self._left for plan in work.plans)
        left = sum(one.networks for one in self._waiting)
        kept = f", of which {networks - left:,} are there" if left < networks else ""
        stages = f"{len(self._left):,} {'stage' if len(self._left) == 1 else 'stages'}"
        took = duration(self._seconds())
        print(f"{networks:,} networks for {stages}{kept}; about {took} on a core", flush=True)

    def _seconds(self) -> float:
        return sum(one.seconds for one in chain(self._waiting, self._running.values()))

    def _find_workers(self) -> int:
        """The number of workers for tasks; prints a line for each that is refused or gone."""
        # Not scheduler_info(): the client's copy has no workers in it now and then.
        workers = self._client.sync(self._client.scheduler.identity)["workers"]
        found = {}
        for address, worker in workers.items():
            if RESOURCE.keys() <= worker["resources"].keys():
                found[worker["local_directory"]] = worker["name"], address
            else:
                self._refuse(worker["name"], address, "start it with tools.distribute.worker")
        for folder in self._workers.keys() - found.keys():
            name, address = self._workers[folder]
            if address not in self._refused:
                tqdm.write(f"worker {name}: is gone; its tasks run again elsewhere")
        self._workers = found
        return len(found)

    def _refuse(self, name: str, address: str, reason: str) -> None:
        if address not in self._refused:
            self._refused.add(address)
            at = "" if name == address else f" at {address}"
            tqdm.write(f"worker {name}{at}: refused: {reason}")

    def _submit(self, one: Task) -> None:
        call = pickle.dumps(partial(task.checked, self._required, pickle.dumps(one.call)))
        future = self._client.submit(CALL, call, resources=RESOURCE, pure=False)
        self._running[future] = one
        future.add_done_callback(self._ended.put)

    def _take(self, future: Future) -> float:
        """Keep the result of a task; its estimated seconds, or 0 if it has to run again."""
        one = self._running.pop(future)
        try:
            result = future.result()
        except task.UnfitError as error:
            name, address, reason = error.args
            self._refuse(name, address, reason)
            self._client.retire_workers([address])
            self._waiting.appendleft(one)
            return 0.0
        except Exception as error:
            if future.status != "error":  # of the connection, and not of the task
                raise
            self._fail(one.work, _reason(error))
        else:
            one.work.keep(one.part, result)
            self._left[one.work] -= 1
            self._finish_if_whole(one.work)
        return one.seconds

    def _finish_if_whole(self, work: Work) -> None:
        if self._left[work] == 0:
            try:
                tqdm.write(work.write())
                self.done.append(work)
            except ChangedError as error:
                self._fail(work, str(error))

    def _fail(self, work: Work, reason: str) -> None:
        if work not in self.failed:
            self.failed.append(work)
            self._waiting = deque(one for one in self._waiting if one.work is not work)
            tqdm.write(f"{work.name}: failed: {reason}")


def _reason(error: Exception) -> str:
    match error:
        case InitializationError():
            return f"{error.tensor} cannot be filled: {error}"
        case KilledWorker():
            return f"{error.allowed_failures + 1} workers ended with a task; do they lack memory?"
    return first_line(error)
