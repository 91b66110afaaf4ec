"""File names as text for terminals and reports, and back."""

import os

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kws_reference.frontend.config import FrontendConfig
from kws_reference.system.file_names import original, printable, shown
from kws_training.data.clips import ClipSet
from kws_training.data.splits import hash_split
from kws_training.quantize.calibration import calibration


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"yes/a_nohash_0.wav", "yes/a_nohash_0.wav"),
        ("ja/日本 é😀.wav".encode(), "ja/日本 é😀.wav"),
        (b"caf\xe9.wav", r"caf\xe9.wav"),
        (b"a\nb\x1b[31m.wav", r"a\u000ab\u001b[31m.wav"),
        ("gnp.\u202evaw".encode(), r"gnp.\u202evaw"),
        ("\x80\U000e0001".encode(), r"\u0080\U000e0001"),
        (rb"a\xe9.wav", r"a\\xe9.wav"),
        (b'"quoted".wav', '"quoted".wav'),
    ],
)
def test_shown_escapes_what_cannot_be_shown(name, text):
    assert shown(os.fsdecode(name)) == text
    assert os.fsencode(original(text)) == name


@given(st.binary(max_size=30).filter(lambda name: b"\0" not in name))
@example(b"\xc3\\x28")
def test_shown_of_any_bytes_is_printable_utf8_and_leads_back(name):
    text = shown(os.fsdecode(name))
    assert text.isprintable() and text.encode("utf-8").decode("utf-8") == text
    assert os.fsencode(original(text)) == name


@pytest.mark.parametrize("text", ["back\\slash", r"\x41", r"\u0041", r"\U99999999", "\\", "a\nb"])
def test_original_takes_text_that_shown_never_writes_as_it_is(text):
    assert original(text) == text


def test_printable_keeps_backslashes_single():
    assert printable("C:\\a \x1b[2J\udce9") == r"C:\a \u001b[2J\xe9"


def test_training_takes_clips_whose_names_are_no_utf8():
    name = os.fsdecode(b"caf\xe9/sp\xff_nohash_0.wav")
    assert hash_split(name) in ("training", "validation", "testing")
    clips = ClipSet(np.zeros((1, 16000), np.int16), np.array([1]), ("caf",), (name,), (), ("_silence_", "_unknown_"))
    frontend = FrontendConfig(feature_mean=(0.0,) * 40, feature_std=(1.0,) * 40)
    assert len(calibration(clips, frontend, seed=1).record["names_sha256"]) == 64
