"""Turns the variants of params.yaml into plans."""

import fnmatch
from dataclasses import replace
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import torch

from stages.settings import datasets, files, initializers, memory, networks
from stages.settings.fields import as_written
from stages.settings.mistakes import ParamsError, collect, mistake, unknown_key
from stages.settings.params import Params, VariantSettings
from stages.training import engines
from stages.training.initialization import InitializationError
from stages.training.plan import BUILT_IN, DEFAULT, PACKAGES, Fill, Plan
from stages.training.structure import Structure

VERSIONS = {name: version(name).partition("+")[0] for name in PACKAGES}


def resolve(settings: Params) -> dict[str, Plan]:
    """Every variant's plan, tested by filling its tensors.

    Raises ParamsError with a line for each mistake, and for each variant that takes more memory
    than this machine has.
    """
    if lines := datasets.contradictions(settings):
        raise ParamsError(*lines)
    return collect(settings.variants, partial(_of_variant, settings))


def _of_variant(settings: Params, name: str) -> Plan:
    variant, place = settings.variants[name], f"variants.{name}."
    plan, structure = plan_of(settings, variant, place)
    memory.expect(place, plan, structure, kept=plan.seeds)
    expect_fills(plan, structure, variant, place)
    return plan


def plan_of(settings: Params, variant: VariantSettings, place: str) -> tuple[Plan, Structure]:
    """The plan of a variant at a place, a prefix for keys, and its network; raises ParamsError."""
    plan = _unfilled(settings, variant, place)
    structure = networks.structure(plan, f"{place}network.{plan.network}")
    _expect_layers(structure, variant, place)
    tensors: dict[str, Fill] = {}
    resolved: dict[str, Fill] = {}  # many layers share a fill
    used = set(map(Path, plan.files))
    for name, tensor in structure.tensors.items():
        key, written = variant.fill_of(name, tensor)
        if key and key not in resolved:
            resolved[key] = initializers.resolve(written, place + key)
            used |= initializers.files_of(written.initializer)
        tensors[name] = resolved.get(key, DEFAULT)
    sums = {path.as_posix(): sha256(path.read_bytes()).hexdigest() for path in sorted(used)}
    return replace(plan, layers=structure.layers, tensors=tensors, files=sums), structure


def _unfilled(settings: Params, variant: VariantSettings, place: str) -> Plan:
    """A plan without layers and tensors, which its network has to tell."""
    network, training = settings.network_of(variant), settings.training_of(variant)
    name, given = variant.network.file or (BUILT_IN, {})
    own = variant.network.file is not None
    facts = datasets.facts(settings.data.name)
    key = f"{place}network.{name}"
    return Plan(
        data=settings.data.name,
        shape=facts.shape,
        classes=facts.classes,
        examples=facts.examples,
        limit=settings.data.limit if settings.data.limit != facts.examples else None,
        seeds=variant.seeds or settings.seeds,
        network=name,
        arguments=networks.arguments(name, given, key) if own else {},
        crop=variant.network.crop if variant.network.crop != facts.shape[-1] else None,
        hidden=() if own else tuple(network.hidden),
        activation=None if own else network.activation,
        layers={},
        epochs=training.epochs,
        batch_size=training.batch_size,
        optimizer=training.optimizer,
        lr=training.lr,
        momentum=training.momentum if training.optimizer == "sgd" else 0.0,
        weight_decay=training.weight_decay,
        tensors={},
        files=dict.fromkeys(map(str, files.imported(networks.FOLDER, name)), "") if own else {},
        packages=VERSIONS,
    )


def _expect_layers(structure: Structure, variant: VariantSettings, place: str) -> None:
    """Raise ParamsError for settings of layers that the network does not have."""
    layers = dict.fromkeys(tensor.layer for tensor in structure.tensors.values())
    known = [*layers, *structure.tensors]
    unknown = [name for name in variant.layers if not fnmatch.filter(known, name)]
    if unknown:
        allowed = [*VariantSettings.model_fields, *layers]
        raise ParamsError(*(unknown_key(place, name, allowed) for name in unknown))


def expect_fills(plan: Plan, structure: Structure, variant: VariantSettings, place: str) -> None:
    """Raise ParamsError unless the tensors can be filled, each time with the same numbers."""
    engine = engines.of(plan)
    try:
        weights = engine.initial_weights(plan, seed=0)
        # A file can draw from another generator than the one it is given.
        again = engine.initial_weights(plan, seed=0) if plan.files else weights
        for tensor, values in weights.items():
            if not torch.equal(values, again[tensor]):
                if plan.tensors.get(tensor, DEFAULT) == DEFAULT:
                    rule = f"{tensor} differs each time it is built; draw with torch alone"
                    key = f"{place}network.{plan.network}"
                    raise ParamsError(mistake(key, plan.arguments, rule))
                rule = "gives other values each time; draw from the argument draws alone"
                raise InitializationError(tensor, rule)
    except InitializationError as error:
        key, written = variant.fill_of(error.tensor, structure.tensors[error.tensor])
        line = mistake(place + key, as_written(written), f"cannot fill {error.tensor}: {error}")
        raise ParamsError(line) from None
