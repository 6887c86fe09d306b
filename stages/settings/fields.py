"""The types of the values in params.yaml."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from stages.training.activations import ACTIVATIONS
from stages.training.plan import MOST_LAYERS, Fill

MOST = 1_000_000  # seeds, epochs, and units of a layer: memory.py limits them together
DEEPEST = MOST_LAYERS - 1  # hidden layers

# Letters that cannot be seen break SVG, reverse the text after them, or make two labels look alike.
INVISIBLE = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
)
# A variant's name becomes a folder and a word in a shell command.
NAME = r"^[a-z][a-z0-9_]{0,39}$"
LABEL = rf"^[^{INVISIBLE}]{{0,200}}$"
COLOR = r"^#[0-9a-fA-F]{6}$"
RULES = {
    NAME: "a name is lower-case letters, digits and _, starting with a letter, at most 40 long",
    LABEL: "must be text of at most 200 visible characters",
    COLOR: "must be a color like '#0072b2'",
}


def _widths(value: object) -> object:
    """`{width: 64, depth: 3}` as `[64, 64, 64]`; raises ValueError for other mappings."""
    if not isinstance(value, dict):
        return value
    depth = value.get("depth")
    if value.keys() == {"width", "depth"} and type(depth) is int and 0 < depth <= DEEPEST:
        return [value["width"]] * depth
    raise ValueError(f"must be a list of widths, or have a width and a depth from 1 to {DEEPEST}")


def _fill(value: object) -> object:
    """`zeros` or `{normal: {std: 0.1}}` as a Fill; raises ValueError for any other value."""
    match value:
        case Fill():
            return value
        case str():
            return Fill(value, {})
        case {**entries} if len(entries) == 1:
            [(name, arguments)] = entries.items()
            if isinstance(name, str) and isinstance(arguments, (dict, type(None))):
                return Fill(name, arguments or {})
    raise ValueError(
        "must be an initializer, or one initializer with its arguments, "
        "like zeros or {normal: {std: 0.1}}"
    )


def as_written(fill: Fill) -> str | dict[str, Any]:
    """A fill as it stands in params.yaml."""
    return {fill.initializer: fill.arguments} if fill.arguments else fill.initializer


Name = Annotated[str, StringConstraints(pattern=NAME)]
Label = Annotated[str, StringConstraints(pattern=LABEL)]
Color = Annotated[str, StringConstraints(pattern=COLOR)]
Count = Annotated[int, Field(gt=0, le=MOST)]
Hidden = Annotated[list[Count], Field(min_length=1, max_length=DEEPEST), BeforeValidator(_widths)]
Activation: TypeAlias = Literal[tuple(ACTIVATIONS)]  # type: ignore[valid-type]
Optimizer = Literal["adam", "adamw", "sgd"]
LearningRate = Annotated[float, Field(gt=0)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Initializer = Annotated[Fill, BeforeValidator(_fill), PlainSerializer(as_written)]


class Section(BaseModel):
    """A mapping in params.yaml with these keys and no others, each with a value of its type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
