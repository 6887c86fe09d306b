"""The data of the page's form "Try an initialization": images, initializers, and variants."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from stages.analysis.study import Study, Variant, layers
from stages.rendering import style
from stages.rendering.packing import packed
from stages.training import laws
from stages.training.activations import ACTIVATIONS

STEPS = 2000  # of training in one go: the least noise needs most of them


@dataclass(frozen=True)
class Initializer:
    """An initializer of the form; templates/try/initializers.js draws its values.

    `arguments` have their first values. `law` is stages.training.laws' for one without arguments.
    """

    label: str
    law: laws.Law | None = None
    arguments: dict[str, float] = field(default_factory=dict)
    biases: bool = False


INITIALIZERS = {
    "default": Initializer("default", biases=True),
    "zeros": Initializer("zeros", ("constant", 0.0), biases=True),
    "ones": Initializer("ones", ("constant", 1.0), biases=True),
    "constant": Initializer("a constant", arguments={"value": 0.1}, biases=True),
    "normal": Initializer("normal", arguments={"mean": 0.1, "noise σ": 0.01}, biases=True),
    "uniform": Initializer("uniform", arguments={"from": -0.05, "to": 0.05}, biases=True),
    "xavier_normal": Initializer("Xavier normal", ("xavier_normal", 1.0)),
    "xavier_uniform": Initializer("Xavier uniform", ("xavier_uniform", 1.0)),
    "he_normal": Initializer("He normal", ("kaiming_normal", "fan_in", 2**0.5)),
    "he_uniform": Initializer("He uniform", ("kaiming_uniform", "fan_in", 2**0.5)),
    "lecun_normal": Initializer("LeCun normal", ("kaiming_normal", "fan_in", 1.0)),
    "orthogonal": Initializer("orthogonal", arguments={"gain": 1.0}),
    "eye": Initializer("identity"),
    "hadamard": Initializer("Hadamard", arguments={"gain": 2**0.5}),
    "duplicated": Initializer("duplicated", arguments={"rows": 2, "columns": 1}),
}
BY_LAW = {laws.rounded(one.law): name for name, one in INITIALIZERS.items() if one.law}


OPTIMIZERS = ("adam", "sgd")  # that network.js has
IMAGE = [1, 28, 28]  # of which the form shows the weights and knows the normalization


def form(study: Study, sample: Path) -> dict[str, Any] | None:
    """The choices of the form, the study's network and training, its variants, and packed images.

    `sample` is the file that evaluate writes. `images` are all pixels, those for training before
    those for testing, and then the labels, one byte each.
    """
    kept = load_file(sample)
    parts = [
        kept[f"{split}/{what}"] for what in ("pixels", "labels") for split in ("train", "test")
    ]
    known = study.shape == IMAGE and study.training["optimizer"] in OPTIMIZERS
    if not known or not len(kept["train/pixels"]):
        return None
    setups = {name: setup(study, variant) for name, variant in study.variants.items()}
    return {
        "initializers": {name: asdict(one) for name, one in INITIALIZERS.items()},
        "activations": {name: one.label for name, one in ACTIVATIONS.items()},
        "optimizers": {name: style.OPTIMIZERS[name] for name in OPTIMIZERS},
        "sizes": study.sizes,
        "layers": layers(study.network["hidden"]),
        "steps": STEPS,
        "batch": study.training["batch_size"],
        "settings": settings(study.network | study.training),
        "variants": {name: one for name, one in setups.items() if one},
        "counts": [len(kept["train/labels"]), len(kept["test/labels"])],
        "images": packed(b"".join(part.astype(np.uint8).tobytes() for part in parts)),
    }


def settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a training that the form can change."""
    return {key: values[key] for key in ("activation", "optimizer", "lr")}


def setup(study: Study, variant: Variant) -> dict[str, Any] | None:
    """A variant's initialization and training, if the form can do the same."""
    plan = variant.plan
    same = plan["hidden"] == study.network["hidden"] and plan["momentum"] == 0
    tensors = {tensor: choice(fill) for tensor, fill in plan["tensors"].items()}
    if not same or plan["batch_size"] != study.training["batch_size"] or None in tensors.values():
        return None
    return {"tensors": tensors} | settings(plan)


def choice(fill: dict[str, Any]) -> list[Any] | None:
    """A fill as [initializer, *arguments] of the form; None where the form lacks its law."""
    law = laws.rounded(laws.law(fill["initializer"], fill["arguments"]))
    match law:
        case _ if law in BY_LAW:
            return [BY_LAW[law]]
        case ((("default" | "eye") as name), _):
            return [name]
        case "duplicated", _ if not fill["arguments"]["noise"]:
            return ["duplicated", fill["arguments"]["rows"], fill["arguments"]["columns"]]
        case (("constant" | "normal" | "uniform" | "orthogonal" | "hadamard"), *_):
            return list(law)
    return None
