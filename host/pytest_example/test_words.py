"""A regression of a firmware team: the words that a device must hear, and what must not wake it."""

from pathlib import Path

import pytest

WORDS = Path(__file__).resolve().parents[1] / "demo" / "words"


@pytest.mark.parametrize("speaker", ["awb", "gina", "rms", "slt"])
def test_no_is_heard_once_and_in_time(check_clip, speaker):
    check_clip(WORDS / "no" / f"{speaker}.wav").assert_detects_once("no", within_ms=300)


@pytest.mark.parametrize("sound", ["hiss", "hum", "room"])
def test_sounds_of_a_room_wake_nothing(check_clip, sound):
    check_clip(WORDS / "_silence_" / f"{sound}.wav").assert_detects_nothing()
