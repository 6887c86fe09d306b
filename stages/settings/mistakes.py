"""Mistakes in params.yaml and questions.yaml, one line each."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TypeVar

FILE = "params.yaml"
QUESTIONS = "questions"  # the only key of questions.yaml
LONGEST = 60  # characters of a value that are shown

T = TypeVar("T")


class ParamsError(ValueError):
    """The settings cannot be used; `lines` has one line for each mistake."""

    def __init__(self, *lines: str):
        super().__init__("\n".join(lines))
        self.lines = list(lines)


def mistake(key: str, value: object, rule: str) -> str:
    """The line for a value that is not allowed: file, key, value and rule."""
    shown = ascii(value)
    if len(shown) > LONGEST:
        shown = shown[: LONGEST - 1] + "…"
    return f"{in_file(key)} = {shown}: {rule}"


def unknown_key(place: str, key: object, allowed: Iterable[str]) -> str:
    """The line for a key that is not allowed at a place, with the keys that are."""
    allowed = list(allowed)
    hint = did_you_mean(str(key), allowed)
    return f"{in_file(f'{place}{key}')}: unknown key; {hint}Allowed here: {', '.join(allowed)}"


def in_file(key: str) -> str:
    """A key in its file, in ASCII: escapes show letters that only look alike."""
    file = f"{QUESTIONS}.yaml" if key.startswith(QUESTIONS) else FILE
    return f"{file}: {key.encode('unicode_escape').decode()}"


def did_you_mean(name: str, allowed: list[str]) -> str:
    """A hint at the nearest allowed name; empty if none is near."""
    nearest = get_close_matches(name, allowed, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]!r}? " if nearest else ""


def collect(names: Iterable[str], make: Callable[[str], T]) -> dict[str, T]:
    """`make(name)` for every name; raises ParamsError with the lines of all names that fail."""
    made, lines = {}, []
    for name in names:
        try:
            made[name] = make(name)
        except ParamsError as error:
            lines += error.lines
    if lines:
        raise ParamsError(*lines)
    return made
