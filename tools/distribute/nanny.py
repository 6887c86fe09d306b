"""What a Dask nanny does before it starts a worker. It has no other module of ours."""

import io
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from distributed import Nanny, NannyPlugin

# To unpickle a Sent is to run this module there: from its source, since bytecode is a Python's own.
MADE = "(exec(source, module), module['Sent'](source, environment, content))[1]"


class Sent(NannyPlugin):
    """Unpacks a zip file, and starts the worker anew with its code and with variables.

    Libraries see variables only if these are set before their process starts.
    """

    name = "initlab"
    restart = True

    def __init__(self, source: str, environment: dict[str, str], content: bytes):
        self.source, self.environment, self.content = source, environment, content

    def __reduce__(self) -> tuple[Any, ...]:
        values = {"source": self.source, "environment": self.environment, "content": self.content}
        return eval, (MADE, values | {"module": {"__name__": "initlab_nanny"}})

    def setup(self, nanny: Nanny) -> None:
        """Raises OSError."""
        # Its own, which goes when another is sent or the nanny ends: nannies share their folder.
        self.folder = tempfile.TemporaryDirectory(prefix="initlab-", dir=nanny.local_directory)
        with zipfile.ZipFile(io.BytesIO(self.content)) as file:
            file.extractall(self.folder.name)
        others = [path for path in sys.path if Path(path).parent != Path(nanny.local_directory)]
        sys.path[:] = [self.folder.name, *others]  # a worker begins with it
        nanny.pre_spawn_env.update(self.environment)
        nanny.env.update(self.environment)
