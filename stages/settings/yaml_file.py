"""Reads YAML 1.2 with the package that DVC reads it with: in YAML 1.1, 1e-3 is text."""

import re
from collections import defaultdict
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError

__all__ = ["RefusedError", "YAMLError", "aliases", "loads"]

CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)


class RefusedError(MarkedYAMLError):
    """Valid YAML, or a merge conflict, that DVC or initlab cannot use."""


class Constructor(SafeConstructor):
    def refuse_date(self, node: Any) -> None:
        """DVC stops at a date, in any command and in every commit that has one."""
        raise RefusedError(None, None, f"{node.value} is a date; quote it", node.start_mark)


Constructor.add_constructor("tag:yaml.org,2002:timestamp", Constructor.refuse_date)


def loads(text: str) -> Any:
    """The values of a YAML text; raises YAMLError, and other errors for bad values."""
    if found := CONFLICT.search(text):
        mark = StringMark("", found.start(), text.count("\n", 0, found.start()), 0, text, 0)
        rule = "merge conflict: keep one version, and delete the lines with <<<<<<<, ======= and"
        raise RefusedError(None, None, f"{rule} >>>>>>>", mark)
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = Constructor
    return reader.load(text)


def aliases(values: Any) -> list[list[str]]:
    """The keys of every mapping that aliases repeat: the first key is where it is written.

    `<<: *a` repeats only the mappings inside a.
    """
    keys: dict[int, list[str]] = defaultdict(list)

    def walk(value: Any, key: str) -> None:
        if isinstance(value, dict):
            keys[id(value)].append(key)
            if len(keys[id(value)]) == 1:
                for name, inner in value.items():
                    walk(inner, f"{key}.{name}" if key else str(name))

    walk(values, "")
    return [found for found in keys.values() if len(found) > 1]
