"""The schema of params.yaml."""

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
)

TRAIN_IMAGES = 60_000  # in each of the data sets
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
Hidden = Annotated[list[Count], Field(min_length=1, max_length=50)]
Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "linear"]
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
    activation: Activation


class Training(Section):
    epochs: Count
    batch_size: Images
    optimizer: Optimizer
    lr: LearningRate
    momentum: Momentum = 0.0


class NetworkOverride(Section):
    hidden: Hidden | None = None
    activation: Activation | None = None


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

    def label_of(self, variant: str) -> str:
        """How reports call a variant, on one line: by its name if it has no label."""
        return _one_line(self.display.get(variant, Display()).label) or variant

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
