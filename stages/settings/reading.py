"""Reads params.yaml, and tells in one line each what is wrong with it."""

import errno
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from stages.settings import params, yaml_file
from stages.settings.params import Params, Training, TrainingOverride
from stages.training.plan import layer_names

FILE = "params.yaml"
LARGEST = 1_000_000  # bytes: more takes longer to read than anybody waits
LAYER = r"network|training|all|out|fc[1-9][0-9]*"  # what stands in a variant


class ParamsError(ValueError):
    """params.yaml cannot be used; each of `lines` tells one mistake."""

    def __init__(self, lines: list[str]):
        super().__init__("\n".join(lines))
        self.lines = lines


def load(path: Path = Path(FILE)) -> Params:
    """Read and check a params.yaml; raises ParamsError with a line for every mistake."""
    return checked(_values(path))


def checked(values: dict) -> Params:
    """The settings that values are; raises ParamsError with a line for every mistake."""
    try:
        settings = Params.model_validate(values)
    except ValidationError as error:
        raise ParamsError([_explain(dict(e)) for e in error.errors()]) from None
    if mistakes := _contradictions(settings):
        raise ParamsError(mistakes)
    return settings


def _values(path: Path) -> dict:
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "is no file")
        if path.stat().st_size > LARGEST:
            raise OSError(errno.EFBIG, f"has more than {LARGEST:,} bytes")
        values = yaml_file.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError([f"{FILE}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ParamsError([f"{FILE}: is not UTF-8 text"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = (getattr(error, "problem", None) or str(error)).splitlines()[0]
        raise ParamsError([f"{FILE}{where}: not valid YAML: {problem}"]) from None
    except Exception as error:  # such as !!int abc, or brackets 3,000 deep
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        raise ParamsError([f"{FILE}: has a value that cannot be read: {problem}"]) from None
    if not isinstance(values, dict):
        keys = ", ".join(Params.model_fields)
        raise ParamsError([f"{FILE}: must be a mapping with the keys {keys}"])
    return values


def complaint(key: str, value: object, rule: str) -> str:
    """The line for one mistake: the file, the key, its value and what is allowed."""
    shown = ascii(value)
    if len(shown) > 60:
        shown = shown[:57] + "…"
    return f"{FILE}: {_plainly(key)} = {shown}: {rule}"


def _plainly(key: str) -> str:
    """A key in ASCII: one that looks like another, or steers a terminal, shows what it is."""
    return key.encode("unicode_escape").decode()


def did_you_mean(name: str, allowed: list[str]) -> str:
    """A hint at the nearest of the allowed names, or nothing."""
    nearest = get_close_matches(name, allowed, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]!r}? " if nearest else ""


def _unknown_key(key: str, name: str, allowed: list[str]) -> str:
    hint = did_you_mean(str(name), allowed)
    return (
        f"{FILE}: {_plainly(key)}: unknown key; {hint}Allowed here: {', '.join(allowed) or 'none'}"
    )


def _contradictions(settings: Params) -> list[str]:
    """What no section can see alone: names of layers and variants, and idle settings."""
    lines = _idle_momentum("", settings.training, settings.training)
    for name, variant in settings.variants.items():
        layers = layer_names(settings.network_of(name).hidden)
        allowed = [*params.Variant.model_fields, *layers]
        lines += [
            _unknown_key(f"variants.{name}.{key}", key, allowed)
            for key in variant.layers
            if key not in layers
        ]
        lines += _idle_momentum(f"variants.{name}.", variant.training, settings.training_of(name))
    labels: dict[str, str] = {}
    for name in settings.variants:
        label = settings.label_of(name)
        if label in labels:
            written = name if name in settings.display else labels[label]
            rule = f"{labels[label]} and {name} would have this label, and look like one"
            lines.append(complaint(f"display.{written}.label", label, rule))
        labels[label] = name
    lines += [
        _unknown_key(f"display.{name}", name, list(settings.variants))
        for name in settings.display
        if name not in settings.variants
    ]
    return lines


def _idle_momentum(
    prefix: str, written: Training | TrainingOverride, training: Training
) -> list[str]:
    if not written.momentum or training.optimizer == "sgd":
        return []
    rule = f"only the optimizer sgd has a momentum, and this one is {training.optimizer}"
    return [complaint(f"{prefix}training.momentum", written.momentum, rule)]


def _explain(error: dict[str, Any]) -> str:
    """A line in our words for a mistake that pydantic found."""
    location, value, kind = error["loc"], error["input"], error["type"]
    key = ".".join(str(part) for part in location)
    if location[-1] == "[key]":
        return f"{FILE}: {_plainly(key.removesuffix('.[key]'))}: {params.NAME_RULE}"
    match location:
        case ("variants", _, str(layer)) if not re.fullmatch(LAYER, layer):
            return _unknown_key(key, layer, [*params.Variant.model_fields, "fc1", "…", "out"])
    if kind == "extra_forbidden":
        return _unknown_key(key, location[-1], _keys(location[:-1]))
    if kind == "missing":
        return f"{FILE}: {_plainly(key)}: is missing"
    if kind == "too_short" and location == ("variants",):
        return complaint(key, value, "needs at least one variant, for example baseline: {}")
    if kind in ("too_short", "too_long") and location[-1] == "values":
        return complaint(key, value, f"must list 1 to {params.LONGEST} values")
    if kind in ("too_short", "too_long"):
        return complaint(key, value, f"must list 1 to {params.DEEPEST} widths, one a hidden layer")
    if kind == "value_error" and isinstance(value, dict) and location[0] == "sweeps":
        return f"{FILE}: {_plainly(key)}: {in_our_words(error['msg'])}"
    if kind == "dict_type" and location[0] == "sweeps":
        what = "an entry a sweep" if len(location) == 1 else "what a variant can have"
        return complaint(key, value, f"must be a mapping with {what}")
    if kind == "dict_type":
        return complaint(key, value, "must be a mapping with an entry a variant")
    if kind == "model_type":
        return complaint(key, value, f"must be a mapping with any of {', '.join(_keys(location))}")
    if location[-1] == "color":
        return complaint(key, value, "must be a colour like '#0072b2'")
    if location[-1] in ("label", "group") or "labels" in location:
        return complaint(key, value, "must be a string of up to 200 characters that can be seen")
    return complaint(key, value, in_our_words(error["msg"]))


def in_our_words(message: str) -> str:
    """What pydantic says of a value, as a rule."""
    rule = message.removeprefix("Value error, ").replace("Input should", "must")
    return rule.replace("a valid integer", "a whole number").replace("a valid ", "a ")


def _keys(location: tuple) -> list[str]:
    """The keys of a section, as they are written."""
    fields = _section(location).model_fields.items()
    return [field.alias or name for name, field in fields]


def _section(location: tuple) -> type[BaseModel]:
    """The section of params.yaml at a place."""
    match location:
        case ():
            return Params
        case ("data",):
            return params.Data
        case ("network",) | ("variants", _, "network"):
            return params.Network
        case ("training",) | ("variants", _, "training"):
            return params.Training
        case ("sweeps", _):
            return params.Sweep
        case ("sweeps", _, "axes"):
            return params.Axes
        case ("sweeps", _, "axes", _):
            return params.Axis
        case ("variants", _):
            return params.Variant
        case ("variants", _, _):
            return params.LayerInit
        case _:
            return params.Display
