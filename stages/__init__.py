"""initlab's stages: check, download, train, sweep, evaluate and report.

What holds for all of them: the arithmetic is pinned before any stage loads torch, and what is no
fault of the code ends in one line.
"""

import io
import signal
import sys
from collections.abc import Callable
from traceback import walk_stack
from types import FrameType, TracebackType

import stages.training  # noqa: F401  pins the arithmetic


def one_line(error: BaseException) -> str | None:
    """What to say of an error without a traceback; None where only that tells what is wrong."""
    match error:
        case KeyboardInterrupt():
            return "interrupted; `dvc repro` goes on from here"
        case MemoryError():
            return "there is not enough memory"
        case FileNotFoundError(filename=name) if str(name).startswith(("data/", "reports/")):
            return f"{name}: is missing; `dvc repro` makes it"
        case FileExistsError() | IsADirectoryError() | NotADirectoryError() if error.filename:
            return f"{error.filename}: {error.strerror}; move away what is in its place"
        case OSError(filename=name, strerror=reason) if name and reason:
            return f"{name}: {reason}"
        case OSError():
            return f"nothing was written: {error.strerror or error}"
    return None


def tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Python's excepthook for the stages."""
    line = one_line(error)
    if line is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(line, file=sys.stderr)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C raises KeyboardInterrupt, and ends the process where Python imports or ends itself.

    An import that is cut in half, and what is done at exit, would fail in words of their own.
    """
    calls = [at.f_code for at, _ in walk_stack(frame)]
    imports = any(call.co_filename == "<frozen importlib._bootstrap>" for call in calls)
    if not imports and calls[-1].co_name in ("<module>", "_run_module_as_main"):
        signal.default_int_handler(number, frame)
    end(aloud=imports)


def end(aloud: bool) -> None:
    """End the process at once, as an interrupt ends one that has no handler."""
    if aloud:
        print(one_line(KeyboardInterrupt()), file=sys.stderr, flush=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)


def unraisable(what: "sys.UnraisableHookArgs", others: Callable = sys.unraisablehook) -> None:
    """Python's unraisablehook for the stages: Ctrl-C is obeyed where Python would drop it."""
    if isinstance(what.exc_value, KeyboardInterrupt):
        end(aloud=True)
    others(what)


sys.excepthook = tell
sys.unraisablehook = unraisable
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and nobody set it to ignore
    signal.signal(signal.SIGINT, interrupt)
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="replace")  # a terminal may know no × and no …
