"""The page's pictures: what fc1's units weigh at which epoch."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from stages.analysis.results import Results
from stages.analysis.study import BASELINE, Study

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
        steps = np.sort(np.abs(levels.astype(int)).ravel())
        limit = steps[int(SATURATED * (len(steps) - 1))] or steps[-1]
        frames = []
        for epoch, units in zip(epochs.tolist(), levels, strict=True):
            image = images.setdefault(as_png(shades(units, limit)), len(images))
            frames.append({"epoch": epoch, "image": image, "alt": described(units)})
        rows = results.probes.query("variant == @name and layer == 'fc1' and seed == 0")
        found[name] = {
            "frames": frames,
            "width": variant.hidden[0],
            "scale": f"{float(largest) * limit / 127:.2g}",
            "distinct": rows.set_index("epoch")["distinct_units"].to_dict(),
        }
    # Shown beside each other at first.
    pair = sorted(found, key=lambda name: name not in (BASELINE, "all_ones"))[:2]
    return {"images": list(images), "variants": found, "pair": pair}


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
    anchors = np.array([BLUE[0], BLUE[1], (255, 255, 255), RED[1], RED[0]])
    places = np.linspace(-1, 1, 2 * LEVELS + 1)
    channels = [np.interp(places, (-1, -0.5, 0, 0.5, 1), channel) for channel in anchors.T]
    return [*np.rint(np.transpose(channels)).astype(int).ravel().tolist(), 0, 0, 0]


def described(units: np.ndarray) -> str:
    """What a picture of units `[units, pixels]` shows, for those who cannot see it."""
    count, different = len(units), len(np.unique(units, axis=0))
    if not units.any():
        return f"{count} blank images: all weights are exactly 0"
    if different == 1:
        return f"{count} images that look the same"
    return f"{count} images, {'all' if different == count else different} different"
