"""Writes or checks tests/vectors/link.txt, the one case table of the serial link for Python and C++.

    python -m tests.tools.make_link_vectors --check
    python -m tests.tools.make_link_vectors --overwrite

Nothing here comes from ``kws_reference.protocol`` or ``kws_host``: the layouts are typed here a second time, byte
stuffing is written another way, and what a stream must decode to is stated, so that the cases prove the protocol's
table and both codecs and do not repeat a fault of theirs.
"""

import argparse
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "tests" / "vectors" / "link.txt"
SEED = 20240601
VERSION = 1
MAX_PAYLOAD_BYTES = 768
MAX_FRAME_BYTES = 4 + MAX_PAYLOAD_BYTES + 4

# Name of a message -> its type and its fields. Kinds: a letter of `struct` (B u8, H u16, I u32, Q u64), "sha256",
# "text" (a length byte first), "bytes:", "samples:" (two bytes each) and "numbers:" with the letter of the count before
# them, then, of numbers, the letter of an item where that is not I.
_REGISTERS = ("type", "pc", "lr", "sp", "xpsr", "cfsr", "hfsr", "mmfar", "bfar")
_COUNTERS = (
    *("frames_ok", "frames_bad_cobs", "frames_too_short", "frames_too_long", "frames_bad_crc", "frames_repeated"),
    *("errors_sent", "serial_overruns", "audio_gaps", "audio_overruns", "audio_repeated_bytes", "steps", "detections"),
    *("stack_size_bytes", "stack_used_bytes", "state_bytes", "scratch_bytes", "weights_bytes", "frontend_bytes"),
    *("detector_bytes", "link_bytes", "audio_ring_bytes", "microphone_samples", "microphone_lost_samples"),
)
LAYOUTS: dict[str, tuple[int, dict[str, str]]] = {
    "info": (
        0x81,
        {
            "clock_kind": "B",
            "tick_numerator": "I",
            "tick_denominator": "I",
            "sample_rate_hz": "I",
            "window_samples": "H",
            "hop_samples": "H",
            "frames_per_step": "B",
            "feature_count": "B",
            "label_count": "B",
            "state_count": "B",
            "layer_count": "H",
            "max_payload_bytes": "H",
            "credit_window_bytes": "I",
            "state_bytes": "I",
            "scratch_bytes": "I",
            "weights_bytes": "I",
            "stack_size_bytes": "I",
            "model_sha256": "sha256",
            "firmware_version": "text",
            "board": "text",
            "engine": "text",
            "model_name": "text",
        },
    ),
    "step": (
        0x91,
        {
            "step": "I",
            "audio_crc": "I",
            "frontend_ticks": "I",
            "engine_ticks": "I",
            "detector_ticks": "I",
            "top_label": "B",
            "top_smoothed_q15": "H",
            "scores": "bytes:B",
            "features": "bytes:H",
        },
    ),
    "detection": (0x92, {"step": "I", "label": "B", "smoothed_q15": "H"}),
    "bench": (
        0x85,
        {
            "steps": "I",
            "frontend_ticks": "Q",
            "engine_ticks": "Q",
            "detector_ticks": "Q",
            "first_layer": "H",
            "layer_ticks": "numbers:B",
            "awake_ticks": "Q",
        },
    ),
    "stats": (0x86, dict.fromkeys(_COUNTERS, "I")),
    "fault": (0x87, dict.fromkeys(("count", *_REGISTERS), "I")),
    "credit": (0x83, {"received_bytes": "I", "limit_bytes": "I"}),
    "error": (0x9F, {"code": "B", "request_type": "B", "detail": "I"}),
    "hello": (0x90, {"starts": "I", "faults": "I"}),
    "state_digest": (0x93, {"step": "I", "crcs": "numbers:B"}),
    "frontend_digest": (0x94, {"step": "I", "crcs": "numbers:B", "ticks": "numbers:B"}),
    "detector": (
        0x8A,
        {
            "origin": "B",
            "max_smoothing_steps": "B",
            "smoothing_steps": "B",
            "run_steps": "B",
            "refractory_steps": "H",
            "quiet_steps": "H",
            "first_label": "B",
            "levels": "numbers:H:H",
        },
    ),
    "audio_heard": (0x95, {"first_sample": "I", "pcm": "samples:H"}),
}

GET_INFO, AUDIO = 0x01, 0x03
AUDIO_GAP = 4


def cobs(data: bytes) -> bytes:
    """Stuffs byte by byte: each block is its code and what it counts; a zero ends a block, and so do 254 bytes."""
    blocks, block = [], bytearray()
    ended_by_zero = True
    for byte in data:
        if byte:
            block.append(byte)
        if not byte or len(block) == 254:
            blocks.append(bytes([len(block) + 1]) + block)
            block.clear()
            ended_by_zero = not byte
    if block or ended_by_zero:
        blocks.append(bytes([len(block) + 1]) + block)
    return b"".join(blocks)


def frame(kind: int, seq: int, payload: bytes = b"", version: int = VERSION) -> bytes:
    """The wire form of one frame."""
    body = bytes([version, kind, seq & 0xFF, seq >> 8]) + payload
    return b"\0" + cobs(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"


def payload_of(name: str, values: dict[str, Any]) -> bytes:
    """Packs a message's values as its layout says."""
    _, layout = LAYOUTS[name]
    assert list(values) == list(layout), name
    parts = []
    for field, kind in layout.items():
        value = values[field]
        match kind.split(":"):
            case ["sha256"]:
                parts.append(value)
            case ["text"]:
                parts.append(bytes([len(value.encode())]) + value.encode())
            case ["bytes", count]:
                parts.append(struct.pack("<" + count, len(value)) + value)
            case ["samples", count]:
                parts.append(struct.pack("<" + count, len(value) // 2) + value)
            case ["numbers", count, *letter]:
                item = letter[0] if letter else "I"
                parts.append(struct.pack("<" + count, len(value)) + struct.pack(f"<{len(value)}{item}", *value))
            case [letter]:
                parts.append(struct.pack("<" + letter, value))
    return b"".join(parts)


def _hex(data: bytes) -> str:
    return data.hex() or "-"


def _payloads() -> list[bytes]:
    rng = random.Random(SEED)
    cases = [b"", b"\0", b"\0\0", b"\x01", b"\xff", b"123456789", bytes(range(256))]
    for size in (253, 254, 255, 507, 508, 509, MAX_PAYLOAD_BYTES):
        cases += [b"\x55" * size, bytes(rng.randrange(1, 256) for _ in range(size)) + b"\0", b"\0" + b"\xaa" * size]
    cases += [rng.randbytes(rng.randrange(1, 600)) for _ in range(8)]
    return cases


def _messages() -> list[tuple[str, dict[str, object]]]:
    """Every message that the device writes whole, with values at the ends of their ranges."""

    def named(name: str, *values: object) -> tuple[str, dict[str, object]]:
        return name, dict(zip(LAYOUTS[name][1], values, strict=True))

    info = [
        *(1, 5, 8, 16000, 480, 160, 2, 40, 12, 6, 17, MAX_PAYLOAD_BYTES, 2048, 13_000, 4_200, 88_000, 8192),
        *(bytes(range(32)), "0.1.0", "mps2_an386", "aot", "matchbox_kit12"),
    ]
    no_clock = [0, 1, *info[2:18], "0.1.0", "", "aot", "é" * 9]
    registers = (3, 0x1234, 0xFFFFFFF9, 0x2001FF00, 0x01000003, 0x00020000, 0x40000000, 0xE000ED34, 0xE000ED38)
    scores = bytes((value * 37) % 256 for value in range(12))
    features = bytes((value * 91 + 3) % 256 for value in range(80))
    return [
        named("info", *info),
        named("info", *no_clock),
        named("step", 0, 0xCBF43926, 60_000, 700_000, 900, 2, 31_000, scores, b""),
        named("step", 0xFFFFFFFF, 0, 0, 0xFFFFFFFF, 0, 255, 32_767, scores[:2], features),
        named("detection", 49, 11, 32_767),
        named("detection", 0, 0, 1),
        named("bench", 49, 1 << 33, 0xFFFFFFFFFF, 1, 0, (1, 0, 0xFFFFFFFF), 1 << 40),
        named("bench", 0, 0, 0, 0, 17, (), 0),
        named("stats", *(0x01000000 * (index % 7) + index for index in range(len(_COUNTERS)))),
        named("fault", 1, *registers),
        named("fault", *[0] * 10),
        named("credit", 640, 2688),
        named("error", AUDIO_GAP, AUDIO, 0x80000000),
        named("hello", 2, 1),
        named("state_digest", 7, (0, 0xFFFFFFFF, 0x12345678)),
        named("state_digest", 0, ()),
        named("detector", 2, 16, 5, 15, 40, 65535, 0, (32768, 32768, 0, 32768, 20000, 25000, 9000, 1)),
        named("detector", 0, 255, 1, 1, 0, 0, 255, ()),
        named("audio_heard", 0, bytes.fromhex("ff7f00800000ffff0100")),
        named("audio_heard", 0xFFFFFF60, b""),
        named("frontend_digest", 3, (5, 0xFFFFFFFF, 0, 0x80000000, 1), (9, 8, 7, 6, 0xFFFFFFFF)),
    ]


def _fields(name: str, values: dict[str, Any]) -> str:
    parts = []
    for field, kind in LAYOUTS[name][1].items():
        value = values[field]
        if kind == "text":
            text = "text:" + value.encode().hex()
        elif kind.startswith("numbers"):
            text = ",".join(map(str, value)) or "-"
        elif isinstance(value, bytes):
            text = _hex(value)
        else:
            text = str(value)
        parts.append(f"{field}={text}")
    return " ".join(parts)


def _streams() -> list[tuple[str, bytes, list[str]]]:
    """Name, bytes of the wire, and what a receiver must make of them."""
    rng = random.Random(SEED + 1)
    good, good_event = frame(GET_INFO, 7), "frame,1,1,7,-"
    pcm = bytes(range(1, 201)) + b"\0\0\1"
    audio, audio_event = frame(AUDIO, 8, pcm), f"frame,1,3,8,{pcm.hex()}"
    too_long, much_too_long = cobs(b"\x11" * (MAX_FRAME_BYTES + 1)), cobs(b"\x11" * 5 * MAX_FRAME_BYTES)
    longest = b"\x22" * MAX_PAYLOAD_BYTES
    flipped = bytearray(audio)
    flipped[20] ^= 0x10
    body = b"\x01\x01\x00"
    short = cobs(body + zlib.crc32(body).to_bytes(4, "little"))
    other_version, unknown_type = frame(GET_INFO, 1, version=2), frame(0x7F, 2, b"x")
    return [
        ("boot_text_then_frame", b"Boot 1.0\r\nready\r\n" + good, ["drop,bad_cobs", good_event]),
        ("two_frames_share_nothing", good + audio, [good_event, audio_event]),
        ("two_frames_share_a_delimiter", good + audio[1:], [good_event, audio_event]),
        ("repeated_frame", good + good, [good_event] * 2),
        ("only_delimiters", b"\0" * 9, []),
        ("flipped_bit_then_frame", bytes(flipped) + good, ["drop,bad_crc", good_event]),
        ("truncated_then_frame", audio[:100] + good, ["drop,bad_cobs", good_event]),
        ("cut_at_block_end_then_frame", b"\0\x03\x01\x01\0" + good, ["drop,too_short", good_event]),
        ("too_short_crc_right", b"\0" + short + b"\0" + good, ["drop,too_short", good_event]),
        ("empty_body", b"\0\x01\0" + good, ["drop,too_short", good_event]),
        ("one_byte_too_long", b"\0" + too_long + b"\0" + good, ["drop,too_long", good_event]),
        ("much_too_long_text", b"\0" + much_too_long[:3000] + b"\0" + good, ["drop,too_long", good_event]),
        ("longest_frame", frame(AUDIO, 9, longest) + good, [f"frame,1,3,9,{longest.hex()}", good_event]),
        ("other_version", other_version + good, ["frame,2,1,1,-", good_event]),
        ("unknown_type", unknown_type + good, ["frame,1,127,2,78", good_event]),
        ("bad_block_end", b"\0\x05\x01\x02\0" + good, ["drop,bad_cobs", good_event]),
        ("full_block_end", b"\0" + cobs(b"\x33" * 254) + b"\0" + good, ["drop,bad_crc", good_event]),
        # Holds four zeros, each of them in the middle of a block.
        ("random_bytes", rng.randbytes(700) + b"\0" + good, ["drop,bad_cobs"] * 4 + [good_event]),
    ]


def render() -> str:
    """Returns the text of the table."""
    lines = [
        "# Cases of the serial link, for Python and C++ alike: python -m tests.tools.make_link_vectors --overwrite",
        f"# protocol version {VERSION}, seed {SEED}. Bytes in hex, - for none.",
        "#   crc DATA CRC32 | cobs DECODED ENCODED | frame VERSION TYPE SEQ PAYLOAD WIRE",
        "#   message NAME FIELD=VALUE... SEQ WIRE | stream NAME WIRE EVENT...",
    ]
    for data in _payloads():
        lines.append(f"crc {_hex(data)} {zlib.crc32(data):08x}")
    for data in _payloads():
        lines.append(f"cobs {_hex(data)} {_hex(cobs(data))}")
    for index, data in enumerate(_payloads()):
        if len(data) > MAX_PAYLOAD_BYTES:
            continue
        kind, seq = (index * 29) % 256, (index * 4099) % 65536
        lines.append(f"frame {VERSION} {kind} {seq} {_hex(data)} {_hex(frame(kind, seq, data))}")
    for seq, (name, values) in enumerate(_messages()):
        wire = frame(LAYOUTS[name][0], seq, payload_of(name, values))
        lines.append(f"message {name} {_fields(name, values)} {seq} {_hex(wire)}")
    for name, data, events in _streams():
        lines.append(" ".join(["stream", name, _hex(data), *events]))
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, or 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    action.add_argument("--overwrite", action="store_true", help="write the file")
    if parser.parse_args(argv).overwrite:
        PATH.write_text(render(), newline="\n")
        return 0
    if not PATH.exists() or PATH.read_text() != render():
        print(
            f"{PATH.name} is not what the generator gives: run it with --overwrite and read the difference",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
