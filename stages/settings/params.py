"""The schema of params.yaml."""

import re
import unicodedata
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from stages.settings import fields
from stages.settings.axes import VARIANT, Axis, SweepSettings
from stages.settings.fields import Section
from stages.training.plan import DEFAULT, Fill
from stages.training.structure import Parameter

UNKNOWN_LAYER = "unknown_layer"
LAYER = r"^[\w*]+(\.[\w*]+)*$"  # the name of a layer, with * for any part


def _is_layer(name: str) -> str:
    """The name of a layer; what resembles a setting is taken for one."""
    sections = VariantSettings.model_fields
    resembling = name.isidentifier() and get_close_matches(name, sections, cutoff=0.8)
    if resembling or not re.search(LAYER, name):
        raise PydanticCustomError(UNKNOWN_LAYER, "is not a layer")
    return name


def _given(arguments: object) -> object:
    """The arguments of a network; nothing means no arguments."""
    if not isinstance(arguments, (dict, type(None))):
        raise ValueError(
            "must be a mapping, the arguments of a file in stages/networks; the built-in network "
            "has hidden, activation and crop"
        )
    return arguments or {}


class DataSettings(Section):
    name: fields.Name
    limit: fields.Count | None = None


class NetworkSettings(Section):
    hidden: fields.Hidden
    activation: fields.Activation


class TrainingSettings(Section):
    epochs: fields.Count
    batch_size: fields.Count
    optimizer: fields.Optimizer
    lr: fields.LearningRate
    momentum: fields.Momentum = 0.0
    weight_decay: fields.Decay = 0.0


class NetworkOverrides(Section):
    """The built-in network's settings, or the name of a file in stages/networks with arguments."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[dict[str, Any], BeforeValidator(_given)]]

    hidden: fields.Hidden | None = None
    activation: fields.Activation | None = None
    crop: fields.Count | None = None

    @property
    def file(self) -> tuple[str, dict[str, Any]] | None:
        """The name of the file and its arguments; None for the built-in network."""
        named = self.__pydantic_extra__ or {}
        return next(iter(named.items()), None)

    @model_validator(mode="after")
    def _is_one_network(self) -> "NetworkOverrides":
        named = list(self.__pydantic_extra__ or {})
        own = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if named and len(named + own) > 1:
            raise ValueError(f"has {', '.join(own + named)}: must be one network")
        return self


class TrainingOverrides(Section):
    epochs: fields.Count | None = None
    batch_size: fields.Count | None = None
    optimizer: fields.Optimizer | None = None
    lr: fields.LearningRate | None = None
    momentum: fields.Momentum | None = None
    weight_decay: fields.Decay | None = None


class LayerSettings(Section):
    weight: fields.Initializer | None = None
    bias: fields.Initializer | None = None


class VariantSettings(Section):
    """An initialization; every other key is the name of a layer (`fc1`, `blocks.*.last`), or of one
    of its tensors (`cell.weight_hh_l0`)."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_is_layer)], LayerSettings]

    seeds: fields.Count | None = None
    network: NetworkOverrides = Field(default_factory=lambda: NetworkOverrides.model_validate({}))
    training: TrainingOverrides = TrainingOverrides()
    all: LayerSettings = LayerSettings()

    @property
    def layers(self) -> dict[str, LayerSettings]:
        """The settings of single layers, which come before those of `all`."""
        return self.__pydantic_extra__

    def fill_of(self, own: str, tensor: Parameter) -> tuple[str, Fill]:
        """The key (`all.weight`) and the value that fill a tensor; no key: PyTorch's default.

        Its `own` name comes first, then the exact name of its layer, then names with *, a later one
        before an earlier one, and `all` last, for layers that mix their inputs.
        """
        sections = [("all", self.all)] if tensor.mixes else []
        for name, section in self.layers.items():
            if fnmatchcase(tensor.layer, name) or fnmatchcase(own, name):
                sections.append((name, section))
        sections.sort(key=lambda named: (named[0] == own, named[0] == tensor.layer))
        for name, section in reversed(sections):
            if fill := getattr(section, tensor.kind):
                return f"{name}.{tensor.kind}", fill
        return "", DEFAULT


class DisplaySettings(Section):
    label: fields.Label | None = None
    color: fields.Color | None = None
    group: fields.Label | None = None


def one_line(label: str | None) -> str:
    """A label in Unicode's composed form, with single blanks for white space."""
    return unicodedata.normalize("NFC", " ".join((label or "").split()))


class QuestionSettings(Section):
    """The settings of questions.yaml: sweeps on a data set of their own."""

    data: fields.Name
    training: TrainingSettings
    sweeps: dict[fields.Name, SweepSettings]


class Asked(Section):
    """questions.yaml, whose one key keeps it apart from params.yaml: DVC reads both as one."""

    questions: QuestionSettings


class Params(Section):
    data: DataSettings
    seeds: fields.Count
    network: NetworkSettings
    training: TrainingSettings
    variants: Annotated[dict[fields.Name, VariantSettings], Field(min_length=1)]
    display: dict[str, DisplaySettings] = Field(default={})
    sweeps: dict[fields.Name, SweepSettings] = Field(default={})

    def label_of(self, variant: str) -> str:
        """A variant's label on one line; its name if it has none."""
        return one_line(self.display.get(variant, DisplaySettings()).label) or variant

    def labels_of(self, axis: Axis) -> list[str] | None:
        """The labels of an axis's values, each on one line; None: the values themselves."""
        if axis.labels:
            return [one_line(label) for label in axis.labels]
        if axis.settings:
            return [one_line(one.label) or name for name, one in axis.settings.items()]
        named = axis.key == VARIANT
        return [self.label_of(str(value)) for value in axis.points()] if named else None

    def network_of(self, variant: VariantSettings) -> NetworkSettings:
        """The shared network with the variant's own settings."""
        own = variant.network.model_dump(exclude_none=True, include={"hidden", "activation"})
        return self.network.model_copy(update=own)

    def training_of(self, variant: VariantSettings) -> TrainingSettings:
        """The shared training with the variant's own settings."""
        return self.training.model_copy(update=variant.training.model_dump(exclude_none=True))
