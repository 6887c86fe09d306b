"""Writes params.schema.json, with which editors complete and check params.yaml; `make schema`."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path

from stages import writing
from stages.settings import datasets, files, initializers, networks
from stages.settings.fields import DEEPEST, NAME, Section
from stages.settings.params import LAYER, Params
from stages.training import building, initialization

FILE = Path("params.schema.json")


def text() -> str:
    """The schema as JSON: pydantic's, with the rules that its types cannot express."""
    schema = Params.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    definitions["Fill"] = fill()
    variant = definitions["VariantSettings"]
    layer = f"^(?!({'|'.join(variant['properties'])})$)" + LAYER.removeprefix("^")
    variant["patternProperties"] = {layer: {"$ref": "#/$defs/LayerSettings"}}
    variant["additionalProperties"] = False
    for section in ("variants", "display", "sweeps"):
        schema["properties"][section]["propertyNames"] = {"type": "string", "pattern": NAME}
    definitions["DataSettings"]["properties"]["name"] = {"enum": datasets.names()}
    definitions["SweepSettings"]["properties"]["base"] = {"$ref": "#/$defs/VariantSettings"}
    for section in ("NetworkSettings", "NetworkOverrides"):
        properties = definitions[section]["properties"]
        properties["hidden"] = {"anyOf": [properties["hidden"], shape()]}
    definitions["NetworkOverrides"] = network(definitions["NetworkOverrides"])
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def shape() -> dict:
    """The width and the depth of hidden layers; an axis of a sweep can give either."""
    count = {"type": "integer", "exclusiveMinimum": 0}
    return {
        "type": "object",
        "properties": {"width": count, "depth": count | {"maximum": DEEPEST}},
        "additionalProperties": False,
    }


def network(built_in: dict) -> dict:
    """The settings of the built-in network, or the name of a file with its arguments."""
    functions = {name: building.function(name) for name in networks.names()}
    arguments = {n: _arguments(n, f, files.arguments(f, 2)) for n, f in functions.items()}
    return {"anyOf": [built_in | {"additionalProperties": False}, _called(arguments)]}


def fill() -> dict:
    """The name of an initializer, or one name with its arguments."""
    names = [*initialization.FUNCTIONS, *initializers.custom_names()]
    arguments = {
        name: _arguments(name, initialization.function(name), initializers.arguments(name))
        for name in names
    }
    alone = [name for name, schema in arguments.items() if not schema.get("required")]
    return {"anyOf": [{"enum": alone}, _called(arguments)]}


def _called(arguments: dict[str, dict]) -> dict:
    """One name with its arguments."""
    return {
        "type": "object",
        "properties": arguments,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _arguments(name: str, function: Callable[..., object], section: type[Section]) -> dict:
    """The arguments of a function by this name; null and no arguments are the same."""
    description = inspect.getdoc(function) or ""
    schema = section.model_json_schema() | {"title": name}
    schema["description"] = description.split("\n\n")[0].replace("\n", " ")
    return schema | ({} if "required" in schema else {"type": ["object", "null"]})


if __name__ == "__main__":
    writing.replace({FILE: text()})
