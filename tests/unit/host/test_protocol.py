"""The serial link's codecs: by hand, by property, and both sides from one table."""

import dataclasses
import subprocess
import sys
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_host import cobs
from kws_host.frame import MAX_UNFRAMED_BYTES, Frame, FrameDecoder
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MAX_PAYLOAD_BYTES, MessageType
from kws_reference.protocol.wire import ProtocolError, fields

from tests.support.link_vectors import bytes_of, cases, events
from tests.support.paths import ROOT

# Defined before the tests, which take it on as they are made. No deadline: the machine may be busy.
settings.register_profile("kws", deadline=None, derandomize=True)
settings.load_profile("kws")


@pytest.mark.parametrize(
    ("decoded", "encoded"),
    [
        ("", "01"),
        ("00", "0101"),
        ("0000", "010101"),
        ("11220033", "0311220233"),
        ("11000000", "0211010101"),
        ("11" * 254, "ff" + "11" * 254),
        ("00" + "11" * 254, "01ff" + "11" * 254),
        ("11" * 255, "ff" + "11" * 254 + "0211"),
        ("11" * 254 + "00", "ff" + "11" * 254 + "0101"),
    ],
)
def test_cobs_known_blocks_give_bytes_worked_out_by_hand(decoded, encoded):
    assert cobs.encode(bytes.fromhex(decoded)).hex() == encoded
    assert cobs.decode(bytes.fromhex(encoded)).hex() == decoded


def test_frame_get_info_gives_bytes_worked_out_by_hand():
    body = bytes([1, 1, 7, 0])
    crc = zlib.crc32(body).to_bytes(4, "little")
    assert 0 not in crc
    assert Frame(MessageType.GET_INFO, 7).encode() == b"\0\x04\x01\x01\x07\x05" + crc + b"\0"
    assert zlib.crc32(b"123456789") == 0xCBF43926


@given(st.binary(max_size=1200))
def test_cobs_any_bytes_return_without_zero_and_with_bounded_overhead(data):
    encoded = cobs.encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + len(data) // 254 + 1
    assert cobs.decode(encoded) == data


@given(st.integers(0, 255), st.integers(0, 65535), st.binary(max_size=MAX_PAYLOAD_BYTES), st.integers(1, 300))
def test_frame_any_payload_returns_in_any_chunks(kind, seq, payload, chunk):
    wire, decoder = Frame(kind, seq, payload).encode(), FrameDecoder()
    items = [item for start in range(0, len(wire), chunk) for item in decoder.feed(wire[start : start + chunk])]
    assert items == [Frame(kind, seq, payload)]


@given(st.binary(max_size=2000))
def test_decoder_hostile_bytes_never_raise_and_the_next_frame_works(noise):
    good = Frame(0x81, 3, b"good")
    assert list(FrameDecoder().feed(noise + good.encode()))[-1] == good


@given(st.binary(min_size=1, max_size=200), st.integers(0, 10**6), st.integers(0, 7))
def test_frame_one_flipped_bit_never_gives_another_frame(payload, position, bit):
    frame = Frame(0x91, 9, payload)
    wire = bytearray(frame.encode())
    wire[1 + position % (len(wire) - 2)] ^= 1 << bit
    assert not [item for item in FrameDecoder().feed(bytes(wire)) if isinstance(item, Frame)]


def test_frame_payload_too_long_is_refused():
    with pytest.raises(ProtocolError, match="too_long"):
        Frame(3, 0, bytes(MAX_PAYLOAD_BYTES + 1)).encode()


def test_decoder_text_without_delimiter_is_handed_out_in_bounded_pieces():
    items = list(FrameDecoder().feed(b"x" * (MAX_UNFRAMED_BYTES + 1)))
    assert [item.reason for item in items] == ["too_long"]


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_streams_of_the_table_decode_alike_in_python(chunk):
    for _, name, wire, *wanted in cases("stream"):
        assert events(bytes_of(wire), chunk) == wanted, name


def _value(text: str, like: object) -> object:
    """A field of the vectors in the type of a decoded one."""
    if isinstance(like, tuple):
        return tuple(int(item) for item in text.split(",")) if text != "-" else ()
    if isinstance(like, bytes):
        return bytes_of(text)
    if isinstance(like, str):
        return bytes.fromhex(text[5:]).decode() if text.startswith("text:") else text
    return int(text)


def test_messages_of_the_table_decode_to_the_named_values():
    kinds = {cls.TYPE: cls for cls in vars(messages).values() if isinstance(cls, type) and hasattr(cls, "TYPE")}
    for _, name, *named, _seq, wire in cases("message"):
        (frame,) = FrameDecoder().feed(bytes_of(wire))
        message = kinds[frame.type].decode(frame.payload)
        pairs = dict(pair.split("=") for pair in named)
        assert list(pairs) == [field.name for field in dataclasses.fields(message)], name
        assert {key: _value(text, getattr(message, key)) for key, text in pairs.items()} == dataclasses.asdict(message)


@pytest.mark.parametrize(
    ("request_", "payload"),
    [
        (messages.Audio(0x01020304, b"\5\6"), "040302010506"),
        (messages.Configure(5), "05"),
        (messages.GetBench(0x0102), "0201"),
        (messages.GetNames(2, 0x0102), "020201"),
        (messages.SetDetector(1, 5, 15, 0x0102, 0xFFFE, 2, (0x8000, 1, 0, 0x1234)), "01050f0201feff020080010000003412"),
        (messages.SetDetector(2, 1, 1, 0, 0, 0, ()), "0201010000000000"),
        (messages.GetDetector(255), "ff"),
        (messages.Restart(), "54535254"),
        (messages.TestFault(), "46414c54"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_requests_pack_to_bytes_worked_out_by_hand(request_, payload):
    assert request_.encode().hex() == payload
    assert type(request_).decode(bytes.fromhex(payload)) == request_


def test_table_every_request_has_its_answer_and_every_payload_its_message():
    kinds = {cls.TYPE for cls in vars(messages).values() if isinstance(cls, type) and hasattr(cls, "TYPE")}
    empty = {MessageType.GET_INFO, MessageType.RESET, MessageType.GET_STATS, MessageType.GET_FAULT}
    assert kinds | empty == set(MessageType) and not kinds & empty
    requests = {kind for kind in MessageType if kind < 0x80}
    assert set(messages.ANSWERS) == requests - {MessageType.RESTART, MessageType.TEST_FAULT}


def test_messages_of_the_table_survive_python_decode_and_encode():
    kinds = {cls.TYPE: cls for cls in vars(messages).values() if isinstance(cls, type) and hasattr(cls, "TYPE")}
    for words in cases("message"):
        (frame,) = FrameDecoder().feed(bytes_of(words[-1]))
        message = kinds[frame.type].decode(frame.payload)
        assert message.encode() == frame.payload, words[1]
        assert kinds[frame.type].decode(frame.payload + b"newer") == message, "unknown bytes at the end are left alone"
        known = _sizes_of_older_senders(message)
        for cut in range(len(frame.payload)):
            if cut in known:
                assert kinds[frame.type].decode(frame.payload[:cut]) == known[cut]
                continue
            with pytest.raises(ProtocolError, match="bad_payload"):
                kinds[frame.type].decode(frame.payload[:cut])


def _sizes_of_older_senders(message):
    """Bytes of a payload without its last fields, those that were appended later -> what it is then."""
    sizes, found = {}, message
    for field, entry in reversed(list(zip(fields(type(message)), dataclasses.fields(message), strict=True))):
        if entry.default is dataclasses.MISSING or field.constant:
            break
        found = dataclasses.replace(found, **{entry.name: entry.default})
        kept = len(message.encode()) if not sizes else min(sizes)
        sizes[kept - len(field.kind.pack(getattr(message, entry.name)))] = found
    return sizes


@given(
    st.sampled_from(
        [
            *(messages.Info, messages.StepRecord, messages.StateDigest, messages.Bench, messages.Names),
            *(messages.DetectorSettings, messages.SetDetector, messages.AudioHeard),
        ]
    ),
    st.data(),
)
def test_messages_hostile_payloads_raise_only_protocol_errors(kind, data):
    payload = data.draw(st.binary(max_size=300))
    try:
        kind.decode(payload)
    except ProtocolError:
        pass


def test_names_message_returns():
    names = messages.Names(0, 12, 10, ("stop", "gö"))
    assert messages.Names.decode(names.encode()) == names


def test_link_vectors_file_is_what_the_generator_gives():
    command = [sys.executable, "-m", "tests.tools.make_link_vectors", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("tick_ns", "instruction_ns"), [(40, 512), (50, 512)], ids=["mps2", "mps3"])
@given(
    start=st.integers(0, 10**12),
    pieces=st.lists(st.integers(0, 10**6), min_size=1, max_size=5),
    idle=st.integers(0, 999),
)
def test_units_of_differences_added_up_are_the_exact_instructions(tick_ns, instruction_ns, start, pieces, idle):
    """A step's front end is up to five differences of a counter that ticks 12.8 or 10.24 times in an instruction."""
    ticks, time = 0, start
    for instructions in pieces:
        before = time // tick_ns
        time += instructions * instruction_ns
        ticks += time // tick_ns - before
        time += idle
    info = messages.Info(1, tick_ns, instruction_ns, *[1] * 14, "00" * 32, "", "", "", "")
    assert info.units(ticks) == sum(pieces)
