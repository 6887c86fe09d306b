"""The page's pictures: the weights of the first layer's units, by epoch."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from stages.analysis import initializations
from stages.analysis.report import Report
from stages.analysis.study import BASELINE, Variant

# From blue over white to red, distinct with any colour vision (ColorBrewer's RdBu,
# colorbrewer2.org).
COLORS = ((33, 102, 172), (146, 197, 222), (255, 255, 255), (244, 165, 130), (178, 24, 43))
LEVELS = 7  # on either side of white: 4 bits a pixel
SIDE, GAP, COLUMNS = 28, 2, 8  # pixels of a unit's image and between two; images in a row
SATURATED = 0.995  # of the weights keep their shade; the rest have the darkest


def films(report: Report) -> dict[str, Any]:
    """The first layer's first units as images, for every variant and epoch that was kept.

    `images` are data: URIs without repetition; a variant's `frames` name theirs, with their epoch
    and an alternative text. Units that start nearly alike are shown `relative` to their mean. Where
    every unit has copies that stay equal, a unit stands next to its `twins`.
    """
    kept = load_file(report.tables / "snapshots.safetensors")
    images: dict[str, int] = {}
    found = {}
    for name, variant in report.study.variants.items():
        if f"{name}/epoch" not in kept:  # its first layer does not see pixels one by one
            continue
        epochs, levels, (largest,) = (
            kept[f"{name}/{key}"] for key in ("epoch", "fc1.weight", "largest")
        )
        if levels.shape[2] != SIDE**2:
            continue
        probes = report.results.probes
        of_first = (probes["variant"] == name) & (probes["layer"] == variant.layers[0])
        rows = probes[of_first & (probes["seed"] == 0)]
        distinct = rows.set_index("epoch")["distinct_units"].to_dict()
        levels, unit = levels.astype(int), float(largest) / 127
        if relative := distinct[0] > 1 and nearly_alike(levels[0]):
            levels, unit = from_mean(levels), unit / levels.shape[1]
        if twins := stay_equal(variant, [distinct[epoch] for epoch in epochs.tolist()]):
            # The copies of the first units are seldom among the units that were kept.
            levels = levels[:, np.arange(levels.shape[1]) // initializations.copies(variant.plan)]
        steps = np.sort(np.abs(levels).ravel())
        limit = steps[int(SATURATED * (len(steps) - 1))] or steps[-1]
        frames = []
        for epoch, units in zip(epochs.tolist(), levels, strict=True):
            image = images.setdefault(as_png(shades(units, limit)), len(images))
            frames.append({"epoch": epoch, "image": image, "alt": described(units, relative)})
        found[name] = {
            "frames": frames, "width": variant.width, "scale": f"{unit * limit:.2g}",
            "distinct": distinct, "relative": relative, "twins": twins,
        }  # fmt: skip
    # The two that the page shows first.
    pair = sorted(found, key=lambda name: name not in (BASELINE, "all_ones"))[:2]
    return {"images": list(images), "variants": found, "pair": pair}


def stay_equal(variant: Variant, distinct: list[int]) -> bool:
    """Whether every unit of the first layer has copies, and these are equal at all epochs."""
    copies = initializations.copies(variant.plan)
    return copies > 1 and max(distinct) * copies <= variant.width


def nearly_alike(units: np.ndarray) -> bool:
    """Whether units `[units, pixels]`, integers, differ too little for one scale of colours.

    The root mean square of their mean is more than four times that of their differences from it.
    """
    mean = (units.sum(0) ** 2).sum()
    return bool(mean * len(units) > 16 * (from_mean(units[None]) ** 2).sum())


def from_mean(levels: np.ndarray) -> np.ndarray:
    """Units' differences from their mean `[pictures, units, pixels]`, times the number of units.

    Integers, and so exact.
    """
    return levels.shape[1] * levels - levels.sum(1, keepdims=True)


def shades(units: np.ndarray, limit: int) -> np.ndarray:
    """Weights `[units, pixels]`, integers, as shades 0 … 2·LEVELS, and 2·LEVELS + 1 for gaps.

    A size of `limit` or more is the darkest; white is 0 alone.
    """
    values = units.astype(float) / max(limit, 1) * LEVELS
    # Rounded away from 0: every other value has a colour.
    whole = (np.sign(values) * np.ceil(np.abs(values))).clip(-LEVELS, LEVELS).astype(int)
    return mosaic(whole + LEVELS, 2 * LEVELS + 1)


def mosaic(units: np.ndarray, between: float) -> np.ndarray:
    """Units `[units, pixels]` as one picture, with COLUMNS images in a row and gaps `between`."""
    columns, step = min(COLUMNS, len(units)), SIDE + GAP
    rows = -(-len(units) // columns)
    picture = np.full((rows * step - GAP, columns * step - GAP), between)
    for i, unit in enumerate(units):
        top, left = i // columns * step, i % columns * step
        picture[top : top + SIDE, left : left + SIDE] = unit.reshape(SIDE, SIDE)
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
    places = np.linspace(-1, 1, 2 * LEVELS + 1)
    channels = [np.interp(places, (-1, -0.5, 0, 0.5, 1), one) for one in np.transpose(COLORS)]
    return [*np.rint(np.transpose(channels)).astype(int).ravel().tolist(), 0, 0, 0]


def described(units: np.ndarray, relative: bool = False) -> str:
    """The alternative text of a picture of units `[units, pixels]`, `relative` to their mean."""
    count, different = len(units), len(np.unique(units, axis=0))
    if not units.any():
        small = "the units differ by less than a picture can show"
        return f"{count} blank images: {small if relative else 'all weights are exactly 0'}"
    if different == 1:
        return f"{count} images that look the same"
    return f"{count} images, {'all' if different == count else different} different"
