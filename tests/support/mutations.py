"""Damaged files: bytes and words changed, ends cut off."""

import random
from collections.abc import Iterator

_WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutations(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """`count` damaged forms of a file; most damage is near its ends, where a flatbuffer keeps its structure."""
    rng = random.Random(seed)
    for _ in range(count):
        changed = bytearray(data)
        if rng.random() < 0.1:
            yield bytes(changed[: rng.randrange(len(changed))])
            continue
        for _ in range(rng.choice((1, 1, 2, 4))):
            _damage(changed, rng)
        yield bytes(changed)


def _damage(data: bytearray, rng: random.Random) -> None:
    size, near = len(data), min(4000, len(data))
    position = rng.choice((rng.randrange(size), rng.randrange(near), size - 1 - rng.randrange(near)))
    if rng.random() < 0.5:
        data[position] = rng.randrange(256)
    else:
        word = rng.choice((*_WORDS, size)).to_bytes(4, "little")[: size - position]
        data[position : position + len(word)] = word
