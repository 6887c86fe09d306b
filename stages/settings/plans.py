"""Turns params.yaml into a plan for every variant."""

from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version

from stages.settings import initializers
from stages.settings.initializers import InitializerError
from stages.settings.params import Initializer, LayerInit, Params, Variant
from stages.settings.reading import ParamsError, complaint
from stages.training.initialization import InitializationError, initial_weights
from stages.training.plan import DEFAULT, PACKAGES, Plan, tensor_names


def resolve(settings: Params) -> dict[str, Plan]:
    """Every variant's plan, tried by filling its tensors.

    Raises ParamsError with a line for every variant that cannot be initialized.
    """
    plans, lines = {}, []
    for name in settings.variants:
        try:
            plans[name] = _plan(settings, name)
        except ParamsError as error:
            lines += error.lines
    if lines:
        raise ParamsError(lines)
    return plans


def _plan(settings: Params, name: str) -> Plan:
    network, training = settings.network_of(name), settings.training_of(name)
    tensors = dict.fromkeys(tensor_names(network.hidden), DEFAULT)
    entries = {t: e for t in tensors if (e := _entry(name, settings.variants[name], t))}
    for tensor, entry in entries.items():
        try:
            tensors[tensor] = initializers.resolve(entry.initializer)
        except InitializerError as error:
            raise ParamsError([entry.complaint(str(error))]) from None
    files = initializers.files({fill.initializer for fill in tensors.values()})
    plan = Plan(
        data=settings.data.name,
        limit=settings.data.limit,
        seeds=settings.seeds,
        hidden=tuple(network.hidden),
        activation=network.activation,
        epochs=training.epochs,
        batch_size=training.batch_size,
        optimizer=training.optimizer,
        lr=training.lr,
        momentum=training.momentum if training.optimizer == "sgd" else 0.0,
        tensors=tensors,
        files={path.as_posix(): sha256(path.read_bytes()).hexdigest() for path in files},
        packages={name: version(name).partition("+")[0] for name in PACKAGES},
    )
    try:
        initial_weights(plan, seed=0)
    except InitializationError as error:
        entry = entries[error.tensor]
        takes = initializers.takes(entry.initializer.name)
        rule = f"{takes}; it refused: {error} (filling {error.tensor})"
        raise ParamsError([entry.complaint(rule)]) from None
    return plan


@dataclass(frozen=True)
class Entry:
    """Where in params.yaml a tensor's initializer is asked for."""

    key: str
    initializer: Initializer

    def complaint(self, rule: str) -> str:
        """The line for a mistake in it."""
        return complaint(self.key, self.initializer.as_written(), rule)


def _entry(name: str, variant: Variant, tensor: str) -> Entry | None:
    """The entry for a tensor, a layer's own before that for all; None for the default."""
    layer, kind = tensor.split(".")
    for place, entries in ((layer, variant.layers.get(layer, LayerInit())), ("all", variant.all)):
        initializer = getattr(entries, kind)
        if initializer:
            return Entry(f"variants.{name}.{place}.{kind}", initializer)
    return None
