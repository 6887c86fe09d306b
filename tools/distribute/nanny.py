"""What a Dask nanny does before it starts a worker. It has no other module of ours."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import dask
from distributed import Nanny, NannyPlugin
from distributed.diskutils import WorkSpace

# To unpickle a Sent is to run this module there: from its source, since bytecode is a Python's own.
MADE = "(exec(source, module), module['Sent'](source, content))[1]"
ARITHMETIC = "import json, stages.training; print(json.dumps(stages.training.ARITHMETIC))"

# Dask has workers give freed memory back at once, and watches what they do: a fifth of their time.
TRIM = "MALLOC_TRIM_THRESHOLD_"
UNWATCHED = {"distributed.worker.profile.enabled": False}


class Sent(NannyPlugin):
    """Unpacks a zip file, and starts the worker anew with its code and its arithmetic.

    Libraries see the variables that pin arithmetic only if these are set before their process
    starts.
    """

    name = "initlab"
    restart = True

    def __init__(self, source: str, content: bytes):
        self.source, self.content = source, content

    def __reduce__(self) -> tuple[Any, ...]:
        values = {"source": self.source, "content": self.content}
        return eval, (MADE, values | {"module": {"__name__": "initlab_nanny"}})

    def setup(self, nanny: Nanny) -> None:
        """Raises OSError and CalledProcessError."""
        # Its own, since nannies share theirs. It goes when another is sent or the nanny ends; of
        # one that was killed, when the next starts.
        self.held = WorkSpace(nanny.local_directory).new_work_dir(prefix="initlab-")
        folder = self.held.dir_path
        with zipfile.ZipFile(io.BytesIO(self.content)) as file:
            file.extractall(folder)
        others = [path for path in sys.path if Path(path).parent != Path(nanny.local_directory)]
        sys.path[:] = [folder, *others]  # a worker begins with it
        # Asked here: a processor without AVX2 that is pinned to it starts no worker to be refused.
        command = [sys.executable, "-c", ARITHMETIC]
        asked = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
        environment = json.loads(asked.stdout)
        for variables in (nanny.pre_spawn_env, os.environ):  # where the first start put it
            variables.pop(TRIM, None)
        dask.config.set(UNWATCHED, config=nanny.config)
        nanny.pre_spawn_env.update(environment)
        nanny.env.update(environment)
