"""Hands out tasks to workers, and keeps their results."""

import pickle
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from math import inf
from operator import methodcaller
from queue import Empty, SimpleQueue
from time import monotonic

from distributed import CancelledError, Client, Future, TimeoutError
from toolz import compose
from tqdm import tqdm

from stages import running
from stages.sweep import duration
from stages.training.initialization import InitializationError, first_line
from tools.distribute import task
from tools.distribute.work import ChangedError, Task, Work
from tools.distribute.worker import COMMAND, RESOURCE

BAR = "{percentage:3.0f}%|{bar:30}| {elapsed} elapsed, {remaining} left{postfix}"
PAUSE = 1.0  # seconds between two requests for the list of workers
LONELY = 60  # seconds without a worker, after which a line reports it
AHEAD = 2  # tasks for each worker at once, so that none waits for the next
CONTINUES = "finished results are kept; the same command continues from here"
INTERRUPTED = f"interrupted; {CONTINUES}"
GONE = f"the scheduler is gone; {CONTINUES}"
NO_WORKER = f"no worker for {LONELY} s"
# Calls travel as bytes: a scheduler unpickles its input, and does not have this code.
CALL = compose(methodcaller("__call__"), pickle.loads)


class NoWorkerError(Exception):
    """No worker is left, and none can join."""


class Spread:
    """A run: tasks that wait, tasks that workers have, and the work that is done or failed.

    `joinable` says whether workers can join later; without, the run ends when none is left.
    """

    def __init__(self, client: Client, required: bytes, works: Sequence[Work], joinable: bool):
        self.done: list[Work] = []
        self._failed: list[Work] = []
        self._client, self._required, self._joinable = client, required, joinable
        tasks = {work: list(work.missing()) for work in works}
        self._left = {work: len(missing) for work, missing in tasks.items()}
        # The longest first, so that none is alone at the end.
        self._waiting = deque(sorted(chain(*tasks.values()), key=lambda one: -one.seconds))
        self._running: dict[Future, Task] = {}
        self._ended: SimpleQueue[Future] = SimpleQueue()
        self._workers: dict[str, str] = {}  # names by address
        self._refused: set[str] = set()  # addresses
        self._last_seen = monotonic()  # when there was a worker; never after a line reports it

    def run(self) -> list[str]:
        """Run all tasks; a line for each problem."""
        try:
            self._announce()
            self._run()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # recording the results takes only seconds
            return [INTERRUPTED]
        except NoWorkerError:
            return [f"{NO_WORKER} on this machine, which may lack memory; {CONTINUES}"]
        except (CancelledError, ConnectionError, TimeoutError):
            return [GONE]
        except OSError as error:  # of a file if it has a number, such as for a full disk
            return [f"{running.one_line(error)}; {CONTINUES}" if error.errno else GONE]
        finally:
            with suppress(OSError, CancelledError):  # the scheduler may be gone
                self._client.cancel(list(self._running), force=True)
        names = ", ".join(work.name for work in self._failed)
        return [f"{len(self._failed)} failed: {names}; {CONTINUES}"] if names else []

    def _announce(self) -> None:
        networks = sum(plan.seeds for work in self._left for plan in work.plans)
        left = sum(one.networks for one in self._waiting)
        kept = f", {networks - left:,} already finished" if left < networks else ""
        stages = f"{len(self._left):,} {'stage' if len(self._left) == 1 else 'stages'}"
        took = duration(self._seconds())
        print(f"{networks:,} networks for {stages}{kept}; about {took} on a core", flush=True)

    def _seconds(self) -> float:
        return sum(one.seconds for one in chain(self._waiting, self._running.values()))

    def _run(self) -> None:
        for work in self._left:
            self._finish_if_whole(work)  # an earlier run may have kept all of it
        # disable=None: a bar on a terminal, none in a log file.
        with tqdm(total=self._seconds(), disable=None, leave=False, bar_format=BAR) as bar:
            updated = -PAUSE
            while self._waiting or self._running:
                if monotonic() - updated >= PAUSE:
                    updated = monotonic()
                    self._update_workers()
                    bar.total = bar.n + self._seconds()  # less, after a failure
                    bar.set_postfix_str(f"workers: {len(self._workers)}")
                while self._waiting and len(self._running) < AHEAD * len(self._workers):
                    self._submit(self._waiting.popleft())
                with suppress(Empty):
                    bar.update(self._take(self._ended.get(timeout=PAUSE)))

    def _update_workers(self) -> None:
        # Not scheduler_info(): the client's copy has no workers in it now and then.
        workers = self._client.sync(self._client.scheduler.identity)["workers"]
        fit = {}
        for address, worker in workers.items():
            if RESOURCE.keys() <= worker["resources"].keys():
                fit[address] = worker["name"]
            else:
                self._refuse(worker["name"], address, f"start it with `{COMMAND}`")
        for address in self._workers.keys() - fit.keys() - self._refused:
            tqdm.write(f"worker {self._workers[address]}: lost; other workers rerun its tasks")
        self._workers = fit
        self._report_absence()

    def _report_absence(self) -> None:
        """Report that there is no worker; raises NoWorkerError where none can join."""
        if self._workers:
            self._last_seen = monotonic()
        elif monotonic() - self._last_seen > LONELY:
            if not self._joinable:
                raise NoWorkerError
            self._last_seen = inf
            tqdm.write(f"{NO_WORKER}; the command waits until one joins, or until Ctrl-C")

    def _refuse(self, name: str, address: str, reason: str) -> None:
        if address not in self._refused:
            self._refused.add(address)
            tqdm.write(f"worker {name} at {address}: refused: {reason}")

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
        except InitializationError as error:
            self._fail(one.work, f"{error.tensor} cannot be filled: {error}")
        except Exception as error:
            if future.status != "error":  # of the connection, and not of the task
                raise
            self._fail(one.work, first_line(error))
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
        if work not in self._failed:
            self._failed.append(work)
            self._waiting = deque(one for one in self._waiting if one.work is not work)
            tqdm.write(f"{work.name}: failed: {reason}")
