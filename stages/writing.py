"""Writing outputs: all of them or none, and never into a file that is there.

DVC can link an output to its cache (`cache.type`): to write into it would change the cache. And
what a stage cannot finish must not cost what an earlier run left.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def replace(files: Mapping[Path, str | bytes]) -> None:
    """Write files, text as UTF-8, and only then put them in the place of what was there.

    Their folders are made. Raises OSError; then every file is what it was.
    """
    partial = {path: path.with_name(f".partial-{path.name}") for path in files}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            content = content.encode() if isinstance(content, str) else content
            partial[path].unlink(missing_ok=True)
            partial[path].write_bytes(content)
        for path in files:
            partial[path].replace(path)
    finally:
        for path in partial.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)
