"""Which initializers there are, what they take, and which files they come from."""

import ast
import inspect
from pathlib import Path
from typing import Any

from stages.settings.params import Initializer
from stages.settings.reading import did_you_mean
from stages.training import initialization
from stages.training.plan import Fill

FOLDER = Path("stages/initializers")
CONSTANTS = {"zeros": 0.0, "ones": 1.0}


class InitializerError(ValueError):
    """No such initializer, or not with these arguments; the text tells what is allowed."""


def custom_names() -> list[str]:
    """The initializers in stages/initializers."""
    # `default` is what a plan calls PyTorch's own.
    return sorted({path.stem for path in FOLDER.glob("*.py")} - {"__init__", "default"})


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """What an initializer can be told in params.yaml, by name; raises InitializerError."""
    allowed = [*initialization.FUNCTIONS, *custom_names()]
    if name not in allowed:
        hint = did_you_mean(name, allowed)
        raise InitializerError(f"no such initializer; {hint}Allowed: {', '.join(allowed)}")
    try:
        _tensor, *others = inspect.signature(initialization.function(name)).parameters.values()
    except Exception as error:  # whatever a user's file raises while it is loaded
        gives = f"{FOLDER / name}.py gives no function fill(tensor, …)"
        raise InitializerError(f"{gives}: {initialization.first_line(error)}") from None
    return {p.name: p for p in others if p.name not in initialization.GIVEN}


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
    values = {name: p.default for name, p in known.items()} | initializer.kwargs
    for name, value in values.items():
        if value is inspect.Parameter.empty:
            raise InitializerError(f"argument {name!r} is missing; {takes(initializer.name)}")
    if initializer.name in CONSTANTS:
        return Fill("constant", {"val": CONSTANTS[initializer.name]})
    return Fill(
        initializer.name, {name: _typed(value, known[name]) for name, value in values.items()}
    )


def _typed(value: Any, parameter: inspect.Parameter) -> Any:
    if parameter.name == "mode" and isinstance(value, str):
        return value.lower()  # torch takes it in any case
    declared = parameter.annotation in (float, "float")
    return float(value) if declared and type(value) is int else value


def files(names: set[str]) -> list[Path]:
    """The files that these initializers run: their own, and what those import from there."""
    found: set[Path] = set()
    waiting = [FOLDER / f"{name}.py" for name in names & set(custom_names())]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _siblings(path)
    return sorted(found)


def _siblings(path: Path) -> set[Path]:
    """The files of the same folder that a file imports."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = initialization.CUSTOM if node.level else ""
            module = ".".join(filter(None, [package, node.module]))
            # What is imported may be a file, or a name in one.
            modules |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    inside = {
        m.removeprefix(initialization.CUSTOM).strip(".")
        for m in modules
        if m == initialization.CUSTOM or m.startswith(f"{initialization.CUSTOM}.")
    }
    candidates = {FOLDER / f"{name.partition('.')[0] or '__init__'}.py" for name in inside}
    return {candidate for candidate in candidates if candidate.is_file()}
