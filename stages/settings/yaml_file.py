"""YAML as DVC reads it, with PyYAML.

PyYAML takes YAML 1.1 for granted, in which 1e-3 is text, `off` is false and 010 is 8. DVC reads
the same file as YAML 1.2. Both have to see the same values.
"""

import re
from itertools import chain
from typing import Any

import yaml

RESOLVED = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)", list("-+0123456789")),
    "float": (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+([eE][-+][0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    "merge": (r"<<", ["<"]),
}


LONGEST_NUMBER = 1000  # digits: Python refuses to write longer ones

# More than any study has: a few aliases of aliases can stand for billions.
MOST_VALUES = 100_000


class Loader(yaml.SafeLoader):
    """Scalars by the rules of YAML 1.2; a key that is there twice is an error."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  its own, not those that it would inherit

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {name} is there twice", key.start_mark
                )
            seen.add(name)
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        digits = str(self.construct_scalar(node)).replace("_", "")
        if len(digits) > LONGEST_NUMBER:
            raise ValueError(f"a number with {len(digits):,} digits")
        base = {"0b": 2, "0o": 8, "0x": 16}.get(digits.lstrip("+-")[:2], 10)
        return int(digits, base)


class Dumper(yaml.SafeDumper):
    """Quotes text that either version of YAML would take for something else."""


for kind in ("float", "int", "bool", "null", "merge"):
    pattern, first = RESOLVED[kind]
    resolver = (f"tag:yaml.org,2002:{kind}", re.compile(f"^(?:{pattern})$"), first)
    Loader.add_implicit_resolver(*resolver)
    Dumper.add_implicit_resolver(*resolver)
Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)


def loads(text: str) -> Any:
    """The values of a YAML text.

    Raises yaml.YAMLError, and ValueError or RecursionError for a value that cannot be read.
    """
    if re.search(r"^%YAML", text, re.MULTILINE):
        raise ValueError("a line %YAML, which no version but 1.2 can follow; delete it")
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}) > MOST_VALUES:
            raise ValueError(f"with its aliases it has more than {MOST_VALUES:,} values")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _values(node: yaml.Node, counted: dict[yaml.Node, int]) -> int:
    """How many values a node stands for, each alias counted again; it must not hold itself."""
    if isinstance(node, yaml.ScalarNode):
        node.value.encode()  # raises ValueError for half a character, a lone surrogate
        return 1
    if node not in counted:
        counted[node] = MOST_VALUES + 1  # until it is known: what holds itself has no end
        mapping = isinstance(node, yaml.MappingNode)
        inner = chain.from_iterable(node.value) if mapping else node.value
        counted[node] = 1 + sum(_values(child, counted) for child in inner)
    return counted[node]


def dumps(values: Any) -> str:
    """YAML that PyYAML and DVC read alike: innermost lists and mappings on one line."""
    return yaml.dump(
        values, Dumper=Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None,
        width=72,
    )  # fmt: skip
