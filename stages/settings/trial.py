"""Tries a study in a process of its own: a user's initializers may hang there, or end it."""

import sys
from collections.abc import Callable
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import TypeAlias, TypeVar, cast

import numpy as np
import torch

from stages.settings import plans, sweeps
from stages.settings.params import Params
from stages.settings.reading import ParamsError
from stages.training.grid import Grid
from stages.training.initialization import first_line
from stages.training.plan import Plan
from stages.training.workers import depend_on_parent

T = TypeVar("T")

PATIENCE = 10  # seconds for one variant, or one cell of a sweep

# A forked process has torch loaded already; elsewhere than on Linux forking is not safe.
CONTEXT = get_context("fork") if sys.platform == "linux" else get_context("spawn")


Found: TypeAlias = tuple[dict[str, Plan], dict[str, Grid]]


def resolve(settings: Params) -> Found:
    """What plans.resolve and sweeps.resolve give.

    Raises ParamsError as they do, and for what does not end well.
    """
    found = _alone(_resolve, settings)
    # Twice more, each in a process of its own: a file can draw its numbers while it is loaded.
    if any(plan.files for plan in found[0].values()):
        first, second = (_alone(plans.digests, settings) for _ in range(2))
        lines = [
            f"{place} give other numbers in every run; draw them in fill, from the argument "
            "generator"
            for place in first
            if first[place] != second[place]
        ]
        if lines:
            raise ParamsError(lines)
    return found


def _resolve(settings: Params, told: plans.Told) -> Found:
    return plans.resolve(settings, told), sweeps.resolve(settings, told)


def _alone(do: Callable[[Params, plans.Told], T], settings: Params) -> T:
    receiver, sender = Pipe(duplex=False)
    process = CONTEXT.Process(target=_run, args=(do, settings, sender), daemon=True)
    process.start()
    sender.close()
    place = ""
    try:
        while receiver.poll(PATIENCE):
            match receiver.recv():
                case "at", words:
                    place = words
                case "done", result:
                    return cast(T, result)
                case "refused", lines:
                    raise ParamsError(lines)
                case "raised", line:
                    raise ParamsError([f"{place} raise {line}"])
        problem = f"take longer than {PATIENCE} s"
    except EOFError:
        process.join()
        problem = f"ended Python, with exit code {process.exitcode}"
    finally:
        process.kill()
        process.join()
    raise ParamsError([f"{place} {problem}"])


def _run(do: Callable[[Params, plans.Told], object], settings: Params, sender: Connection) -> None:
    depend_on_parent()
    # What a forked process has from its parent, and a file may draw from.
    np.random.seed()  # noqa: NPY002
    torch.seed()
    try:
        sender.send(("done", do(settings, lambda place: sender.send(("at", place)))))
    except ParamsError as error:
        sender.send(("refused", error.lines))
    except BaseException as error:  # whatever a user's file raises
        sender.send(("raised", first_line(error)))
