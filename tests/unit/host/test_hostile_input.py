"""What comes from outside, whatever it holds: read right, or refused by a named error, and never for long."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kws_host import cobs
from kws_host.frame import MAX_UNFRAMED_BYTES, Frame, FrameDecoder, Unframed
from kws_host.link import Link, LinkError
from kws_host.port import PortUnavailable
from kws_reference.bundle import MANIFEST_FILE, MODEL_FILE, Bundle
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MAX_PAYLOAD_BYTES
from kws_reference.protocol.wire import Counted, Digest, Kind, Message, Number, ProtocolError, Rest, Text, fields

# Defined before the tests, which take it on as they are made. No deadline: the machine may be busy.
settings.register_profile("kws", deadline=None, derandomize=True)
settings.load_profile("kws")

MESSAGES = sorted(
    {cls for cls in vars(messages).values() if isinstance(cls, type) and hasattr(cls, "TYPE")}, key=lambda cls: cls.TYPE
)
"""Every message of the table: one that is added there is tested by that."""

REASONS = {"bad_cobs", "too_long", "too_short", "bad_crc"}


def _values(kind: Kind) -> st.SearchStrategy:
    """Values of a field."""
    match kind:
        case Number():
            return st.integers(0, kind.largest)
        case Digest():
            return st.binary(min_size=kind.size, max_size=kind.size).map(bytes.hex)
        case Text():
            return st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
        case Counted() if kind.item == Number("i8", "b"):
            return st.binary(max_size=min(kind.count.largest, 300))
        case Counted() if kind.item == Number("i16", "h"):
            return st.binary(max_size=300).map(lambda data: data[: len(data) // 2 * 2])
        case Counted():
            return st.lists(_values(kind.item), max_size=20).map(tuple)
        case Rest() if kind.item == Number("i16", "h"):
            return st.binary(max_size=100)
        case Rest():
            return st.lists(_values(kind.item), max_size=20).map(tuple)
    raise AssertionError(f"no values for {kind}")


def _messages() -> st.SearchStrategy[Message]:
    return st.sampled_from(MESSAGES).flatmap(
        lambda cls: st.builds(cls, *(_values(field.kind) for field in fields(cls)))
    )


def _is_read(message: Message) -> bool:
    """Some messages are refused for what they hold: INFO's zeros."""
    return not isinstance(message, messages.Info) or bool(
        message.tick_denominator and message.frames_per_step and message.credit_window_bytes >= 2
    )


@given(_messages(), st.binary(max_size=20))
def test_message_any_values_return_and_appended_fields_are_left_alone(message, appended):
    payload, read = message.encode(), type(message).decode
    if not _is_read(message):
        with pytest.raises(ProtocolError, match="bad_payload"):
            read(payload)
        return
    assert read(payload) == message
    has_an_end = not any(isinstance(field.kind, Rest) for field in fields(type(message)))
    if has_an_end:
        assert read(payload + appended) == message


@given(_messages(), st.data())
def test_message_cut_short_or_changed_is_read_or_refused_by_name(message, data):
    payload = bytearray(message.encode())
    del payload[data.draw(st.integers(0, len(payload))) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = type(message).decode(bytes(payload))
    except ProtocolError as error:
        assert error.reason == "bad_payload"
    else:
        assert type(again) is type(message) and str(again)


@given(st.sampled_from(MESSAGES), st.binary(max_size=MAX_PAYLOAD_BYTES))
def test_message_random_bytes_are_read_or_refused_by_name(kind, payload):
    try:
        assert str(kind.decode(payload))
    except ProtocolError as error:
        assert error.reason == "bad_payload"


_CHUNKS = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda *words: Frame(*words).encode(),
        st.integers(0, 255),
        st.integers(0, 65535),
        st.binary(max_size=MAX_PAYLOAD_BYTES),
    ),
    st.binary(max_size=900).map(cobs.encode),
    st.integers(0, 2 * MAX_UNFRAMED_BYTES).map(lambda size: b"\1" * size),
)


@given(st.lists(_CHUNKS, max_size=6), st.lists(st.integers(1, 3000), min_size=1, max_size=5))
def test_decoder_any_bytes_in_any_pieces_give_frames_and_named_rest(chunks, sizes):
    stream, decoder, items, at = b"\0".join(chunks), FrameDecoder(), [], 0
    while at < len(stream):
        size = sizes[len(items) % len(sizes)]
        items += decoder.feed(stream[at : at + size])
        at += size
        assert len(decoder.pending) <= MAX_UNFRAMED_BYTES
    for item in items:
        if isinstance(item, Unframed):
            assert item.reason in REASONS and item.data
        else:
            assert len(item.payload) <= MAX_PAYLOAD_BYTES
            assert list(FrameDecoder().feed(item.encode())) == [item]
    if len(stream) <= MAX_UNFRAMED_BYTES:
        assert items == list(FrameDecoder().feed(stream)), "pieces change nothing"


_PORT_PARTS = st.lists(
    st.one_of(
        st.sampled_from(
            "socket:// rfc2217:// loop:// spy:// alt:// hwgrep:// cp2110:// x:// :// 127.0.0.1 [::1] :1 :0 :99999 :-1 "
            "/dev/null /dev/kws-none ?logging= ?class= &n= &skip_busy ( [ * % .. \0 \n \udc80 ä".split(" ")
        ),
        st.text(st.characters(max_codepoint=0x2000), max_size=6).filter(lambda text: "//" not in text),
    ),
    max_size=4,
).map("".join)


@settings(max_examples=300)
@given(_PORT_PARTS)
@pytest.mark.filterwarnings("ignore")
def test_port_any_text_is_opened_or_refused_in_one_line(text):
    named_host = "127.0.0.1" in text or "::1" in text
    if text.lower().startswith(("socket://", "rfc2217://")) and not named_host:
        text = text.partition("://")[0] + "://127.0.0.1:1/" + text  # no names are asked for in a network
    if "hwgrep://" in text.lower() and not ("(" in text or "[" in text):
        return  # it would open a port of this machine
    try:
        Link(text, timeout_s=0.05).close()
    except LinkError as error:
        assert isinstance(error.__cause__, PortUnavailable)
        assert str(error).isprintable() and len(str(error)) > 10


def test_link_answer_of_an_error_that_cannot_be_read_is_a_link_error(monkeypatch):
    with Link("loop://", timeout_s=0.05) as link:
        monkeypatch.setattr(link, "send", lambda *_: 7)
        monkeypatch.setattr(link, "receive", lambda _: Frame(messages.MessageType.ERROR, 7, b"x"))
        with pytest.raises(LinkError, match="ERROR cannot be read"):
            link.request(messages.MessageType.GET_INFO, b"", messages.MessageType.INFO)


_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from([1e300, 10**400, "", "mfcc", "micro", "logits", [], {}]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)


def _places(node: object, path: tuple = ()) -> list[tuple]:
    """Every place of a JSON document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, child in children for place in _places(child, (*path, key)))]


@pytest.fixture(scope="module")
def folder(bundle_path, tmp_path_factory):
    return shutil.copytree(bundle_path, tmp_path_factory.mktemp("hostile") / "bundle")


def _load(folder, text: bytes) -> None:
    """Loads a bundle with this manifest; anything but KwsError in one line fails."""
    (folder / MANIFEST_FILE).write_bytes(text)
    try:
        assert Bundle.load(folder).model_sha256
    except KwsError as error:
        assert "\n" not in str(error) and len(str(error)) < 2000, str(error)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_manifest_with_anything_in_any_place_is_read_or_refused(folder, bundle_path, data):
    manifest = json.loads((bundle_path / MANIFEST_FILE).read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        kept = [key for key in manifest if key not in ("format_version", "model_sha256")]
        key = data.draw(st.sampled_from(sorted(kept)))
        place = data.draw(st.sampled_from(_places(manifest[key])))
        holder, last = manifest, key
        for step in place:
            holder, last = holder[last], step
        if data.draw(st.booleans()) and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = data.draw(_JSON)
        if not isinstance(manifest.get(key), dict | list):
            break
    _load(folder, json.dumps(manifest).encode())


@given(st.binary(max_size=300))
def test_manifest_of_random_bytes_is_refused(folder, text):
    _load(folder, text)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"format_version": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        b"NaN",
        b'"\\ud800"',
    ],
    ids=["lists", "objects", "digits", "mark", "nan", "surrogate"],
)
def test_manifest_that_json_itself_stumbles_over_is_refused(folder, text):
    _load(folder, text)
    (folder / MODEL_FILE).touch()
    with pytest.raises(KwsError):
        Bundle.load(folder)
