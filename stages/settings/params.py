"""The schema of params.yaml."""

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from stages.training.activations import ACTIVATIONS
from stages.training.data import TRAIN_IMAGES

MOST = 1_000_000  # seeds, epochs, and units of a layer: cost.py tells what is too much together

# A variant's name becomes a folder and a word in a shell command.
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
# What tables, YAML or scripts would take for something else than a name.
RESERVED = ("constructor", "false", "inf", "infinity", "nan", "null", "true")
NAME_RULE = (
    "a name is lower-case letters, digits and _, starting with a letter, at most 40 long, "
    f"and none of {', '.join(RESERVED)}"
)


def _is_free(name: str) -> str:
    if name in RESERVED:
        raise ValueError(NAME_RULE)
    return name


Name = Annotated[
    str, StringConstraints(pattern=NAME_PATTERN, max_length=40), AfterValidator(_is_free)
]
Count = Annotated[int, Field(gt=0, le=MOST)]
Images = Annotated[int, Field(gt=0, le=TRAIN_IMAGES)]
DEEPEST = 200  # hidden layers
LONGEST = 50  # values of a sweep's axis


def _widths(value: object) -> object:
    """`{width: 64, depth: 3}` is `[64, 64, 64]`; raises ValueError for other keys or depths."""
    if not isinstance(value, dict):
        return value
    match value:
        case {"width": width, "depth": depth} if len(value) == 2:
            if type(depth) is int and 0 < depth <= DEEPEST:
                return [width] * depth
            raise ValueError(f"its depth must be a whole number from 1 to {DEEPEST}")
    raise ValueError("must be a list of widths, or have a width and a depth")


Hidden = Annotated[list[Count], Field(min_length=1, max_length=DEEPEST), BeforeValidator(_widths)]
Activation = Literal[tuple(ACTIVATIONS)]  # type: ignore[valid-type]
Optimizer = Literal["adam", "sgd"]
LearningRate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
# What is not seen has no place in a label: it breaks SVG, turns the direction of what follows, or
# makes two labels look like one.
UNSEEN = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
)
Words = Annotated[str, StringConstraints(pattern=f"^[^{UNSEEN}]*$", max_length=200)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True)
class Initializer:
    """How one tensor is filled: a function's name and its keyword arguments."""

    name: str
    kwargs: dict[str, Any]

    def as_written(self) -> str | dict[str, dict[str, Any]]:
        """What stands in params.yaml."""
        return {self.name: self.kwargs} if self.kwargs else self.name


def parse_initializer(value: object) -> Initializer:
    """Read `zeros` or `{normal: {std: 0.1}}`; raises ValueError for any other shape."""
    match value:
        case str():
            return Initializer(value, {})
        case {**entries} if len(entries) == 1:
            name, kwargs = next(iter(entries.items()))
            if isinstance(name, str) and kwargs is None:
                return Initializer(name, {})
            if isinstance(name, str) and isinstance(kwargs, dict):
                return Initializer(name, kwargs)
    raise ValueError(
        "must be an initializer's name, or one name with its arguments, "
        "like zeros or {normal: {std: 0.1}}"
    )


InitializerField = Annotated[
    Initializer, BeforeValidator(parse_initializer), PlainSerializer(Initializer.as_written)
]


class LayerInit(Section):
    weight: InitializerField | None = None
    bias: InitializerField | None = None


class Data(Section):
    name: Literal["mnist", "fashion_mnist", "kmnist"]
    limit: Images | None = None


class Network(Section):
    hidden: Hidden
    activation: Activation  # type: ignore[valid-type]


class Training(Section):
    epochs: Count
    batch_size: Images
    optimizer: Optimizer
    lr: LearningRate
    momentum: Momentum = 0.0


class NetworkOverride(Section):
    hidden: Hidden | None = None
    activation: Activation | None = None  # type: ignore[valid-type]


class TrainingOverride(Section):
    epochs: Count | None = None
    batch_size: Images | None = None
    optimizer: Optimizer | None = None
    lr: LearningRate | None = None
    momentum: Momentum | None = None


class Variant(Section):
    """One way to start: every other key is a layer's name (`fc1` … `fcN`, `out`)."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, LayerInit]

    network: NetworkOverride = NetworkOverride()
    training: TrainingOverride = TrainingOverride()
    all: LayerInit = LayerInit()

    @property
    def layers(self) -> dict[str, LayerInit]:
        return self.__pydantic_extra__


Finite = Annotated[float, Field(allow_inf_nan=False)]
VARIANT = "variant"  # the key of an axis whose values are names of variants
KEY = r"(network|training|all|out|fc[1-9][0-9]*)\.[^.]+(\.[^.]+)*"


def _is_key(key: str) -> str:
    if key != VARIANT and not re.fullmatch(KEY, key):
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
    """A number; what is whole as a whole number, which a count has to be."""
    return int(value) if float(value).is_integer() and abs(value) <= MOST else value


class Axis(Section):
    """A setting by its dotted key, and the values that it takes: listed, or a range.

    `labels` are how maps call them, one a value.
    """

    key: Annotated[str, AfterValidator(_is_key)]
    values: (
        Annotated[
            list[Annotated[Any, BeforeValidator(_is_value)]],
            Field(min_length=1, max_length=LONGEST),
        ]
        | None
    ) = None
    start: Finite | None = Field(default=None, alias="from")
    to: Finite | None = None
    count: Annotated[int, Field(gt=1, le=LONGEST)] | None = None
    scale: Literal["linear", "log"] = "linear"
    labels: list[Words] | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> "Axis":
        ends = [self.start, self.to, self.count]
        if self.values and (any(end is not None for end in ends) or self.scale == "log"):
            raise ValueError("takes either values, or from, to, count and scale")
        if not self.values and any(end is None for end in ends):
            raise ValueError("needs values, or from, to and count")
        if self.scale == "log" and not all(end and end > 0 for end in ends):
            raise ValueError("needs from and to above 0, since its scale is logarithmic")
        if self.labels is not None and len(self.labels) != len(self.points()):
            raise ValueError(
                f"needs as many labels as values: {len(self.points())}, and not {len(self.labels)}"
            )
        for what, given in (("value", self.points()), ("label", self.labels or [])):
            for one in given:
                if given.count(one) > 1:
                    raise ValueError(f"has the {what} {one!r} twice")
        return self

    def points(self) -> list[Any]:
        """All values; those of a range in six digits."""
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


class Sweep(Section):
    """A grid of starts: what they share, what differs along both axes, and how long they train.

    Either `steps` or `epochs`; 0 steps: nothing is trained, and the networks are only looked at.
    `shows` is the quantity that maps of it show.
    """

    label: Words | None = None
    base: dict[str, Any] = {}  # checked with every cell, which has more
    axes: Axes
    seeds: Count
    steps: Annotated[int, Field(ge=0, le=MOST)] | None = None
    epochs: Count | None = None
    shows: Literal["train_acc", "test_acc", "largest_guess", "constant"]

    @model_validator(mode="after")
    def _is_trained_so_long(self) -> "Sweep":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("needs steps or epochs, and not both")
        if (self.steps == 0) != (self.shows in ("largest_guess", "constant")):
            raise ValueError(
                f"cannot show {self.shows}: largest_guess and constant are of networks before "
                "training, with steps: 0, and train_acc and test_acc of those after it"
            )
        if self.axes.x.key == self.axes.y.key:
            raise ValueError("needs axes with keys that differ")
        return self


class Display(Section):
    label: Words | None = None
    color: Color | None = None
    group: Words | None = None


def _one_line(words: str | None) -> str:
    """Words as they look: letters and accents put together, white space a blank."""
    return unicodedata.normalize("NFC", " ".join((words or "").split()))


class Params(Section):
    data: Data
    seeds: Count
    network: Network
    training: Training
    variants: Annotated[dict[Name, Variant], Field(min_length=1)]
    display: dict[str, Display] = {}
    sweeps: dict[Name, Sweep] = {}

    def label_of(self, variant: str) -> str:
        """How reports call a variant, on one line: by its name if it has no label."""
        return _one_line(self.display.get(variant, Display()).label) or variant

    def label_of_sweep(self, name: str) -> str:
        """How reports call a sweep, on one line."""
        return _one_line(self.sweeps[name].label) or name

    def labels_of(self, axis: Axis) -> list[str] | None:
        """How maps call an axis's values, each on one line; None: as they are."""
        if axis.labels:
            return [_one_line(label) for label in axis.labels]
        named = axis.key == VARIANT
        return [self.label_of(str(value)) for value in axis.points()] if named else None

    def group_of(self, variant: str) -> str:
        """The group that a variant is shown in, on one line."""
        return _one_line(self.display.get(variant, Display()).group) or "other"

    def network_of(self, variant: str) -> Network:
        """The network that a variant trains: the shared one with the variant's own settings."""
        own = self.variants[variant].network.model_dump(exclude_none=True)
        return self.network.model_copy(update=own)

    def training_of(self, variant: str) -> Training:
        """How a variant is trained: the shared settings with the variant's own."""
        own = self.variants[variant].training.model_dump(exclude_none=True)
        return self.training.model_copy(update=own)
