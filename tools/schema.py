"""Writes params.schema.json, with which editors complete and check params.yaml; `make schema`."""

import inspect
import json
from pathlib import Path

from stages import writing
from stages.settings import initializers
from stages.settings.fields import DEEPEST, NAME
from stages.settings.params import Params
from stages.training import initialization

FILE = Path("params.schema.json")


def text() -> str:
    """The schema as JSON: pydantic's, with the rules that its types cannot express."""
    schema = Params.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    definitions["Fill"] = fill()
    variant = definitions["VariantSettings"]
    variant["patternProperties"] = {"^(fc[1-9][0-9]*|out)$": {"$ref": "#/$defs/LayerSettings"}}
    variant["additionalProperties"] = False
    for section in ("variants", "display", "sweeps"):
        schema["properties"][section]["propertyNames"] = {"type": "string", "pattern": NAME}
    definitions["SweepSettings"]["properties"]["base"] = {"$ref": "#/$defs/VariantSettings"}
    for section in ("NetworkSettings", "NetworkOverrides"):
        properties = definitions[section]["properties"]
        properties["hidden"] = {"anyOf": [properties["hidden"], shape()]}
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


def fill() -> dict:
    """The name of an initializer, or one name with its arguments."""
    names = [*initialization.FUNCTIONS, *initializers.custom_names()]
    arguments = {name: _arguments(name) for name in names}
    alone = [name for name, schema in arguments.items() if not schema.get("required")]
    called = {
        "type": "object",
        "properties": arguments,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [{"enum": alone}, called]}


def _arguments(name: str) -> dict:
    """The arguments of an initializer; null and no arguments are the same."""
    description = inspect.getdoc(initialization.function(name)) or ""
    schema = initializers.arguments(name).model_json_schema()
    schema["description"] = description.split("\n\n")[0].replace("\n", " ")
    return schema | ({} if "required" in schema else {"type": ["object", "null"]})


if __name__ == "__main__":
    writing.replace({FILE: text()})
