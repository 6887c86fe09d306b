"""Bytes packed into a page: deflated, and in base64."""

import base64
import io
import struct

import numpy as np
from PIL import Image


def packed(content: bytes) -> str:
    """A byte 0 and the content, in a form for a browser's DecompressionStream("deflate").

    Pillow deflates them as the data of a PNG with one row. Python's own zlib differs between
    machines, and so would its bytes.
    """
    row = Image.fromarray(np.frombuffer(content, np.uint8)[None], "P")  # a palette is not filtered
    row.putpalette([0] * 3 * 256)
    file = io.BytesIO()
    row.save(file, "PNG", bits=8, optimize=True)
    return base64.b64encode(b"".join(data_chunks(file.getvalue()))).decode()


def data_chunks(png: bytes) -> list[bytes]:
    """The IDAT chunks of a PNG (w3.org/TR/png, section 5: length, type, data, sum)."""
    found, at = [], 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            found.append(png[at + 8 : at + 8 + length])
        at += 12 + length
    return found
