"""The initializers that params.yaml can name: their arguments and their files."""

import ast
import inspect
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, PydanticUserError, TypeAdapter, create_model

from stages.settings.fields import Section
from stages.settings.mistakes import ParamsError, did_you_mean, mistake
from stages.settings.reading import validated
from stages.training import initialization
from stages.training.initialization import first_line
from stages.training.plan import DEFAULT, Fill

FOLDER = Path("stages/initializers")
JSON = (bool, int, float, str, list, dict, type(None))
CONSTANTS = {"zeros": 0.0, "ones": 1.0}


def custom_names() -> list[str]:
    """The initializers in stages/initializers."""
    names = {path.stem for path in FOLDER.glob("*.py") if path.is_file()}
    return sorted(n for n in names - {"__init__", DEFAULT.initializer} if n.isidentifier())


def resolve(fill: Fill, key: str) -> Fill:
    """The fill at a key of params.yaml with all arguments, each in its declared type.

    Equal fills become equal plans: 1 is 1.0 if the function declares a float, arguments have the
    function's order, and zeros and ones are constants. Raises ParamsError.
    """
    name = fill.initializer
    allowed = [*initialization.FUNCTIONS, *custom_names()]
    if name not in allowed:
        rule = (
            f"no such initializer; {did_you_mean(name, allowed)}Allowed: {', '.join(allowed)}. "
            f"Experiments leave out files that git does not track: commit your own in {FOLDER}"
        )
        raise ParamsError(mistake(key, name, rule))
    if allowed.count(name) > 1:
        rule = f"is in torch.nn.init, too; rename {FOLDER / name}.py"
        raise ParamsError(mistake(key, name, rule))
    try:
        section = arguments(name)
    except (Exception, SystemExit) as error:  # any error that a user's file raises when it loads
        rule = f"{FOLDER / name}.py has no function fill(tensor, …): {first_line(error)}"
        raise ParamsError(mistake(key, name, rule)) from None
    given = validated(section, fill.arguments, f"{key}.{name}.")
    if name in CONSTANTS:
        return Fill("constant", {"val": CONSTANTS[name]})
    values = {f.alias or "": getattr(given, field) for field, f in section.model_fields.items()}
    # A default that JSON cannot hold stays with the function.
    return Fill(name, {n: value for n, value in values.items() if type(value) in JSON})


def arguments(name: str) -> type[Section]:
    """A section with the arguments of an initializer.

    Raises any error of its file, and others if that has no function `fill(tensor, …)`.
    """
    function = initialization.function(name)
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that names no type: they all stay text
        signature = inspect.signature(function)
    _tensor, *others = signature.parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    fields: dict[str, Any] = {}  # under names that no attribute of a section has
    for p in others:
        if p.kind in named and p.name not in initialization.GIVEN:
            default = ... if p.default is p.empty else p.default
            convert = type(default) is int  # the default 0 of a float
            field = Field(default, alias=p.name, validate_default=convert)
            fields[f"argument_{p.name}"] = (_type(p.annotation), field)
    return create_model(name, __base__=Section, **fields)


def _type(annotation: Any) -> Any:
    """An annotation; any value of JSON if it is no type."""
    try:
        TypeAdapter(annotation)
    except PydanticUserError:
        return JsonValue
    unknown = annotation is inspect.Parameter.empty or isinstance(annotation, str)
    return JsonValue if unknown else annotation


def files(name: str) -> set[Path]:
    """An initializer's file, and all files of the folder that it imports, directly or not."""
    found: set[Path] = set()
    waiting = {FOLDER / f"{name}.py"} if name in custom_names() else set()
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= _imported(path) - found
    return found


def _imported(path: Path) -> set[Path]:
    """The files and packages of the folder whose names are in a file's import statements.

    Raises ParamsError if it is not Python.
    """
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError) as error:
        raise ParamsError(f"{path}: is not Python: {first_line(error)}") from None
    words: set[str] = set()
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            words.update(word for name in names for word in name.split("."))
    found = words & {entry.stem for entry in FOLDER.iterdir()}
    return {p for w in found for p in (*FOLDER.glob(f"{w}.py"), *(FOLDER / w).rglob("*.py"))}
