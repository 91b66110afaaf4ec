"""Random and damaged bytes of the serial link, and what Python's decoder makes of them."""

import random

from kws_host import cobs
from kws_host.frame import Frame
from kws_reference.protocol.messages import MAX_PAYLOAD_BYTES

from tests.support.link_vectors import events


def cases(count: int, seed: int) -> str:
    """Returns lines for `link_vectors.js`: ``once WIRE EVENT...``. Args: count: of them. seed: of all."""
    rng = random.Random(seed)
    return "".join(f"once {(wire := _wire(rng)).hex() or '-'} {' '.join(events(wire, 10**9))}\n" for _ in range(count))


def _wire(rng: random.Random) -> bytes:
    kind = rng.randrange(8)
    if kind == 0:  # noise, with delimiters now and then
        return bytes(rng.choice((0, 1, 2, 255, rng.randrange(256))) for _ in range(rng.randrange(40)))
    if kind == 1:  # right stuffing of a wrong body
        return b"\0" + cobs.encode(rng.randbytes(rng.randrange(30))) + b"\0"
    if kind == 2:  # about as long as a frame may be
        body = rng.randbytes(MAX_PAYLOAD_BYTES + rng.randrange(4, 12)).replace(b"\0", rng.choice((b"\0", b"\1")))
        return b"\0" + cobs.encode(body) + rng.choice((b"\0", b"\1\0", b"\2\0"))
    wire = bytearray(Frame(rng.randrange(256), rng.randrange(65536), _payload(rng), rng.choice((1, 1, 2))).encode())
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(wire))
        match rng.randrange(4):
            case 0:
                wire[at] ^= 1 << rng.randrange(8)
            case 1:
                del wire[at : at + rng.randrange(1, 5)]
            case 2:
                wire[at:at] = rng.randbytes(rng.randrange(1, 5))
            case _:
                wire[at] = rng.choice((0, 1, 255))
        if not wire:
            break
    return bytes(wire)


def _payload(rng: random.Random) -> bytes:
    size = rng.choice((rng.randrange(12), rng.randrange(60), rng.choice((249, 250, 251, 252, 600))))
    return rng.randbytes(size) if rng.randrange(3) else bytes(size)
