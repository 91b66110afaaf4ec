"""Writes or checks tests/vectors/link.txt, the one case table of the serial link for Python and C++.

    python -m tests.tools.make_link_vectors --check
    python -m tests.tools.make_link_vectors --overwrite

The expected bytes come from host/kws_host/protocol.py; `test_protocol.py` holds that module against bytes worked out by
hand and against properties, so that the table does not merely repeat a fault of it.
"""

import argparse
import dataclasses
import random
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host"), str(ROOT / "training")]

from kws_host import protocol  # noqa: E402
from kws_host.protocol import Frame, MessageType  # noqa: E402

PATH = ROOT / "tests" / "vectors" / "link.txt"
SEED = 20240601


def _hex(data: bytes) -> str:
    return data.hex() or "-"


def _payloads() -> list[bytes]:
    rng = random.Random(SEED)
    cases = [b"", b"\0", b"\0\0", b"\x01", b"\xff", b"123456789", bytes(range(256))]
    for size in (253, 254, 255, 507, 508, 509, protocol.MAX_PAYLOAD_BYTES):
        cases += [b"\x55" * size, bytes(rng.randrange(1, 256) for _ in range(size)) + b"\0", b"\0" + b"\xaa" * size]
    cases += [rng.randbytes(rng.randrange(1, 600)) for _ in range(8)]
    return cases


def _messages() -> list[tuple[str, object]]:
    """Every message that the device writes, with values at the ends of their ranges."""
    info = protocol.Info(
        1, 5, 8, 16000, 480, 160, 2, 40, 12, 6, 17, protocol.MAX_PAYLOAD_BYTES, 2048, 13_000, 4_200, 88_000, 8192,
        bytes(range(32)).hex(), "0.1.0", "mps2_an386", "aot", "matchbox_kit12",
    )  # fmt: skip
    stats = protocol.Stats(*(0x01000000 * (index % 7) + index for index in range(22)))
    fault = protocol.Fault(
        1, 3, 0x1234, 0xFFFFFFF9, 0x2001FF00, 0x01000003, 0x00020000, 0x40000000, 0xE000ED34, 0xE000ED38
    )
    scores = bytes((value * 37) % 256 for value in range(12))
    features = bytes((value * 91 + 3) % 256 for value in range(80))
    return [
        ("info", info),
        ("info", dataclasses.replace(info, clock_kind=0, tick_numerator=1, board="", model_name="é" * 9)),
        ("step", protocol.StepRecord(0, 0xCBF43926, 60_000, 700_000, 900, 2, 31_000, scores, b"")),
        ("step", protocol.StepRecord(0xFFFFFFFF, 0, 0, 0xFFFFFFFF, 0, 255, 32_768, scores[:2], features)),
        ("detection", protocol.DetectionRecord(49, 11, 32_768)),
        ("detection", protocol.DetectionRecord(0, 0, 1)),
        ("bench", protocol.Bench(49, 1 << 33, 0xFFFFFFFFFF, 1, 0, (1, 0, 0xFFFFFFFF))),
        ("bench", protocol.Bench(0, 0, 0, 0, 17, ())),
        ("stats", stats),
        ("fault", fault),
        ("fault", protocol.Fault(*[0] * 10)),
        ("credit", protocol.Credit(640, 2688)),
        ("error", protocol.Error(protocol.ErrorCode.AUDIO_GAP, MessageType.AUDIO, 0x80000000)),
        ("hello", protocol.Hello(2, 1)),
        ("state_digest", protocol.StateDigest(7, (0, 0xFFFFFFFF, 0x12345678))),
        ("state_digest", protocol.StateDigest(0, ())),
    ]  # fmt: skip


def _fields(message: object) -> str:
    parts = []
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)
        if isinstance(value, bytes):
            value = _hex(value)
        elif isinstance(value, tuple):
            value = ",".join(map(str, value)) or "-"
        elif isinstance(value, str) and field.name != "model_sha256":
            value = "text:" + value.encode().hex()
        else:
            value = str(int(value)) if isinstance(value, int) else value
        parts.append(f"{field.name}={value}")
    return " ".join(parts)


def _streams() -> list[tuple[str, bytes]]:
    rng = random.Random(SEED + 1)
    good = Frame(MessageType.GET_INFO, 7).encode()
    audio = Frame(MessageType.AUDIO, 8, bytes(range(1, 201)) + b"\0\0\1").encode()
    long_body = protocol.cobs_encode(b"\x11" * (protocol.MAX_FRAME_BYTES + 1))
    longer = protocol.cobs_encode(b"\x11" * 5 * protocol.MAX_FRAME_BYTES)
    longest = Frame(MessageType.AUDIO, 9, b"\x22" * protocol.MAX_PAYLOAD_BYTES).encode()
    flipped = bytearray(audio)
    flipped[20] ^= 0x10
    body = b"\x01\x01\x00"
    return [
        ("boot_text_then_frame", b"Boot 1.0\r\nready\r\n" + good),
        ("two_frames_share_nothing", good + audio),
        ("two_frames_share_a_delimiter", good + audio[1:]),
        ("repeated_frame", good + good),
        ("only_delimiters", b"\0" * 9),
        ("flipped_bit_then_frame", bytes(flipped) + good),
        ("truncated_then_frame", audio[:100] + good),
        ("cut_at_block_end_then_frame", b"\0\x03\x01\x01\0" + good),
        (
            "too_short_crc_right",
            b"\0" + protocol.cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0" + good,
        ),
        ("empty_body", b"\0\x01\0" + good),
        ("one_byte_too_long", b"\0" + long_body + b"\0" + good),
        ("much_too_long_text", b"\0" + longer[:3000] + b"\0" + good),
        ("longest_frame", longest + good),
        ("other_version", Frame(MessageType.GET_INFO, 1, b"", version=2).encode() + good),
        ("unknown_type", Frame(0x7F, 2, b"x").encode() + good),
        ("bad_block_end", b"\0\x05\x01\x02\0" + good),
        ("full_block_end", b"\0" + protocol.cobs_encode(b"\x33" * 254) + b"\0" + good),
        ("random_bytes", rng.randbytes(700) + b"\0" + good),
    ]


def _decode(data: bytes) -> Iterator[str]:
    for item in protocol.FrameDecoder().feed(data):
        if isinstance(item, Frame):
            yield f"frame,{item.version},{item.type},{item.seq},{_hex(item.payload)}"
        else:
            yield f"drop,{item.reason}"


def render() -> str:
    """Returns the text of the table."""
    lines = [
        "# Cases of the serial link, for Python and C++ alike: python -m tests.tools.make_link_vectors --overwrite",
        f"# protocol version {protocol.PROTOCOL_VERSION}, seed {SEED}. Bytes in hex, - for none.",
        "#   crc DATA CRC32 | cobs DECODED ENCODED | frame VERSION TYPE SEQ PAYLOAD WIRE",
        "#   message NAME FIELD=VALUE... SEQ WIRE | stream NAME WIRE EVENT...",
    ]
    for data in _payloads():
        lines.append(f"crc {_hex(data)} {zlib.crc32(data):08x}")
    for data in _payloads():
        lines.append(f"cobs {_hex(data)} {_hex(protocol.cobs_encode(data))}")
    for index, data in enumerate(_payloads()):
        if len(data) > protocol.MAX_PAYLOAD_BYTES:
            continue
        frame = Frame((index * 29) % 256, (index * 4099) % 65536, data)
        lines.append(f"frame {frame.version} {frame.type} {frame.seq} {_hex(data)} {_hex(frame.encode())}")
    for index, (name, message) in enumerate(_messages()):
        wire = Frame(message.TYPE, index, message.encode()).encode()
        lines.append(f"message {name} {_fields(message)} {index} {_hex(wire)}")
    for name, data in _streams():
        lines.append(" ".join(["stream", name, _hex(data), *_decode(data)]))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Returns 0, or 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    action.add_argument("--overwrite", action="store_true", help="write the file")
    if parser.parse_args().overwrite:
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
