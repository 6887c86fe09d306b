"""The schema of params.yaml, and the one place that reads it."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import ruamel.yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    ValidationError,
)

from stages import ROOT

FILE = "params.yaml"

# A variant's name becomes a folder and a word in a shell command.
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
NAME_RULE = "a name is lower-case letters, digits and _, starting with a letter, at most 40 long"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=40)]
Hidden = Annotated[list[PositiveInt], Field(min_length=1, max_length=50)]
Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "gelu"]
Optimizer = Literal["adam", "sgd"]
LearningRate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class ParamsError(ValueError):
    """params.yaml cannot be used; each of `lines` tells one mistake."""

    def __init__(self, lines: list[str]):
        super().__init__("\n".join(lines))
        self.lines = lines


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


InitializerField = Annotated[Initializer, BeforeValidator(parse_initializer)]


class LayerInit(Section):
    weight: InitializerField | None = None
    bias: InitializerField | None = None


class Data(Section):
    name: Literal["mnist", "fashion_mnist", "kmnist"]
    limit: PositiveInt | None = None


class Network(Section):
    hidden: Hidden
    activation: Activation


class Training(Section):
    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Optimizer
    lr: LearningRate
    momentum: Momentum = 0.0


class NetworkOverride(Section):
    hidden: Hidden | None = None
    activation: Activation | None = None


class TrainingOverride(Section):
    epochs: PositiveInt | None = None
    batch_size: PositiveInt | None = None
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
    label: str | None = None
    color: Color | None = None
    group: str | None = None


class Params(Section):
    data: Data
    seeds: PositiveInt
    network: Network
    training: Training
    variants: Annotated[dict[Name, Variant], Field(min_length=1)]
    display: dict[str, Display] = {}

    def network_of(self, variant: str) -> Network:
        """The network that a variant trains: the shared one with the variant's own settings."""
        return _overridden(self.network, self.variants[variant].network)

    def training_of(self, variant: str) -> Training:
        """How a variant is trained: the shared settings with the variant's own."""
        return _overridden(self.training, self.variants[variant].training)

    def label_of(self, variant: str) -> str:
        """What a reader sees instead of a variant's name."""
        display = self.display.get(variant)
        return display.label if display and display.label else variant

    def group_of(self, variant: str) -> str:
        """The group that a variant is shown in."""
        display = self.display.get(variant)
        return display.group if display and display.group else "other"


def layer_names(hidden: list[int]) -> list[str]:
    """`fc1` … `fcN` for the hidden layers, then `out`."""
    return [f"fc{i}" for i in range(1, len(hidden) + 1)] + ["out"]


def load(path: Path = ROOT / FILE) -> Params:
    """Read and check a params.yaml; raises ParamsError with a line for every mistake."""
    try:
        # The parser that DVC itself reads params.yaml with: both must see the same values.
        values = ruamel.yaml.YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError([f"{FILE}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ParamsError([f"{FILE}: is not UTF-8 text"]) from None
    except ruamel.yaml.error.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        problem = (error.problem or "cannot be parsed").splitlines()[0]
        raise ParamsError([f"{FILE}{where}: not valid YAML: {problem}"]) from None
    if not isinstance(values, dict):
        raise ParamsError(
            [f"{FILE}: must be a mapping with the keys {', '.join(Params.model_fields)}"]
        )
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        raise ParamsError([_explain(e) for e in error.errors()]) from None
    if mistakes := _contradictions(params):
        raise ParamsError(mistakes)
    return params


def load_or_exit() -> Params:
    """Read params.yaml for a stage; a mistake in it ends the stage with one line each."""
    try:
        return load()
    except ParamsError as error:
        raise SystemExit(str(error)) from None


def complaint(key: str, value: object, rule: str) -> str:
    """The line for one mistake: the file, the key, its value and what is allowed."""
    shown = repr(value)
    if len(shown) > 60:
        shown = shown[:57] + "…"
    return f"{FILE}: {key} = {shown}: {rule}"


def unknown_key(key: str, name: str, allowed: list[str]) -> str:
    """The line for a key that does not exist, with the nearest one that does."""
    nearest = get_close_matches(str(name), allowed, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{FILE}: {key}: unknown key; {hint}Allowed here: {', '.join(allowed) or 'none'}"


def _overridden(shared: Section, own: Section) -> Any:
    return shared.model_copy(update=own.model_dump(exclude_none=True))


def _contradictions(params: Params) -> list[str]:
    """What no section can see alone: names of layers and variants, and idle settings."""
    lines = _idle_momentum("", params.training, params.training)
    for name, variant in params.variants.items():
        layers = layer_names(params.network_of(name).hidden)
        allowed = [*Variant.model_fields, *layers]
        lines += [
            unknown_key(f"variants.{name}.{key}", key, allowed)
            for key in variant.layers
            if key not in layers
        ]
        lines += _idle_momentum(f"variants.{name}.", variant.training, params.training_of(name))
    lines += [
        unknown_key(f"display.{name}", name, list(params.variants))
        for name in params.display
        if name not in params.variants
    ]
    return lines


def _idle_momentum(
    prefix: str, written: Training | TrainingOverride, training: Training
) -> list[str]:
    if not written.momentum or training.optimizer == "sgd":
        return []
    rule = f"only the optimizer sgd has a momentum, and this one is {training.optimizer}"
    return [complaint(f"{prefix}training.momentum", written.momentum, rule)]


def _explain(error: dict) -> str:
    location, value, kind = error["loc"], error["input"], error["type"]
    key = ".".join(str(part) for part in location)
    if location[-1] == "[key]":
        return f"{FILE}: {key.removesuffix('.[key]')}: {NAME_RULE}"
    if kind == "extra_forbidden":
        return unknown_key(key, location[-1], list(_section_at(location[:-1]).model_fields))
    if kind == "missing":
        return f"{FILE}: {key}: is missing"
    if kind == "too_short" and location == ("variants",):
        return complaint(key, value, "needs at least one variant, for example baseline: {}")
    if kind in ("too_short", "too_long") and location[-1] == "hidden":
        return complaint(key, value, "must list 1 to 50 widths, one a hidden layer")
    if kind == "dict_type":
        return complaint(key, value, "must be a mapping with an entry a variant")
    if kind == "model_type":
        fields = ", ".join(_section_at(location).model_fields)
        return complaint(key, value, f"must be a mapping with any of {fields}")
    rule = error["msg"].removeprefix("Value error, ").replace("Input should", "must")
    rule = rule.replace("a valid integer", "a whole number").replace("a valid ", "a ")
    if location[-1] == "color":
        rule = "must be a colour like '#0072b2'"
    return complaint(key, value, rule)


def _section_at(location: tuple) -> type[Section]:
    match location:
        case ():
            return Params
        case ("data",):
            return Data
        case ("network",) | ("variants", _, "network"):
            return Network
        case ("training",) | ("variants", _, "training"):
            return Training
        case ("variants", _):
            return Variant
        case ("variants", _, _):
            return LayerInit
        case _:
            return Display
