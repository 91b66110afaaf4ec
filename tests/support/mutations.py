"""Damaged files: bytes and words changed, ends cut off; of JSON also values."""

import copy
import json
import random
from collections.abc import Iterator

_WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_VALUES = (
    *(None, True, False, 0, -1, 1, 2, 255, 256, 65536, 1 << 31, (1 << 63) - 1, 1 << 64, 10**400, -(10**30)),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", "a", "\n", "\x00", "../../etc", "é" * 300, "\ud800", "int8", "yes", [], [[]], {}, {"": None}, [0] * 1000),
)


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


def json_mutations(value: dict, count: int, seed: int = 0) -> Iterator[bytes]:
    """`count` damaged forms of a JSON file: mostly values that are another, gone or doubled, sometimes bytes."""
    rng = random.Random(seed)
    whole = json.dumps(value).encode()
    for _ in range(count):
        if rng.random() < 0.2:
            yield next(mutations(whole, 1, rng.randrange(1 << 30)))
            continue
        changed = copy.deepcopy(value)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            _damage_json(changed, rng)
        yield json.dumps(changed).encode()


def _damage_json(value: dict, rng: random.Random) -> None:
    places = list(_places(value))
    if not places:
        return
    holder, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.15:
        del holder[key]
    elif kind < 0.25 and isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    elif kind < 0.4 and isinstance(holder[key], int | float):
        holder[key] = holder[key] + rng.choice((-1, 1, 0.5))
    elif kind < 0.5:
        other, other_key = rng.choice(places)
        holder[key] = copy.deepcopy(other[other_key])
    else:
        holder[key] = copy.deepcopy(rng.choice(_VALUES))


def _places(value: object) -> Iterator[tuple]:
    """Every holder and key of a JSON value."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
