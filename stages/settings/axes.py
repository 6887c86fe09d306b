"""The settings of a sweep: a grid of cells along two axes."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from stages.settings.fields import MOST, Count, Label, Name, Section

MOST_VALUES = 50  # values of an axis
VARIANT = "variant"  # the key of an axis whose values are names of variants
SETTINGS = "settings"  # the key of an axis whose values are names of settings, which it has
KEY = r"(network|training)(\.[^.]+)+|[\w*]+(\.[\w*]+)*\.(weight|bias)(\.[^.]+)*"


def _is_key(key: str) -> str:
    if key not in (VARIANT, SETTINGS) and not re.fullmatch(KEY, key):
        raise ValueError(
            "must be variant, or a setting that a variant can have, like training.lr, "
            "network.hidden.depth or all.weight.normal.std"
        )
    return key


def _is_value(value: object) -> object:
    if type(value) not in (int, float, str) or (isinstance(value, float) and value - value != 0):
        raise ValueError("must be a finite number, or a name")
    return value if isinstance(value, str) else _whole(value)


def _whole(value: Any) -> Any:
    """A number, as an int if it is a whole number, which counts have to be."""
    return int(value) if float(value).is_integer() and abs(value) <= MOST else value


Value = Annotated[Any, BeforeValidator(_is_value)]


class Named(Section):
    """Settings of a variant under a name on an axis; the rest is checked with each cell."""

    model_config = ConfigDict(extra="allow")

    label: Label | None = None
    seeds: Count | None = None


class Axis(Section):
    """A setting by its dotted key, and its values: a list, or a range; or settings by name.

    `labels` are the names of the values on heat maps, one for each value.
    """

    key: Annotated[str, AfterValidator(_is_key)] = SETTINGS
    settings: Annotated[dict[Name, Named], Field(min_length=1, max_length=MOST_VALUES)] | None = (
        None
    )
    values: Annotated[list[Value], Field(min_length=1, max_length=MOST_VALUES)] | None = None
    start: float | None = Field(default=None, alias="from")
    to: float | None = None
    count: Annotated[int, Field(gt=1, le=MOST_VALUES)] | None = None
    scale: Literal["linear", "log"] = "linear"
    labels: list[Label] | None = None

    @model_validator(mode="after")
    def _has_settings_or_a_key(self) -> "Axis":
        if (self.settings is None) == (self.key == SETTINGS):
            raise ValueError("needs settings by name, or else a key with values, or with a range")
        return self

    @model_validator(mode="after")
    def _has_values_or_a_range(self) -> "Axis":
        ends = [self.start, self.to, self.count]
        if self.values and (any(end is not None for end in ends) or self.scale == "log"):
            raise ValueError("takes either values, or from, to, count and scale")
        if self.settings and self.values:
            raise ValueError("takes either settings or values")
        if not self.settings and not self.values and any(end is None for end in ends):
            raise ValueError("needs values, or from, to and count")
        if self.scale == "log" and not all(end and end > 0 for end in ends):
            raise ValueError("needs from and to above 0, since its scale is logarithmic")
        if self.labels is not None and len(self.labels) != len(self.points()):
            raise ValueError(f"needs as many labels as values, which are {len(self.points())}")
        for kind, entries in (("value", self.points()), ("label", self.labels or [])):
            for entry in entries:
                if entries.count(entry) > 1:
                    raise ValueError(f"has the {kind} {entry!r} twice")
        return self

    def points(self) -> list[Any]:
        """All values; those of a range in six digits, and of settings their names."""
        if self.settings:
            return list(self.settings)
        if self.start is None or self.to is None or self.count is None:
            return self.values or []
        ends, count = (self.start, self.to), self.count
        if self.scale == "log":
            ends = math.log(self.start), math.log(self.to)
        steps = [ends[0] + (ends[1] - ends[0]) * i / (count - 1) for i in range(count)]
        points = [math.exp(step) if self.scale == "log" else step for step in steps]
        return [_whole(float(f"{point:.6g}")) for point in points]


class Axes(Section):
    x: Axis
    y: Axis


class SweepSettings(Section):
    """A grid of initializations: what its cells share, its two axes, and how long to train.

    Either `steps` or `epochs`; with 0 steps networks are measured before training, and not
    trained. `shows` is the quantity on its heat maps.
    """

    label: Label | None = None
    base: dict[str, Any] = Field(default={})  # checked with each cell, which completes it
    axes: Axes
    seeds: Count
    steps: Annotated[int, Field(ge=0, le=MOST)] | None = None
    epochs: Count | None = None
    shows: Literal["train_acc", "test_acc", "train_loss", "largest_guess", "constant"]

    @model_validator(mode="after")
    def _has_a_length_and_two_axes(self) -> "SweepSettings":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("needs steps or epochs, and not both")
        if (self.steps == 0) != (self.shows in ("largest_guess", "constant")):
            raise ValueError(
                f"cannot show {self.shows}: largest_guess and constant are measured before "
                "training, with steps: 0, and the others after training"
            )
        if self.axes.x.key == self.axes.y.key != SETTINGS:
            raise ValueError("needs axes with different keys")
        return self
