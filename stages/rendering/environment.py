"""The Jinja environment that page, note and claims share."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.rendering import style

TEMPLATES = Path(__file__).parent / "templates"

FORMATS = (
    style.minus, style.percent, style.interval, style.accuracy, style.points, style.counted,
    style.listed, style.power, style.rounded, style.outcome, style.together, style.setting,
    style.sentence,
)  # fmt: skip

# What Markdown or Obsidian would read as markup: `&`, `_`, `%`, `=` and `:` only where they can be.
MARKUP = re.compile(
    r"[\\`*\[\]<>|$#~]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])|%(?=%)|=(?==)|:(?=[\w+-]+:)"
)


def environment(autoescape: bool) -> Environment:
    """Jinja over the folder of templates, with the formats of style.py as filters.

    `autoescape` for HTML. A name that a template does not get is an error.
    """
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,  # noqa: S701  Markdown is escaped by `plain`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.globals |= {"estimate": style.of_row, "known": style.known, "signs": style.SIGNS}
    found.filters |= {function.__name__: function for function in (*FORMATS, plain)}
    found.filters["quoted"] = lambda words: f"“{words if autoescape else plain(words)}”"
    return found


def plain(words: str) -> str:
    """Text on one line of Markdown that shows as it is, whatever markup it resembles."""
    one_line = " ".join(words.split())
    # Unlike a backslash, a character reference is safe in a table's cell, too.
    return MARKUP.sub(lambda match: f"&#{ord(match[0])};", one_line)
