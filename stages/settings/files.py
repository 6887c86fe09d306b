"""The user's files: which there are, what they take as arguments, and what they import."""

import ast
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, PydanticUserError, TypeAdapter, create_model

from stages.settings.fields import Section
from stages.settings.mistakes import ParamsError
from stages.settings.reading import validated
from stages.training.initialization import first_line

JSON = (bool, int, float, str, list, dict, type(None))


def names(folder: Path) -> list[str]:
    """The names of the files in a folder, without .py."""
    found = {path.stem for path in folder.glob("*.py") if path.is_file()}
    return sorted(name for name in found - {"__init__"} if name.isidentifier())


def given(section: type[Section], written: Mapping[str, Any], place: str) -> dict[str, Any]:
    """All arguments, each in its declared type; raises ParamsError.

    A default that JSON cannot hold stays with the function.
    """
    found = validated(section, written, place)
    values = {f.alias or "": getattr(found, field) for field, f in section.model_fields.items()}
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
    return {name: value for name, value in values.items() if type(value) in JSON}


@cache
def arguments(
    function: Callable[..., Any], first: int, others: tuple[str, ...] = ()
) -> type[Section]:
    """A section with the arguments of a function, without its `first` ones and certain others.

    Raises ValueError if it has fewer.
    """
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that names no type: they all stay text
        signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if len(parameters) < first:
        raise ValueError(f"it takes {', '.join(signature.parameters) or 'no arguments'}")
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    fields: dict[str, Any] = {}  # under names that no attribute of a section has
    for p in parameters[first:]:
        if p.kind in named and p.name not in others:
            default = ... if p.default is p.empty else p.default
            convert = type(default) is int  # the default 0 of a float
            field = Field(default, alias=p.name, validate_default=convert)
            fields[f"argument_{p.name}"] = (_type(p.annotation), field)
    return create_model(function.__name__, __base__=Section, **fields)


def _type(annotation: Any) -> Any:
    """An annotation; any value of JSON if it is no type."""
    try:
        TypeAdapter(annotation)
    except PydanticUserError:
        return JsonValue
    unknown = annotation is inspect.Parameter.empty or isinstance(annotation, str)
    return JsonValue if unknown else annotation


def imported(folder: Path, name: str) -> set[Path]:
    """A file, and all files of its folder that it imports, directly or not; raises ParamsError."""
    found: set[Path] = set()
    waiting = {folder / f"{name}.py"}
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= _imports(folder, path) - found
    return found


def _imports(folder: Path, path: Path) -> set[Path]:
    """The files and packages of the folder whose names are in a file's import statements.

    Raises ParamsError if it is not Python.
    """
    try:
        words = _imported_words(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise ParamsError(f"{path}: is not Python: {first_line(error)}") from None
    found = words & {entry.stem for entry in folder.iterdir()}
    return {p for w in found for p in (*folder.glob(f"{w}.py"), *(folder / w).rglob("*.py"))}


@cache  # hundreds of cells have the same network
def _imported_words(code: bytes) -> set[str]:
    """All words of the names in import statements; raises SyntaxError and ValueError."""
    words: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            words.update(word for module in modules for word in module.split("."))
    return words
