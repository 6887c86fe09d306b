"""Writes params.schema.json, with which editors complete and check params.yaml; `make schema`."""

import inspect
import json
from copy import deepcopy
from pathlib import Path

from stages import writing
from stages.settings import initializers
from stages.settings.params import DEEPEST, NAME_PATTERN, Params
from stages.training import initialization

FILE = Path("params.schema.json")

TYPES = {"float": "number", "int": "integer", "str": "string", "bool": "boolean"}


def main() -> None:
    writing.replace({FILE: text()})


def text() -> str:
    """The schema as JSON: pydantic's, with what its types cannot say."""
    schema = Params.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    definitions["Initializer"] = initializer()
    variant = definitions["Variant"]
    variant["patternProperties"] = {"^(fc[1-9][0-9]*|out)$": {"$ref": "#/$defs/LayerInit"}}
    variant["additionalProperties"] = False
    names = {"type": "string", "pattern": NAME_PATTERN, "maxLength": 40}
    for section in ("variants", "display", "sweeps"):
        schema["properties"][section]["propertyNames"] = names
    # What all cells of a sweep share may lack a width or a depth, which an axis gives.
    base = definitions["Base"] = deepcopy(variant)
    definitions["BaseNetwork"] = deepcopy(definitions["NetworkOverride"])
    base["properties"]["network"] = {"$ref": "#/$defs/BaseNetwork"}
    definitions["Sweep"]["properties"]["base"] = {"$ref": "#/$defs/Base"}
    for section in ("Network", "NetworkOverride", "BaseNetwork"):
        properties = definitions[section]["properties"]
        required = [] if section == "BaseNetwork" else ["width", "depth"]
        properties["hidden"] = {"anyOf": [properties["hidden"], shape(required)]}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def shape(required: list[str]) -> dict:
    """So many hidden layers of one width."""
    count = {"type": "integer", "exclusiveMinimum": 0}
    return {
        "type": "object",
        "properties": {"width": count, "depth": count | {"maximum": DEEPEST}},
        "required": required,
        "additionalProperties": False,
    }


def initializer() -> dict:
    """A name alone, or one name with its arguments, for every initializer there is."""
    arguments = {
        name: _arguments(name) for name in [*initialization.FUNCTIONS, *initializers.custom_names()]
    }
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
    """What one initializer takes."""
    parameters = initializers.parameters(name).values()
    words = inspect.getdoc(initialization.function(name)) or ""
    schema = {
        "type": ["object", "null"],
        "description": words.split("\n\n")[0].replace("\n", " "),
        "properties": {p.name: _type(p) for p in parameters},
        "additionalProperties": False,
    }
    required = [p.name for p in parameters if p.default is p.empty]
    return schema | ({"required": required, "type": "object"} if required else {})


def _type(parameter: inspect.Parameter) -> dict:
    name = getattr(parameter.annotation, "__name__", parameter.annotation)
    schema: dict = {"type": TYPES[name]} if name in TYPES else {}
    default = parameter.default
    if default is not parameter.empty and isinstance(default, (int, float, str)):
        schema["default"] = default
    return schema


if __name__ == "__main__":
    main()
