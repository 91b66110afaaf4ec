"""Pictures of few colours as PNG, without a library of pictures (W3C, Portable Network Graphics, third edition)."""

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np


def png(pixels: np.ndarray, colours: Sequence[str]) -> bytes:
    """Returns a PNG file.

    Args:
      pixels: uint8 ``[rows, columns]``, indices into the colours.
      colours: ``#rrggbb`` each, at most 256.
    """
    rows, columns = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)  # 8 bits, a palette
    lines = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))
    palette = b"".join(bytes.fromhex(colour[1:]) for colour in colours)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def data_url(kind: str, data: bytes) -> str:
    """A file in the place of a link to it. Args: kind: ``image/png``."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
