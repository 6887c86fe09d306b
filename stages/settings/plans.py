"""Turns params.yaml into a plan for every variant."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import torch

from stages.settings import cost, initializers
from stages.settings.initializers import InitializerError
from stages.settings.params import Initializer, LayerInit, Params, Variant
from stages.settings.reading import FILE, ParamsError, complaint
from stages.training.data import TRAIN_IMAGES
from stages.training.initialization import InitializationError, initial_weights
from stages.training.plan import DEFAULT, PACKAGES, Fill, Plan, tensor_names

T = TypeVar("T")
Told = Callable[[str], None]


def resolve(settings: Params, told: Told = lambda place: None) -> dict[str, Plan]:
    """Every variant's plan, tried by filling its tensors.

    `told` is called with what is looked at, before it is. Raises ParamsError with a line for
    every variant that cannot be initialized, or that takes more than there is.
    """
    found, lines = _each(settings, settings.variants, _plan, told)
    refused = cost.complaints(found)
    if not refused:
        _, refused = _each(settings, found, partial(_try, found), told)
    if lines or refused:
        raise ParamsError(lines + refused)
    return found


def untried(settings: Params, told: Told) -> dict[str, Plan]:
    """Every variant's plan; raises ParamsError with a line for every variant that has none."""
    found, lines = _each(settings, settings.variants, _plan, told)
    if lines:
        raise ParamsError(lines)
    return found


def try_alike(settings: Params, found: dict[str, Plan], told: Told) -> None:
    """Fill the tensors of plans, of those that fill them alike only the smallest.

    Raises ParamsError with a line for every plan that cannot be initialized.
    """
    smallest: dict[str, str] = {}
    for name in sorted(found, key=lambda name: sum(found[name].sizes)):
        fills = {repr(fill) for fill in found[name].tensors.values()}
        smallest.setdefault(repr(sorted(fills)), name)
    _, lines = _each(settings, smallest.values(), partial(_try, found), told)
    if lines:
        raise ParamsError(lines)


def digests(settings: Params, told: Told = lambda place: None) -> dict[str, str]:
    """A digest of every variant's tensors that files of stages/initializers have to do with."""
    found = {}
    for name in settings.variants:
        told(place(settings, name))
        plan = _plan(settings, name)
        if plan.files:
            weights = initial_weights(plan, seed=0).values()
            made = sha256(b"".join(w.numpy().tobytes() for w in weights)).hexdigest()
            found[place(settings, name)] = made
    return found


def place(settings: Params, variant: str) -> str:
    """Where in params.yaml a variant's initializers are asked for, and which these are."""
    names = sorted({entry.initializer.name for entry in _entries(settings, variant).values()})
    return f"{FILE}: variants.{variant}: its initializers ({', '.join(names)})"


def _each(
    settings: Params, names: Iterable[str], do: Callable[[Params, str], T], told: Told
) -> tuple[dict[str, T], list[str]]:
    """What is done for every variant, and the lines for those of which it cannot be."""
    results, lines = {}, []
    for name in names:
        told(place(settings, name))
        try:
            results[name] = do(settings, name)
        except ParamsError as error:
            lines += error.lines
    return results, lines


def _plan(settings: Params, name: str) -> Plan:
    network, training = settings.network_of(name), settings.training_of(name)
    tensors = dict.fromkeys(tensor_names(network.hidden), DEFAULT)
    resolved: dict[str, Fill] = {}  # layers ask for the same again and again
    files: set[Path] = set()
    for tensor, entry in _entries(settings, name).items():
        try:
            key = repr(entry.initializer)
            if key not in resolved:
                resolved[key] = initializers.resolve(entry.initializer)
                files |= initializers.files(entry.initializer.name)
            tensors[tensor] = resolved[key]
        except InitializerError as error:
            raise ParamsError([entry.complaint(str(error))]) from None
    return Plan(
        data=settings.data.name,
        limit=settings.data.limit if settings.data.limit != TRAIN_IMAGES else None,
        seeds=settings.seeds,
        hidden=tuple(network.hidden),
        activation=network.activation,
        epochs=training.epochs,
        batch_size=training.batch_size,
        optimizer=training.optimizer,
        lr=training.lr,
        momentum=training.momentum if training.optimizer == "sgd" else 0.0,
        tensors=tensors,
        files={path.as_posix(): sha256(path.read_bytes()).hexdigest() for path in sorted(files)},
        packages={name: version(name).partition("+")[0] for name in PACKAGES},
    )


def _try(found: dict[str, Plan], settings: Params, name: str) -> None:
    """Fill the tensors of a variant; twice, where files of stages/initializers do it."""
    plan, entries = found[name], _entries(settings, name)
    try:
        weights = initial_weights(plan, seed=0)
        if plan.files:
            again = initial_weights(plan, seed=0)
            for tensor, values in weights.items():
                if not torch.equal(values, again[tensor]):
                    rule = "gives other numbers each time; draw them from the argument generator"
                    raise InitializationError(tensor, rule)
    except InitializationError as error:
        entry = entries[error.tensor]
        takes = initializers.takes(entry.initializer.name)
        rule = f"{takes}; it refused: {error} (filling {error.tensor})"
        raise ParamsError([entry.complaint(rule)]) from None


@dataclass(frozen=True)
class Entry:
    """Where in params.yaml a tensor's initializer is asked for."""

    key: str
    initializer: Initializer

    def complaint(self, rule: str) -> str:
        """The line for a mistake in it."""
        return complaint(self.key, self.initializer.as_written(), rule)


def _entries(settings: Params, name: str) -> dict[str, Entry]:
    """The entries of a variant by the tensor that they fill; none where that is the default."""
    tensors = tensor_names(settings.network_of(name).hidden)
    entries = {tensor: _entry(name, settings.variants[name], tensor) for tensor in tensors}
    return {tensor: entry for tensor, entry in entries.items() if entry}


def _entry(name: str, variant: Variant, tensor: str) -> Entry | None:
    """The entry for a tensor, a layer's own before that for all; None for the default."""
    layer, kind = tensor.split(".")
    for place, entries in ((layer, variant.layers.get(layer, LayerInit())), ("all", variant.all)):
        initializer = getattr(entries, kind)
        if initializer:
            return Entry(f"variants.{name}.{place}.{kind}", initializer)
    return None
