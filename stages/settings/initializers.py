"""The initializers that params.yaml can name: their arguments and their files."""

from pathlib import Path

from stages.settings import files
from stages.settings.fields import Section
from stages.settings.mistakes import ParamsError, did_you_mean, mistake
from stages.training import initialization
from stages.training.plan import DEFAULT, Fill

FOLDER = Path("stages/initializers")
CONSTANTS = {"zeros": 0.0, "ones": 1.0}


def custom_names() -> list[str]:
    """The initializers in stages/initializers."""
    return [name for name in files.names(FOLDER) if name != DEFAULT.initializer]


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
        rule = f"{FOLDER / name}.py has no function fill(tensor, …): {files.first_line(error)}"
        raise ParamsError(mistake(key, name, rule)) from None
    given = files.given(section, fill.arguments, f"{key}.{name}.")
    return Fill("constant", {"val": CONSTANTS[name]}) if name in CONSTANTS else Fill(name, given)


def arguments(name: str) -> type[Section]:
    """A section with the arguments of an initializer.

    Raises any error of its file, and others if that has no function `fill(tensor, …)`.
    """
    return files.arguments(initialization.function(name), 1, initialization.GIVEN)


def files_of(name: str) -> set[Path]:
    """An initializer's file, and all files of the folder that it imports, directly or not."""
    return files.imported(FOLDER, name) if name in custom_names() else set()
