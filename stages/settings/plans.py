"""Turns the variants of params.yaml into plans."""

from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import torch

from stages.settings import initializers, memory
from stages.settings.fields import as_written
from stages.settings.mistakes import ParamsError, collect, mistake
from stages.settings.params import Params, VariantSettings
from stages.training.data import TRAIN_IMAGES
from stages.training.initialization import InitializationError, initial_weights
from stages.training.plan import DEFAULT, PACKAGES, SIDE, Fill, Plan, tensor_names

VERSIONS = {name: version(name).partition("+")[0] for name in PACKAGES}


def resolve(settings: Params) -> dict[str, Plan]:
    """Every variant's plan, tested by filling its tensors.

    Raises ParamsError with a line for each mistake, and for each variant that takes more memory
    than this machine has.
    """
    return collect(settings.variants, partial(_of_variant, settings))


def _of_variant(settings: Params, name: str) -> Plan:
    variant, place = settings.variants[name], f"variants.{name}."
    plan = plan_of(settings, variant, place)
    memory.expect(place, plan, kept=plan.seeds)
    expect_fills(plan, variant, place)
    return plan


def plan_of(settings: Params, variant: VariantSettings, place: str) -> Plan:
    """The plan of a variant at a place, a prefix for keys; raises ParamsError."""
    network, training = settings.network_of(variant), settings.training_of(variant)
    tensors = dict.fromkeys(tensor_names(network.hidden), DEFAULT)
    resolved: dict[str, Fill] = {}  # many layers share a fill
    files: set[Path] = set()
    for tensor in tensors:
        key, written = variant.fill_of(tensor)
        if key and key not in resolved:
            resolved[key] = initializers.resolve(written, place + key)
            files |= initializers.files(written.initializer)
        tensors[tensor] = resolved.get(key, DEFAULT)
    return Plan(
        data=settings.data.name,
        limit=settings.data.limit if settings.data.limit != TRAIN_IMAGES else None,
        seeds=variant.seeds or settings.seeds,
        crop=variant.network.crop or SIDE,
        hidden=tuple(network.hidden),
        activation=network.activation,
        epochs=training.epochs,
        batch_size=training.batch_size,
        optimizer=training.optimizer,
        lr=training.lr,
        momentum=training.momentum if training.optimizer == "sgd" else 0.0,
        tensors=tensors,
        files={path.as_posix(): sha256(path.read_bytes()).hexdigest() for path in sorted(files)},
        packages=VERSIONS,
    )


def expect_fills(plan: Plan, variant: VariantSettings, place: str) -> None:
    """Raise ParamsError unless the tensors can be filled, each time with the same numbers."""
    try:
        weights = initial_weights(plan, seed=0)
        # A file can draw from another generator than the one it is given.
        again = initial_weights(plan, seed=0) if plan.files else weights
        for tensor, values in weights.items():
            if not torch.equal(values, again[tensor]):
                rule = "gives other values each time; draw from the argument draws alone"
                raise InitializationError(tensor, rule)
    except InitializationError as error:
        key, written = variant.fill_of(error.tensor)
        line = mistake(place + key, as_written(written), f"cannot fill {error.tensor}: {error}")
        raise ParamsError(line) from None
