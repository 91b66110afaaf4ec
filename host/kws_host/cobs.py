"""Consistent overhead byte stuffing: any bytes become bytes without 0x00, which then delimits frames.

The host's twin of ``firmware/include/kws/cobs.h``; ``host/PROTOCOL.md`` shows the layout of a block.
"""

from kws_reference.protocol.wire import ProtocolError


def encode(data: bytes) -> bytes:
    """Returns ``data`` without any 0x00 byte, at most ``len // 254 + 1`` bytes longer."""
    out = bytearray()
    for index, group in enumerate(groups := data.split(b"\0")):
        # A group is the bytes up to a zero; blocks of 254 cut it, and a full block stands for no zero.
        while len(group) > 254:
            out.append(255)
            out += group[:254]
            group = group[254:]
        out.append(len(group) + 1)
        out += group
        if len(group) == 254 and index < len(groups) - 1:
            out.append(1)  # the zero after a full block needs a block of its own
    return bytes(out)


def decode(data: bytes) -> bytes:
    """Inverse of `encode`; ``data`` holds no delimiter.

    Raises:
      ProtocolError: ``bad_cobs``, the bytes end in the middle of a block or hold a 0x00.
    """
    out = bytearray()
    position, size = 0, len(data)
    while position < size:
        code = data[position]
        block = data[position + 1 : position + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            raise ProtocolError("bad_cobs")
        out += block
        position += code
        if code != 255 and position < size:
            out.append(0)
    return bytes(out)


def decoded_length(encoded: bytes) -> int:
    """Bytes that a device, which stores them as they come, holds when ``encoded`` ends, complete or not."""
    length, position = 0, 0
    while position < len(encoded):
        code = encoded[position]
        length += min(code - 1, len(encoded) - position - 1)
        position += code
        if code != 255 and position < len(encoded):
            length += 1
    return length
