"""Starts Dask workers in this checkout: `python -m tools.distribute.worker ADDRESS [OPTION …]`.

The options are those of `dask worker`.
"""

import sys

import dask

from stages.training import ARITHMETIC

COMMAND = "python -m tools.distribute.worker"
RESOURCE = {"initlab": 1}  # every task requires it, so other workers get no task
CONFIG = {
    # A process must have these variables when it starts. They replace Dask's, which make workers
    # return freed memory at once: that and the profiler take a fifth of a worker's time.
    "distributed.nanny.pre-spawn-environ": ARITHMETIC,
    "distributed.worker.profile.enabled": False,
}

if __name__ == "__main__":
    dask.config.set(CONFIG)
    from distributed.cli.dask_worker import main

    main([*sys.argv[1:], "--nthreads", "1", "--resources", "initlab=1"])
