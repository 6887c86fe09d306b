"""The schema of params.yaml."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from stages.settings import fields
from stages.settings.axes import VARIANT, Axis, SweepSettings
from stages.settings.fields import Section
from stages.training.plan import DEFAULT, Fill

UNKNOWN_LAYER = "unknown_layer"


def _is_layer(name: str) -> str:
    if not re.fullmatch(r"fc[1-9][0-9]*|out", name):
        raise PydanticCustomError(UNKNOWN_LAYER, "is not a layer")
    return name


class DataSettings(Section):
    name: Literal["mnist", "fashion_mnist", "kmnist"]
    limit: fields.Images | None = None


class NetworkSettings(Section):
    hidden: fields.Hidden
    activation: fields.Activation


class TrainingSettings(Section):
    epochs: fields.Count
    batch_size: fields.Images
    optimizer: fields.Optimizer
    lr: fields.LearningRate
    momentum: fields.Momentum = 0.0


class NetworkOverrides(Section):
    hidden: fields.Hidden | None = None
    activation: fields.Activation | None = None
    crop: fields.Side | None = None


class TrainingOverrides(Section):
    epochs: fields.Count | None = None
    batch_size: fields.Images | None = None
    optimizer: fields.Optimizer | None = None
    lr: fields.LearningRate | None = None
    momentum: fields.Momentum | None = None


class LayerSettings(Section):
    weight: fields.Initializer | None = None
    bias: fields.Initializer | None = None


class VariantSettings(Section):
    """An initialization; every other key is the name of a layer (`fc1` … `fcN`, `out`)."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_is_layer)], LayerSettings]

    seeds: fields.Count | None = None
    network: NetworkOverrides = NetworkOverrides()
    training: TrainingOverrides = TrainingOverrides()
    all: LayerSettings = LayerSettings()

    @property
    def layers(self) -> dict[str, LayerSettings]:
        """The settings of single layers, which come before those of `all`."""
        return self.__pydantic_extra__

    def fill_of(self, tensor: str) -> tuple[str, Fill]:
        """The key (`all.weight`) and the value that fill a tensor; no key: PyTorch's default."""
        layer, kind = tensor.split(".")
        for name, section in ((layer, self.layers.get(layer)), ("all", self.all)):
            if section and (fill := getattr(section, kind)):
                return f"{name}.{kind}", fill
        return "", DEFAULT


class DisplaySettings(Section):
    label: fields.Label | None = None
    color: fields.Color | None = None
    group: fields.Label | None = None


def one_line(label: str | None) -> str:
    """A label in Unicode's composed form, with single blanks for white space."""
    return unicodedata.normalize("NFC", " ".join((label or "").split()))


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
        named = axis.key == VARIANT
        return [self.label_of(str(value)) for value in axis.points()] if named else None

    def network_of(self, variant: VariantSettings) -> NetworkSettings:
        """The shared network with the variant's own settings."""
        own = variant.network.model_dump(exclude_none=True, exclude={"crop"})
        return self.network.model_copy(update=own)

    def training_of(self, variant: VariantSettings) -> TrainingSettings:
        """The shared training with the variant's own settings."""
        return self.training.model_copy(update=variant.training.model_dump(exclude_none=True))
