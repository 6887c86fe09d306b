"""Reads YAML 1.2 with PyYAML, as DVC reads it.

PyYAML reads YAML 1.1, in which 1e-3 is text, `off` is false and 010 is 8; DVC reads the same file
as YAML 1.2.
"""

import re
from collections import defaultdict
from typing import Any

import yaml

CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)

RESOLVED = {
    "float": (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+([eE][-+][0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
    "int": r"(?!_)[-+]?(0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "null": r"~|null|Null|NULL|",
    "merge": r"<<",
    "timestamp": (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?"
        r"([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?"
    ),
}


class RefusedError(yaml.MarkedYAMLError):
    """Valid YAML, or a merge conflict, that DVC or initlab cannot use."""


class Loader(yaml.SafeLoader):
    """Scalars by the rules of YAML 1.2; a key that occurs twice is an error."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  without those of YAML 1.1

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {name} occurs twice", key.start_mark
                )
            seen.add(name)
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        digits = str(self.construct_scalar(node)).replace("_", "")
        return int(digits, {"0b": 2, "0o": 8, "0x": 16}.get(digits.lstrip("+-")[:2], 10))

    def refuse_date(self, node: yaml.ScalarNode) -> None:
        """DVC stops at a date, in any command and in every commit that has one."""
        raise RefusedError(None, None, f"{node.value} is a date; quote it", node.start_mark)


for kind, pattern in RESOLVED.items():
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"^(?:{pattern})$"), None)
Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.refuse_date)


def loads(text: str) -> Any:
    """The values of a YAML text; raises yaml.YAMLError, and other errors for bad values."""
    if found := CONFLICT.search(text):
        mark = yaml.Mark("", found.start(), text.count("\n", 0, found.start()), 0, None, 0)
        rule = "merge conflict: keep one version, and delete the lines with <<<<<<<, ======= and"
        raise RefusedError(None, None, f"{rule} >>>>>>>", mark)
    return yaml.load(text, Loader)  # noqa: S506  a SafeLoader


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
