"""Trains on all cores.

Worker processes, one a core, take the next epoch of whichever seed is furthest behind, and hand
the weights back. So the arithmetic of a seed is the same whichever worker does it, however many
there are, and whatever other seeds run at the same time.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
    wait,
)
from contextlib import contextmanager
from typing import Any, TypeVar

from stages.training import engines
from stages.training.data import Dataset
from stages.training.engines import State
from stages.training.epoch import Scores, run_epoch
from stages.training.grid import Cell, CellScores, Piece, do
from stages.training.plan import Plan

T = TypeVar("T")


def worker_count() -> int:
    """INITLAB_WORKERS, or the number of cores that this process may use."""
    wish = os.environ.get("INITLAB_WORKERS")
    if not wish:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:  # on macOS and Windows
            return os.cpu_count() or 1
    if not wish.isdecimal() or int(wish) == 0:
        raise SystemExit(f"INITLAB_WORKERS = {wish!r}: must be a whole number above 0")
    return int(wish)


def train(plan: Plan, dataset: Dataset, workers: int) -> Iterator[tuple[State, Scores]]:
    """Train the plan's seeds, yielding each one's state and row as its epochs end.

    The order depends on the workers' speed; what is yielded does not.
    """
    engine = engines.of(plan)
    states = [engine.start(plan, dataset.train, seed) for seed in range(plan.seeds)]
    workers = min(workers, plan.seeds)
    if workers == 1:
        for _ in range(plan.epochs + 1):
            for seed in range(plan.seeds):
                states[seed], row = run_epoch(plan, dataset, states[seed])
                yield states[seed], row
        return
    with pool(workers, plan, dataset) as executor:
        yield from _interleave(executor, states, plan.epochs, workers)


def _interleave(
    executor: Executor, states: list[State], epochs: int, workers: int
) -> Iterator[tuple[State, Scores]]:
    """Keep every worker busy with the seed that is furthest behind."""
    waiting = list(states)
    running: set[Future[tuple[State, Scores]]] = set()
    while waiting or running:
        while waiting and len(running) < workers:
            behind = min(waiting, key=lambda state: (state.next_epoch, state.seed))
            waiting.remove(behind)
            running.add(executor.submit(in_worker, run_epoch, behind))
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for state, row in (future.result() for future in done):
            if state.next_epoch <= epochs:
                waiting.append(state)
            yield state, row


def sweep(
    cells: Sequence[Cell], dataset: Dataset, pieces: Sequence[Piece], workers: int
) -> Iterator[tuple[Piece, list[CellScores]]]:
    """Do the pieces of a sweep in their order, yielding each one's rows as it ends."""
    workers = min(workers, len(pieces))
    if workers <= 1:
        for piece in pieces:
            yield piece, do(cells, dataset, piece)
        return
    with pool(workers, cells, dataset) as executor:
        running = {executor.submit(in_worker, do, piece): piece for piece in pieces}
        for future in as_completed(running):
            yield running[future], future.result()


@contextmanager
def pool(workers: int, *work: Any) -> Iterator[Executor]:
    """Worker processes that hold `work`, which `in_worker` passes to functions."""
    # A forked worker shares the images and the loaded torch with its parent; elsewhere
    # forking is not safe, so a worker loads torch itself and receives the images.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    executor = ProcessPoolExecutor(workers, context, _start_worker, work)
    try:
        yield executor
    except BaseException:
        # Without waiting: an interrupt can have left a lock taken that the pool waits for.
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


_work: tuple[Any, ...]  # of a worker process, set once


def _start_worker(*work: Any) -> None:
    global _work
    _work = work
    depend_on_parent()


def in_worker(do: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a worker, with the pool's work and then the arguments."""
    return do(*_work, *arguments)


def depend_on_parent() -> None:
    """Leave Ctrl-C to the parent process, and end when the parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
