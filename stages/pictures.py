"""The page's pictures: what fc1's units weigh at which epoch."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from stages.measured import Measured
from stages.params import Params
from stages.reasons import SIDE
from stages.summary import BASELINE

# From blue over white to red, which readers with any colour vision tell apart (ColorBrewer's
# RdBu, colorbrewer2.org).
BLUE, RED = ((33, 102, 172), (146, 197, 222)), ((178, 24, 43), (244, 165, 130))
LEVELS = 7  # on either side of white: 4 bits a pixel
GAP = 2  # pixels between two units, transparent
SATURATED = 0.995  # of the weights keep their shade; the rest have the darkest


def films(settings: Params, results: Measured, runs: Path) -> dict:
    """fc1's first units as images, for every variant and epoch that was kept.

    `images` are data: URIs, every one there once; a variant's `frames` name theirs, with
    their epoch and what a reader who cannot see them has to know.
    """
    images: dict[str, int] = {}
    found = {}
    for variant in settings.variants:
        file = load_file(runs / variant / "snapshots.safetensors")
        levels, largest = file["fc1.weight"], float(file["largest"][0])
        if levels.shape[2] != SIDE**2:
            continue
        steps = np.sort(np.abs(levels.astype(int)).ravel())
        limit = steps[int(SATURATED * (len(steps) - 1))] or steps[-1]
        frames = []
        for epoch, units in zip(file["epoch"].tolist(), levels, strict=True):
            image = images.setdefault(as_png(shades(units, limit)), len(images))
            frames.append({"epoch": epoch, "image": image, "alt": described(units)})
        found[variant] = {
            "frames": frames,
            "units": levels.shape[1],
            "width": settings.network_of(variant).hidden[0],
            "scale": f"{largest * limit / 127:.2g}",
            "distinct": distinct(results, variant),
        }
    return {"images": list(images), "variants": found}


def shades(units: np.ndarray, limit: int) -> np.ndarray:
    """Weights `[units, pixels]`, int8, as shades 0 … 2·LEVELS, and 2·LEVELS + 1 for gaps.

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
    return [int(x) for shade in range(-LEVELS, LEVELS + 1) for x in _color(shade)] + [0, 0, 0]


def _color(shade: int) -> np.ndarray:
    dark, middle = np.array(RED if shade > 0 else BLUE, float)
    white = np.full(3, 255.0)
    t = abs(shade) / LEVELS
    if t < 0.5:
        return np.rint(white + (middle - white) * 2 * t)
    return np.rint(middle + (dark - middle) * (2 * t - 1))


def described(units: np.ndarray) -> str:
    """What a picture of units `[units, pixels]` shows, for those who cannot see it."""
    count = len(units)
    if not units.any():
        return f"{count} blank images: all weights are exactly 0"
    different = len(np.unique(units, axis=0))
    if different == 1:
        return f"{count} images that look the same"
    return f"{count} images, {'all' if different == count else different} different"


def distinct(results: Measured, variant: str) -> dict[int, list[int]]:
    """How many of all units of fc1 are distinct in the pictured seed, by epoch."""
    rows = results.probes[results.probes["variant"] == variant]
    rows = rows[(rows["layer"] == results.layers(variant)[0]) & (rows["seed"] == 0)]
    return dict(zip(rows["epoch"].tolist(), rows["distinct_units"].tolist(), strict=True))


def pair(films: dict) -> list[str]:
    """The two variants whose units are shown beside each other at first."""
    there = [v for v in (BASELINE, "all_ones") if v in films["variants"]]
    others = [v for v in films["variants"] if v not in there]
    return (there + others)[:2]
