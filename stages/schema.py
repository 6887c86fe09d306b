"""Writes params.schema.json, with which editors complete and check params.yaml."""

import inspect
import json

from stages import ROOT, initializers
from stages.params import NAME_PATTERN, Params

FILE = ROOT / "params.schema.json"

TYPES = {float: "number", int: "integer", str: "string", bool: "boolean"}


def main() -> None:
    FILE.write_text(text(), encoding="utf-8")


def text() -> str:
    """The schema as JSON: pydantic's, with what its types cannot say."""
    schema = Params.model_json_schema()
    definitions = schema["$defs"]
    definitions["Initializer"] = initializer()
    variant = definitions["Variant"]
    variant["patternProperties"] = {"^(fc[1-9][0-9]*|out)$": {"$ref": "#/$defs/LayerInit"}}
    variant["additionalProperties"] = False
    names = {"type": "string", "pattern": NAME_PATTERN, "maxLength": 40}
    for section in ("variants", "display"):
        schema["properties"][section]["propertyNames"] = names
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def initializer() -> dict:
    """A name alone, or one name with its arguments, for every initializer there is."""
    names = [*initializers.FUNCTIONS, *initializers.own_names()]
    arguments = {name: _arguments(initializers.function(name)) for name in names}
    alone = [name for name, schema in arguments.items() if not schema.get("required")]
    return {
        "anyOf": [
            {"enum": alone},
            {
                "type": "object",
                "properties": arguments,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }


def _arguments(function) -> dict:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    parameters = [p for p in parameters if p.name not in initializers.GIVEN]
    schema = {
        "type": ["object", "null"],
        "description": (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " "),
        "properties": {p.name: _type(p) for p in parameters},
        "additionalProperties": False,
    }
    required = [p.name for p in parameters if p.default is p.empty]
    return schema | ({"required": required, "type": "object"} if required else {})


def _type(parameter: inspect.Parameter) -> dict:
    annotation = parameter.annotation
    if isinstance(annotation, str):
        annotation = {kind.__name__: kind for kind in TYPES}.get(annotation, annotation)
    schema = {"type": TYPES[annotation]} if annotation in TYPES else {}
    default = parameter.default
    if default is not parameter.empty and isinstance(default, (int, float, str)):
        schema["default"] = default
    return schema


if __name__ == "__main__":
    main()
