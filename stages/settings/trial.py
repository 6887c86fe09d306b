"""Tries a study in a process of its own: a user's initializers may hang there, or end it."""

import sys
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection

from stages.settings import plans
from stages.settings.params import Params
from stages.settings.reading import FILE, ParamsError
from stages.training.plan import Plan
from stages.training.workers import depend_on_parent

PATIENCE = 10  # seconds for one variant

# A forked process has torch loaded already; elsewhere than on Linux forking is not safe.
CONTEXT = get_context("fork") if sys.platform == "linux" else get_context("spawn")


def resolve(settings: Params) -> dict[str, Plan]:
    """What plans.resolve gives; raises ParamsError as it does, and for what does not end well."""
    receiver, sender = Pipe(duplex=False)
    process = CONTEXT.Process(target=_resolve, args=(sender, settings), daemon=True)
    process.start()
    sender.close()
    variant = ""
    try:
        while receiver.poll(PATIENCE):
            match receiver.recv():
                case str(name):
                    variant = name
                case dict(found):
                    return found
                case list(lines):
                    raise ParamsError(lines)
        problem = f"take longer than {PATIENCE} s"
    except EOFError:
        process.join()
        problem = f"ended Python, with exit code {process.exitcode}"
    finally:
        process.kill()
        process.join()
    names = ", ".join(plans.initializer_names(settings, variant))
    raise ParamsError([f"{FILE}: variants.{variant}: its initializers ({names}) {problem}"])


def _resolve(sender: Connection, settings: Params) -> None:
    depend_on_parent()
    try:
        sender.send(plans.resolve(settings, sender.send))
    except ParamsError as error:
        sender.send(error.lines)
