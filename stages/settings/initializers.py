"""Which initializers there are, what they take, and which files they come from."""

import ast
import inspect
import math
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from stages.settings.params import Initializer
from stages.settings.reading import did_you_mean, in_our_words
from stages.training import initialization
from stages.training.initialization import first_line
from stages.training.plan import Fill

FOLDER = Path("stages/initializers")
CONSTANTS = {"zeros": 0.0, "ones": 1.0}


class InitializerError(ValueError):
    """No such initializer, or not with these arguments; the text tells what is allowed."""


def custom_names() -> list[str]:
    """The initializers in stages/initializers."""
    names = {path.stem for path in FOLDER.glob("*.py") if path.is_file()}
    # `default` is what a plan calls PyTorch's own. Other letters are not the same on every system.
    return sorted(n for n in names - {"__init__", "default"} if n.isidentifier() and n.isascii())


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """What an initializer can be told in params.yaml, by name; raises InitializerError."""
    allowed = [*initialization.FUNCTIONS, *custom_names()]
    file = FOLDER / f"{name}.py"
    if name in initialization.FUNCTIONS and name in custom_names():
        raise InitializerError(f"torch.nn.init has it, and {file} too; give the file another name")
    if name not in allowed and f"{name}.py" in {path.name for path in FOLDER.glob("*.py")}:
        raise InitializerError(f"{file} cannot be one; it takes a file with another name")
    twins = [other for other in allowed if other.lower() == name.lower()]
    if name in allowed and len(twins) > 1:
        raise InitializerError(f"{' and '.join(twins)} are one file on some systems; rename one")
    if name not in allowed:
        hint = did_you_mean(name, allowed)
        raise InitializerError(f"no such initializer; {hint}Allowed: {', '.join(allowed)}")
    try:
        _tensor, *others = _parameters(initialization.function(name))
    except (Exception, SystemExit) as error:  # whatever a user's file raises while it is loaded
        raise InitializerError(
            f"{file} gives no function fill(tensor, …): {first_line(error)}"
        ) from None
    if torch.get_default_device().type != "cpu" or torch.get_default_dtype() != torch.float32:
        raise InitializerError(f"{file} changes torch's default device or type, for all variants")
    nameless = [str(p) for p in others if p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if nameless:
        raise InitializerError(f"{file}: every argument of fill needs a name, unlike {nameless[0]}")
    return {p.name: p for p in others if p.name not in initialization.GIVEN}


def _parameters(fills: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(fills, eval_str=True).parameters.values())
    except NameError:  # a type that is named and not there is not checked
        return list(inspect.signature(fills).parameters.values())


def takes(name: str) -> str:
    """The names of an initializer's arguments, for a complaint."""
    return f"{name} takes {', '.join(parameters(name)) or 'no arguments'}"


def resolve(initializer: Initializer) -> Fill:
    """The fill that an entry of params.yaml stands for; raises InitializerError.

    With all arguments, so that what is the same is written the same: 1 is 1.0 where a float is
    declared, and zeros and ones are constants.
    """
    known = parameters(initializer.name)
    for argument in initializer.kwargs:
        if argument not in known:
            raise InitializerError(f"unknown argument {argument!r}; {takes(initializer.name)}")
    for name, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and name not in initializer.kwargs:
            raise InitializerError(f"argument {name!r} is missing; {takes(initializer.name)}")
    if initializer.name in CONSTANTS:
        return Fill("constant", {"val": CONSTANTS[initializer.name]})
    # A default that JSON cannot tell is the function's own affair.
    values = {name: p.default for name, p in known.items() if _is_plain(p.default)}
    values |= initializer.kwargs
    if initializer.name in initialization.FUNCTIONS and isinstance(values.get("mode"), str):
        values["mode"] = values["mode"].lower()  # torch takes it in any case
    # In the function's order, whatever the order in params.yaml.
    typed = {name: _typed(values[name], p) for name, p in known.items() if name in values}
    return Fill(initializer.name, typed)


def _typed(value: Any, parameter: inspect.Parameter) -> Any:
    """An argument as the function declares it, and as JSON can tell it; raises InitializerError."""
    try:
        if parameter.annotation is not inspect.Parameter.empty and value is not parameter.default:
            value = _checked(value, parameter.annotation)
        elif parameter.annotation is float and type(value) is int:
            value = float(value)
    except ValidationError as error:
        rule = in_our_words(error.errors()[0]["msg"])
        raise InitializerError(f"argument {parameter.name!r} {rule}") from None
    if not _is_plain(value):
        rule = "must be finite numbers, text, true, false or null, alone, in lists, or by text"
        raise InitializerError(f"argument {parameter.name!r} {rule}")
    return value


def _is_plain(value: Any) -> bool:
    """Whether JSON can tell a value and gives the same back."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(type(key) is str for key in value) and all(map(_is_plain, value.values()))
    return (
        value is None
        or type(value) in (bool, int, str)
        or (type(value) is float and math.isfinite(value))
    )


def _checked(value: Any, annotation: Any) -> Any:
    try:
        return TypeAdapter(annotation, config=ConfigDict(strict=True)).validate_python(value)
    except (PydanticUserError, NameError):  # nothing that values can be checked against
        return value


def files(name: str) -> set[Path]:
    """The files that an initializer runs: its own, and what that imports from there.

    Raises InitializerError for one that is no Python.
    """
    found: set[Path] = set()
    waiting = {FOLDER / f"{name}.py"} if name in custom_names() else set()
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= _siblings(path) - found
    return found


def _siblings(path: Path) -> set[Path]:
    """The files of the same folder that a file imports; of a package there, all."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError) as error:
        raise InitializerError(f"{path} cannot be read: {first_line(error)}") from None
    modules = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = initialization.CUSTOM.split(".")[: 3 - node.level]  # one dot: the folder itself
            package = ".".join(above) if node.level else ""
            module = ".".join(filter(None, [package, node.module]))
            # What is imported may be a file, or a name in one.
            modules |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    inside = {
        m.removeprefix(initialization.CUSTOM).strip(".")
        for m in modules
        if m == initialization.CUSTOM or m.startswith(f"{initialization.CUSTOM}.")
    }
    found: set[Path] = set()
    for name in {module.partition(".")[0] or "__init__" for module in inside}:
        found |= {FOLDER / f"{name}.py"} | set((FOLDER / name).rglob("*.py"))
    return {file for file in found if file.is_file()}
