"""Runs a command, and shows errors of users and machines as one line."""

import io
import os
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool

CONTINUES = "interrupted; `dvc repro` continues from here"
INTERRUPTED = 130  # a shell's exit code of what Ctrl-C ended


def run(main: Callable[[], None], interrupted: str = CONTINUES) -> None:
    """Call `main`; an OSError, a lack of memory or Ctrl-C ends the process with one line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack × and …
    try:
        main()
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        sys.stdout.flush()
        # At once: Python would wait for the threads of a pool, which may wait for a lock.
        os._exit(INTERRUPTED)
    except (MemoryError, BrokenProcessPool):
        sys.exit("a process was killed, or lacked memory; lower seeds, widths or INITLAB_WORKERS")
    except OSError as error:
        sys.exit(one_line(error))


def one_line(error: OSError) -> str:
    """The file, the reason, and what to do."""
    name, reason = error.filename, error.strerror
    if isinstance(error, FileNotFoundError) and str(name).startswith(("data/", "reports/")):
        return f"{name}: is missing; `dvc repro` creates it"
    if isinstance(error, (FileExistsError, IsADirectoryError, NotADirectoryError)) and name:
        return f"{name}: {reason}; move away what is in its place"
    if name and reason:
        return f"{name}: {reason}"
    return f"nothing was written: {reason or error}"
