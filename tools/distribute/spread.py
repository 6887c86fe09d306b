"""Gives tasks to the workers that are fit for them, and takes in what they give."""

import pickle
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any
from uuid import uuid4

from distributed import CancelledError, Client, Future, KilledWorker, TimeoutError
from tqdm import tqdm

from stages.sweep import duration
from stages.training.initialization import InitializationError, first_line
from tools.distribute import task
from tools.distribute.crew import Crew, LostError, reached
from tools.distribute.send import Call
from tools.distribute.work import ChangedError, Task, Work

BAR = "{percentage:3.0f}%|{bar:30}| {elapsed} gone, {remaining} left{postfix}"
LOOK = 1.0  # seconds between two looks at who is there
FETCH = 10.0  # seconds for a result to arrive
AHEAD = 2  # tasks that a worker is given at once, so that it never waits for the next


class Spread:
    """A run: what waits, what is at a worker, which work is done, and which failed."""

    def __init__(self, client: Client, wanted: task.Wanted, works: Sequence[Work]):
        self.done: list[Work] = []
        self.failed: list[Work] = []
        self._client = client
        self.crew = Crew(client, wanted, tqdm.write)
        tasks = {work: list(work.missing()) for work in works}
        self._left = {work: len(missing) for work, missing in tasks.items()}
        # The longest first, so that none is alone at the end; and those of a variant together.
        longest = sorted(
            tasks.values(), key=lambda missing: -max((t.seconds for t in missing), default=0)
        )
        self._waiting = deque(chain(*longest))
        self._running: dict[Future, Task] = {}
        self._ended: SimpleQueue[Future] = SimpleQueue()

    def run(self) -> None:
        """Do all of it; raises LostError, and OSError where nothing can be kept."""
        self._announce()
        for work in self._left:
            self._finish_if_whole(work)  # as an earlier run may have left it
        # disable=None: a bar on a terminal, none in a log file.
        with tqdm(total=self._seconds(), disable=None, leave=False, bar_format=BAR) as bar:
            looked, workers = -LOOK, 0
            while self._waiting or self._running:
                if monotonic() - looked >= LOOK:
                    looked, (workers, new) = monotonic(), self.crew.look()
                    bar.total = bar.n + self._seconds()  # less, after some failed
                    bar.set_postfix_str(f"workers: {workers}")
                    if new:
                        self._take_back()
                while self._waiting and len(self._running) < AHEAD * workers:
                    self._submit(self._waiting.popleft())
                with suppress(Empty):
                    future = self._ended.get(timeout=LOOK)
                    if one := self._running.pop(future, None):
                        self._take(future, one)
                        bar.update(one.seconds)

    def _announce(self) -> None:
        networks = sum(plan.seeds for work in self._left for plan in work.plans)
        left = sum(one.networks for one in self._waiting)
        there = f", of which {networks - left:,} are there" if left < networks else ""
        took = duration(self._seconds())
        stages = f"{len(self._left):,} {'stage' if len(self._left) == 1 else 'stages'}"
        print(f"{networks:,} networks for {stages}{there}; about {took} on a core", flush=True)

    def _seconds(self) -> float:
        return sum(one.seconds for one in chain(self._waiting, self._running.values()))

    def stop(self) -> None:
        """Have nothing more done."""
        with suppress(LostError), reached():
            self._client.cancel(list(self._running), force=True)

    def _submit(self, one: Task) -> None:
        call = pickle.dumps(Call(one.call, *one.arguments))
        key = f"{one.work.name}-{one.part}-{uuid4().hex}"
        future = self._client.submit(pickle.loads, call, key=key, resources={self.crew.resource: 1})
        self._running[future] = one
        future.add_done_callback(self._ended.put)

    def _take_back(self) -> None:
        """Let tasks wait again that no worker has.

        When all workers were gone, Dask gives theirs to one that comes only if that is fit by then.
        """
        with reached():
            had = set(chain(*self._client.processing().values()))
        for future in [f for f in self._running if f.status == "pending" and f.key not in had]:
            self._take_one_back(future, self._running.pop(future))

    def _take_one_back(self, future: Future, one: Task) -> None:
        self._waiting.appendleft(one)
        with reached():
            future.cancel()

    def _take(self, future: Future, one: Task) -> None:
        if future.cancelled():  # not by us
            raise LostError
        try:
            error = future.exception(timeout=FETCH)
            result: Any = None if error else future.result(timeout=FETCH)
        except TimeoutError:
            # Its worker went before it was fetched. Dask does it again, but not while this waits,
            # since who comes has to be asked first.
            self._take_one_back(future, one)
            return
        except (OSError, CancelledError):
            raise LostError from None
        if error is None:
            one.work.keep(one.part, result)
            self._left[one.work] -= 1
            self._finish_if_whole(one.work)
        elif one.work not in self.failed:
            self._fail(one.work, why(error))

    def _finish_if_whole(self, work: Work) -> None:
        if self._left[work] == 0:
            try:
                tqdm.write(work.write())
                self.done.append(work)
            except ChangedError as error:
                self._fail(work, str(error))

    def _fail(self, work: Work, reason: str) -> None:
        self.failed.append(work)
        self._waiting = deque(one for one in self._waiting if one.work is not work)
        tqdm.write(f"{work.name}: failed: {reason}")


def why(error: BaseException) -> str:
    """What to say of a task that failed."""
    match error:
        case InitializationError():
            return f"{error.tensor} cannot be filled: {error}"
        case KilledWorker():
            return (
                f"{error.allowed_failures + 1} workers that it was given to were ended, perhaps "
                "for lack of memory"
            )
    return first_line(error)
