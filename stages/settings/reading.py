"""Reads params.yaml and questions.yaml, with one line for each mistake in them."""

import re
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import ValidationError

from stages.settings import yaml_file
from stages.settings.fields import RULES, Section
from stages.settings.mistakes import (
    FILE,
    QUESTIONS,
    ParamsError,
    in_file,
    mistake,
    unknown_key,
)
from stages.settings.params import (
    UNKNOWN_LAYER,
    Asked,
    DataSettings,
    LayerSettings,
    NetworkOverrides,
    Params,
    VariantSettings,
)
from stages.training.initialization import first_line

OUR_WORDS = {
    "a valid dictionary": "a mapping",
    "a valid integer": "a whole number",
    "input was not a valid": "must be a",
    "a valid ": "a ",
}

Model = TypeVar("Model", bound=Section)
Location = tuple[int | str, ...]


def aliases(values: Any) -> list[str]:
    """A line for each mapping that YAML aliases repeat, of which `dvc exp run -S` is not aware."""
    rule = "`dvc exp run -S` changes all of them or none; write it out before you use -S"
    return [
        f"{in_file(', '.join(others))}: an alias of {first}: {rule}"
        for first, *others in yaml_file.aliases(values)
    ]


def checked(values: Any) -> Params:
    """The settings that values stand for; raises ParamsError with a line for each mistake."""
    settings = validated(Params, values)
    lines = _idle_momentum("", settings.training.momentum, settings.training.optimizer)
    for name, variant in settings.variants.items():
        lines += contradictions(settings, variant, f"variants.{name}.")
    if lines := [*dict.fromkeys(lines), *_display_mistakes(settings)]:
        raise ParamsError(*lines)
    return settings


def asked(settings: Params, path: Path = Path(f"{QUESTIONS}.yaml")) -> Params:
    """The settings with the data, the training and the sweeps of questions.yaml.

    Without this file there are no sweeps. Raises ParamsError with a line for each mistake.
    """
    if not path.exists():
        return settings.model_copy(update={"sweeps": {}})
    own = validated(Asked, read(path)).questions
    if both := sorted(own.sweeps.keys() & settings.sweeps.keys()):
        rule = f"is in {FILE}, too: sweeps need different names"
        raise ParamsError(*(f"{in_file(f'{QUESTIONS}.sweeps.{name}')}: {rule}" for name in both))
    data = DataSettings(name=own.data)
    changed = {"data": data, "training": own.training, "sweeps": own.sweeps}
    return settings.model_copy(update=changed)


def validated(model: type[Model], values: Any, place: str = "") -> Model:
    """Values as a section at a place, a prefix for keys like `variants.baseline.`.

    Raises ParamsError with a line for each mistake.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        errors = error.errors()
    # The settings of an unknown layer are no further mistakes.
    unknown = [e["loc"] for e in errors if e["type"] == UNKNOWN_LAYER]
    lines = [
        _line(model, place, dict(e))
        for e in errors
        if e["type"] == UNKNOWN_LAYER or not any(e["loc"][: len(u)] == u for u in unknown)
    ]
    raise ParamsError(*lines)


def contradictions(settings: Params, variant: VariantSettings, place: str) -> list[str]:
    """A line for each setting of a variant that contradicts its other or the shared settings."""
    lines = []
    training = settings.training_of(variant)
    for key in () if variant.network.file else ("optimizer", "weight_decay"):
        if (value := getattr(training, key)) not in ("adam", "sgd", 0.0):
            shared = getattr(variant.training, key) is None
            rule = "the built-in network has adam and sgd without decay; others are files"
            lines.append(mistake(f"{'' if shared else place}training.{key}", value, rule))
    return lines + _idle_momentum(place, variant.training.momentum, training.optimizer)


def read(path: Path = Path(FILE)) -> Any:
    """The values in a file; raises ParamsError with one line if it cannot be used."""
    try:
        return yaml_file.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(f"{path.name}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = (getattr(error, "problem", None) or str(error)).splitlines()[0]
        kind = "" if isinstance(error, yaml_file.RefusedError) else "not valid YAML: "
        raise ParamsError(f"{path.name}{where}: {kind}{problem}") from None
    except Exception as error:  # such as bytes that are not UTF-8, or !!int abc
        line = f"{path.name}: cannot be read: {first_line(error)}"
        raise ParamsError(line) from None


def _display_mistakes(settings: Params) -> list[str]:
    """A line for each label that two variants share, and each entry without a variant."""
    lines = []
    labels: dict[str, str] = {}
    for name in settings.variants:
        label = settings.label_of(name)
        if label in labels:
            rule = f"{labels[label]} and {name} need different labels"
            lines.append(mistake(f"display.{name}.label", label, rule))
        labels[label] = name
    unknown = settings.display.keys() - settings.variants
    return lines + [unknown_key("display.", name, settings.variants) for name in sorted(unknown)]


def _idle_momentum(place: str, momentum: float | None, optimizer: str) -> list[str]:
    rule = f"only the optimizer sgd has a momentum, and this one is {optimizer}"
    idle = momentum and optimizer != "sgd"
    return [mistake(f"{place}training.momentum", momentum, rule)] if idle else []


def _line(model: type[Section], place: str, error: dict[str, Any]) -> str:
    """The line for a mistake that pydantic found: its location, the value and the rule."""
    location, value, kind = error["loc"], error["input"], error["type"]
    if kind in ("extra_forbidden", UNKNOWN_LAYER):
        above = place + "".join(f"{key}." for key in location[:-1])
        return unknown_key(above, location[-1], _keys(model, location[:-1]))
    key = place + ".".join(map(str, location))
    if kind == "missing":
        return f"{in_file(key)}: is missing"
    if kind == "model_type":
        rule = f"must be a mapping with the keys {', '.join(_keys(model, location))}"
        file = FILE if model is Params else f"{QUESTIONS}.yaml"
        return mistake(key, value, rule) if key else f"{file}: {rule}"
    if key.endswith(".[key]") or (kind == "value_error" and isinstance(value, dict)):
        return f"{in_file(key.removesuffix('.[key]'))}: {_rule(error)}"
    return mistake(key, value, _rule(error))


def _rule(error: dict[str, Any]) -> str:
    """The rule that a value breaks, from pydantic's words for it."""
    if error["type"] == "string_pattern_mismatch":
        return RULES[error["ctx"]["pattern"]]
    rule = error["msg"].removeprefix("Value error, ").replace(" after validation", "")
    rule = re.sub(r"^(Input|List|Dictionary) should", "must", rule)
    for theirs, ours in OUR_WORDS.items():
        rule = rule.replace(theirs, ours)
    return rule


def _keys(model: type[Section], location: Location) -> list[str]:
    """The keys that the section at a location can have, as params.yaml has them."""
    section: Any = model
    for key in location:
        if get_origin(section) is dict:
            section = get_args(section)[1]
        else:
            fields = {field.alias or name: field for name, field in section.model_fields.items()}
            section = fields[key].annotation if key in fields else LayerSettings
    keys = [field.alias or name for name, field in section.model_fields.items()]
    others = {
        VariantSettings: ["fc1", "…", "out"],
        NetworkOverrides: ["or a file in stages/networks"],
    }
    return keys + others.get(section, [])
