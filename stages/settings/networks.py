"""The networks that params.yaml can name: the files in stages/networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.settings import files
from stages.settings.mistakes import ParamsError, did_you_mean, in_file, mistake
from stages.training import building, engines
from stages.training.initialization import first_line
from stages.training.plan import BUILT_IN, Plan
from stages.training.structure import Structure

FOLDER = Path("stages/networks")


def names() -> list[str]:
    """The networks in stages/networks."""
    return sorted({*files.names(FOLDER)} - {BUILT_IN})


def arguments(name: str, written: Mapping[str, Any], key: str) -> dict[str, Any]:
    """All arguments of a network at a key of params.yaml; raises ParamsError."""
    allowed = names()
    if name not in allowed:
        rule = (
            f"no such network; {did_you_mean(name, allowed)}Allowed: hidden with activation, or a "
            f"file in {FOLDER}: {', '.join(allowed) or 'none'}. Experiments leave out files that "
            "git does not track: commit your own"
        )
        raise ParamsError(f"{in_file(key)}: {rule}")
    try:
        section = files.arguments(building.function(name), 2)
    except (Exception, SystemExit) as error:  # any error that a user's file raises when it loads
        rule = f"has no function build(shape, classes, …): {first_line(error)}"
        raise ParamsError(f"{FOLDER / name}.py: {rule}") from None
    return files.given(section, written, f"{key}.")


def structure(plan: Plan, key: str) -> Structure:
    """The layers and tensors of a plan's network, tried with two examples; raises ParamsError."""
    try:
        return engines.of(plan).structure_of(plan)
    except (Exception, SystemExit) as error:  # any error of a user's file
        rule = f"{FOLDER / plan.network}.py: {first_line(error)}"
        raise ParamsError(mistake(key, plan.arguments, rule)) from None
