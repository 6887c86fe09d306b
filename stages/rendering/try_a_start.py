"""What the page's section "Try a start" trains with: images, and starts to begin with."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from stages.analysis.study import Study, Variant
from stages.rendering.packing import packed
from stages.training import laws

# Kaiming's and Xavier's laws by what the page calls them (templates/try/initializations.js: FILLS).
SCHEMES = {
    laws.rounded(("kaiming_normal", "fan_in", 2**0.5)): "he_normal",
    laws.rounded(("kaiming_uniform", "fan_in", 2**0.5)): "he_uniform",
    ("kaiming_normal", "fan_in", 1.0): "lecun_normal",
    ("xavier_normal", 1.0): "xavier_normal",
    ("xavier_uniform", 1.0): "xavier_uniform",
}

STEPS = 2000  # of training in the page, after which it rests: the least noise needs most of them


def setup(study: Study, sample: Path) -> dict[str, Any]:
    """The study's network and training, the variants that can be tried, and packed images.

    `sample` is the file that evaluate writes. `images` are all pixels, those for training before
    those for testing, and then the labels, a byte each.
    """
    kept = load_file(sample)
    parts = [
        kept[f"{split}/{what}"] for what in ("pixels", "labels") for split in ("train", "test")
    ]
    return {
        "sizes": study.sizes,
        "layers": [f"fc{i}" for i, _ in enumerate(study.network["hidden"], 1)] + ["out"],
        "steps": STEPS,
        "batch": study.training["batch_size"],
        "first": trained(study.network | study.training),
        "variants": {
            name: start
            for name, variant in study.variants.items()
            if (start := tried(study, variant))
        },
        "counts": [len(kept["train/labels"]), len(kept["test/labels"])],
        "images": packed(b"".join(part.astype(np.uint8).tobytes() for part in parts)),
    }


def trained(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a training that the page can change."""
    return {key: settings[key] for key in ("activation", "optimizer", "lr")}


def tried(study: Study, variant: Variant) -> dict[str, Any] | None:
    """A variant's start and training, if the page can do the same."""
    plan = variant.plan
    same = plan["hidden"] == study.network["hidden"] and plan["momentum"] == 0
    fills = {tensor: called(fill) for tensor, fill in plan["tensors"].items()}
    if not same or plan["batch_size"] != study.training["batch_size"] or None in fills.values():
        return None
    return {"fills": fills} | trained(plan)


def called(fill: dict[str, Any]) -> list[Any] | None:
    """What the page calls an initializer, and its numbers; None for one that it does not have."""
    match law := laws.rounded(laws.law(fill["initializer"], fill["arguments"])):
        case "default", _:
            return ["default"]
        case "eye", _:
            return ["identity"]
        case "duplicated", _:
            return ["copies", fill["arguments"]["rows"], fill["arguments"]["columns"]]
        case "constant", 0.0 | 1.0 as value:
            return ["ones" if value else "zeros"]
        case (("constant" | "normal" | "uniform" | "orthogonal" | "hadamard"), *_):
            return list(law)
    return [SCHEMES[law]] if law in SCHEMES else None
