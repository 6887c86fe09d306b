"""The page's pictures: what fc1's units weigh at which epoch."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from stages.analysis import initializations
from stages.analysis.results import Results
from stages.analysis.study import BASELINE, Study, Variant

# From blue over white to red, which readers with any colour vision tell apart (ColorBrewer's
# RdBu, colorbrewer2.org).
BLUE, RED = ((33, 102, 172), (146, 197, 222)), ((178, 24, 43), (244, 165, 130))
LEVELS = 7  # on either side of white: 4 bits a pixel
SIDE, GAP = 28, 2  # pixels of a unit's image, and between two (transparent)
SATURATED = 0.995  # of the weights keep their shade; the rest have the darkest


def films(study: Study, results: Results, path: Path) -> dict[str, Any]:
    """fc1's first units as images, for every variant and epoch that was kept.

    `path` is the file of snapshots. `images` are data: URIs, every one there once; a variant's
    `frames` name theirs, with their epoch and what a reader who cannot see them has to know.

    Units that start nearly alike are pictured `relative` to their mean. Where every unit has
    copies and they stay equal, as the number of distinct units tells, a unit stands beside its
    `twins`, which are seldom among the first that were kept.
    """
    kept = load_file(path)
    images: dict[str, int] = {}
    found = {}
    for name, variant in study.variants.items():
        epochs, levels, (largest,) = (
            kept[f"{name}/{key}"] for key in ("epoch", "fc1.weight", "largest")
        )
        if levels.shape[2] != SIDE**2:
            continue
        rows = results.probes.query("variant == @name and layer == 'fc1' and seed == 0")
        distinct = rows.set_index("epoch")["distinct_units"].to_dict()
        levels, unit = levels.astype(int), float(largest) / 127
        if relative := distinct[0] > 1 and nearly_alike(levels[0]):
            levels, unit = from_mean(levels), unit / levels.shape[1]
        if twins := stay_equal(variant, [distinct[epoch] for epoch in epochs.tolist()]):
            levels = levels[:, np.arange(levels.shape[1]) // initializations.copies(variant.plan)]
        steps = np.sort(np.abs(levels).ravel())
        limit = steps[int(SATURATED * (len(steps) - 1))] or steps[-1]
        frames = []
        for epoch, units in zip(epochs.tolist(), levels, strict=True):
            image = images.setdefault(as_png(shades(units, limit)), len(images))
            frames.append({"epoch": epoch, "image": image, "alt": described(units, relative)})
        found[name] = {
            "frames": frames,
            "width": variant.hidden[0],
            "scale": f"{unit * limit:.2g}",
            "distinct": distinct,
            "relative": relative,
            "twins": twins,
        }
    # Shown beside each other at first.
    pair = sorted(found, key=lambda name: name not in (BASELINE, "all_ones"))[:2]
    return {"images": list(images), "variants": found, "pair": pair}


def stay_equal(variant: Variant, distinct: list[int]) -> bool:
    """Whether every unit of fc1 has copies, and no more units are distinct at any time."""
    copies = initializations.copies(variant.plan)
    return copies > 1 and max(distinct) * copies <= variant.hidden[0]


def nearly_alike(units: np.ndarray) -> bool:
    """Whether units `[units, pixels]`, integers, have far more in common than they differ by.

    What is common is the mean unit. Its root mean square is more than four times that of the
    differences from it, so that in one scale of colours no difference would be seen.
    """
    common = (units.sum(0) ** 2).sum()
    return bool(common * len(units) > 16 * (from_mean(units[None]) ** 2).sum())


def from_mean(levels: np.ndarray) -> np.ndarray:
    """Units' differences from their mean `[pictures, units, pixels]`, times the number of units.

    Integers, and so exact.
    """
    return levels.shape[1] * levels - levels.sum(1, keepdims=True)


def shades(units: np.ndarray, limit: int) -> np.ndarray:
    """Weights `[units, pixels]`, integers, as shades 0 … 2·LEVELS, and 2·LEVELS + 1 for gaps.

    Eight units a row. `limit` and more is the darkest; white is 0 alone.
    """
    values = units.astype(float) / max(limit, 1) * LEVELS
    # Away from 0: what is not 0 has a colour.
    whole = (np.sign(values) * np.ceil(np.abs(values))).clip(-LEVELS, LEVELS).astype(int)
    columns, step = min(8, len(whole)), SIDE + GAP
    rows = -(-len(whole) // columns)
    picture = np.full((rows * step - GAP, columns * step - GAP), 2 * LEVELS + 1)
    for i, unit in enumerate(whole):
        top, left = i // columns * step, i % columns * step
        picture[top : top + SIDE, left : left + SIDE] = unit.reshape(SIDE, SIDE) + LEVELS
    return picture


def as_png(picture: np.ndarray) -> str:
    """Shades as a data: URI."""
    image = Image.fromarray(picture.astype(np.uint8), "P")
    image.putpalette(palette())
    file = io.BytesIO()
    image.save(file, "PNG", bits=4, optimize=True, transparency=2 * LEVELS + 1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def palette() -> list[int]:
    """Red, green and blue of every shade, from the most negative to the most positive."""
    anchors = np.array([BLUE[0], BLUE[1], (255, 255, 255), RED[1], RED[0]])
    places = np.linspace(-1, 1, 2 * LEVELS + 1)
    channels = [np.interp(places, (-1, -0.5, 0, 0.5, 1), channel) for channel in anchors.T]
    return [*np.rint(np.transpose(channels)).astype(int).ravel().tolist(), 0, 0, 0]


def described(units: np.ndarray, relative: bool = False) -> str:
    """What a picture of units `[units, pixels]` shows, for those who cannot see it.

    `relative` to their mean.
    """
    count, different = len(units), len(np.unique(units, axis=0))
    if not units.any() and relative:
        return f"{count} blank images: the units differ by less than a picture can show"
    if not units.any():
        return f"{count} blank images: all weights are exactly 0"
    if different == 1:
        return f"{count} images that look the same"
    return f"{count} images, {'all' if different == count else different} different"
