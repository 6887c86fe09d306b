"""Writing outputs: all of them or none, and never into an existing file.

DVC can link an output to its cache (`cache.type`): writing into it would change the cache. And a
stage that fails must leave the outputs of an earlier run.
"""

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def replace(files: Mapping[Path, str | bytes]) -> None:
    """Write all files, text as UTF-8, and only then replace the existing ones.

    Creates their folders. Raises OSError with the name of the file, and changes nothing then.
    """
    partial = {path: path.with_name(f".partial-{path.name}") for path in files}
    path = None
    try:
        for path, content in files.items():
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            path.parent.mkdir(parents=True, exist_ok=True)
            content = content.encode() if isinstance(content, str) else content
            partial[path].unlink(missing_ok=True)
            partial[path].write_bytes(content)
        for path in files:
            partial[path].replace(path)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        for left in partial.values():
            with suppress(OSError):
                left.unlink(missing_ok=True)
