"""The WebSocket's messages of `kws-host live`: what a page may send, and what it is told."""

import json
import struct

import pytest
from kws_host.live import wire
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType


def test_outgoing_message_is_type_turn_and_the_protocols_payload():
    detection = messages.DetectionRecord(7, 3, 30000)
    assert wire.Outgoing(detection, 258).encode() == bytes([MessageType.DETECTION, 2, 1]) + detection.encode()


def test_incoming_audio_and_reset_are_read():
    audio = messages.Audio(640, b"\1\0\2\0")
    assert wire.Incoming.decode(wire.Outgoing(audio, 9).encode()) == wire.Incoming(9, audio)
    assert wire.Incoming.decode(bytes([MessageType.RESET, 255, 255])) == wire.Incoming(65535, None)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "Received: 0"),
        (bytes([MessageType.RESET]), "Received: 1"),
        (bytes([MessageType.RESET, 0, 0, 0]), "AUDIO and RESET alone"),
        (bytes([MessageType.RESTART, 0, 0]) + messages.Restart().encode(), "AUDIO and RESET alone"),
        (bytes([MessageType.TEST_FAULT, 0, 0]) + messages.TestFault().encode(), "AUDIO and RESET alone"),
        (bytes([MessageType.SET_SOURCE, 0, 0]) + messages.SetSource(1).encode(), "AUDIO and RESET alone"),
        (bytes([MessageType.STEP, 0, 0]), "AUDIO and RESET alone"),
        (bytes([MessageType.AUDIO, 0, 0, 1, 2]), "AUDIO cannot be read"),
        (struct.pack("<BHI", MessageType.AUDIO, 0, 0), "Received: 0 bytes"),
        (struct.pack("<BHI", MessageType.AUDIO, 0, 0) + b"\1", "Received: 1 bytes"),
        (struct.pack("<BHI", MessageType.AUDIO, 0, 0) + bytes(3), "Received: 3 bytes"),
        (struct.pack("<BHI", MessageType.AUDIO, 0, 0) + bytes(wire.MAX_AUDIO_BYTES + 2), "Received: 8194 bytes"),
    ],
)
def test_incoming_message_that_no_page_sends_is_refused_in_one_line(data, what):
    with pytest.raises(wire.Violation, match=what) as refusal:
        wire.Incoming.decode(data)
    assert "\n" not in str(refusal.value)


def test_largest_audio_is_the_largest_message():
    audio = messages.Audio(0, bytes(wire.MAX_AUDIO_BYTES))
    assert len(wire.Outgoing(audio).encode()) == wire.MAX_MESSAGE_BYTES


def test_text_messages_say_their_kind():
    assert json.loads(wire.note("é")) == {"kind": "note", "message": "é"}
    assert json.loads(wire.refusal("no")) == {"kind": "refused", "message": "no"}
    assert json.loads(wire.board_away("gone")) == {"kind": "board", "ready": False, "message": "gone"}
    ready = json.loads(wire.board_ready({"labels": ["yes"]}))
    assert ready == {"kind": "board", "ready": True, "message": "", "window_bytes": 32000, "labels": ["yes"]}
