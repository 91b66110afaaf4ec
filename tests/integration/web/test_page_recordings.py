"""Recordings of every kind, and files that are none, come to the page: a line in words, and nothing breaks."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav

from tests.support import web_page
from tests.support.chromium import page_of

RATE_HZ = 16000
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


def wav(
    data: bytes, *, tag: int = PCM, channels: int = 1, rate: int = RATE_HZ, bits: int = 16, claims: int = -1
) -> bytes:
    """A WAV file. Args: claims: size that the header tells of `data`; -1: the true one."""
    frame = channels * bits // 8
    chunk = struct.pack("<HHIIHH", tag, channels, rate, rate * frame % 2**32, frame, bits)
    if tag == EXTENSIBLE:
        chunk += struct.pack("<HHIH", 22, bits, 0, PCM) + bytes.fromhex("000000001000800000aa00389b71")
    body = b"WAVEfmt " + struct.pack("<I", len(chunk)) + chunk
    body += b"JUNK" + struct.pack("<I", 3) + b"abc\0"
    body += b"data" + struct.pack("<I", len(data) if claims < 0 else claims) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def noise(count: int, seed: int = 1) -> np.ndarray:
    """Loud noise with full scale 1, float64 ``[count]``, some of it beyond."""
    return np.random.default_rng(seed).normal(0, 0.4, count)


def int24(values: np.ndarray) -> bytes:
    """Little-endian integers of 24 bits."""
    return values.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


LOUD = noise(8000)
CLIPPED = np.clip(LOUD, -1, 0.999)
READ = {
    "16 bits": wav((CLIPPED * 32767).astype("<i2").tobytes()),
    "stereo": wav((CLIPPED * 32767).astype("<i2").tobytes(), channels=2),
    "8 bits": wav((CLIPPED * 127 + 128).astype(np.uint8).tobytes(), bits=8),
    "24 bits": wav(int24(CLIPPED * 2**23), bits=24),
    "24 bits, halves": wav(int24(128 * np.arange(-4000, 4000)), bits=24),
    "32 bits": wav((CLIPPED * 2**31).astype("<i4").tobytes(), bits=32),
    "extensible": wav((CLIPPED * 32767).astype("<i2").tobytes(), tag=EXTENSIBLE),
    "float": wav(LOUD.astype("<f4").tobytes(), tag=FLOAT, bits=32),
    "double of five channels": wav(LOUD.astype("<f8").tobytes(), tag=FLOAT, bits=64, channels=5),
    "odd last byte": wav((CLIPPED * 32767).astype("<i2").tobytes() + b"x"),
    "from a pipe": wav((CLIPPED * 32767).astype("<i2").tobytes(), claims=0xFFFFFFFF),
}
REFUSED = {
    "nothing": (b"", "The file is empty"),
    "text": (b"This is no sound at all.\n" * 40, "no recording that the browser can read"),
    "a header alone": (wav(b"")[:12], "no audio"),
    "no samples": (wav(b""), "no samples"),
    "cut off": (wav(bytes(8000))[:-100], "cut off"),
    "cut off in its format": (wav(bytes(8000))[:30], "no audio"),
    "no channels": (wav(bytes(800), channels=0), "0 channels"),
    "no rate": (wav(bytes(800), rate=0), "0 Hz"),
    "4 GHz": (wav(bytes(800), rate=2**32 - 1), "no sample rate"),
    "12 bits": (wav(bytes(800), bits=12), "12 bits"),
    "MP3 inside": (wav(bytes(800), tag=0x55), "MP3"),
    "not numbers": (wav(np.full(400, np.nan, "<f4").tobytes(), tag=FLOAT, bits=32), "not finite"),
    "integers as floats": (wav((CLIPPED * 32767).astype("<f4").tobytes(), tag=FLOAT, bits=32), "full scale"),
}


def open_file(page, folder: Path, name: str, data: bytes) -> None:
    path = folder / f"{name}.wav"
    path.write_bytes(data)
    web_page.play_at_once(page, path)


@pytest.mark.parametrize("name", READ)
def test_page_reads_recordings_as_python_does(browser, address, tmp_path, name):
    # A page for each: Chromium drops a page's eleventh download within a second, and a fast machine gets there.
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        open_file(page, tmp_path, name, READ[name])
        assert web_page.message(page)[0] == "done", web_page.message(page)
        heard = read_wav(web_page.saved(page, "save-wav", tmp_path))
    assert np.array_equal(heard, read_wav(tmp_path / f"{name}.wav"))


def test_page_says_in_words_what_it_cannot_read_and_goes_on(browser, address, tmp_path):
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        for name, (data, words) in REFUSED.items():
            open_file(page, tmp_path, name, data)
            kind, line = web_page.message(page)
            assert kind == "error" and words in line and "\n" not in line, (name, line)
        open_file(page, tmp_path, "good", READ["16 bits"])
        assert web_page.message(page) == ("done", "Heard 0.5 s in 24 steps.")


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
def test_page_converts_other_rates_without_noise(browser, address, tmp_path, rate):
    seconds, tone_hz = 1.0, 1000
    samples = 0.5 * np.sin(2 * np.pi * tone_hz * np.arange(int(seconds * rate)) / rate)
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        open_file(page, tmp_path, "tone", wav((samples * 32768).round().astype("<i2").tobytes(), rate=rate))
        assert web_page.message(page)[0] == "done"
        heard = read_wav(web_page.saved(page, "save-wav", tmp_path)) / 32768
    assert len(heard) == RATE_HZ
    wanted = 0.5 * np.sin(2 * np.pi * tone_hz * np.arange(RATE_HZ) / RATE_HZ)
    inside = slice(800, -800)  # a tone that begins at once is no tone at its ends
    # Two roundings to 16 bits leave noise 94 dB below this tone.
    assert np.sqrt(np.mean((heard - wanted)[inside] ** 2)) < 0.5 * 10 ** (-85 / 20)


def test_page_plays_what_the_browser_decodes_itself(browser, address, tmp_path):
    import soundfile

    path = tmp_path / "tone.flac"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ), RATE_HZ)
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        web_page.play_at_once(page, path)
        assert web_page.message(page)[0] == "done"
        heard = read_wav(web_page.saved(page, "save-wav", tmp_path))
    assert np.array_equal(heard, soundfile.read(path, dtype="int16")[0])


def test_saved_recording_is_a_plain_wav(browser, address, tmp_path):
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        open_file(page, tmp_path, "good", READ["16 bits"])
        path = web_page.saved(page, "save-wav", tmp_path)
    with wave.open(str(path), "rb") as saved:
        assert saved.getparams()[:4] == (1, 2, RATE_HZ, 8000)
