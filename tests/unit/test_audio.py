"""WAV files as users have them: every kind is read right or refused in one clear line."""

import numpy as np
import pytest
import soundfile
from kws_reference.audio import read_wav
from kws_reference.errors import KwsError

RATE_HZ = 16000


def tone(rate_hz: int, seconds: float = 0.5, hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)


def write(path, samples, rate_hz=RATE_HZ, subtype="PCM_16"):
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    return path


def test_read_wav_16_bit_mono_at_the_wanted_rate_is_untouched(tmp_path):
    pcm = np.random.default_rng(0).integers(-32768, 32768, 5000).astype(np.int16)
    read = read_wav(write(tmp_path / "a.wav", pcm))
    assert read.dtype == np.int16
    np.testing.assert_array_equal(read, pcm)


def test_read_wav_stereo_is_averaged(tmp_path):
    left, right = np.array([1000, -1000, 30000], np.int16), np.array([3000, -3000, 30000], np.int16)
    read = read_wav(write(tmp_path / "a.wav", np.stack([left, right], axis=1)))
    np.testing.assert_array_equal(read, [2000, -2000, 30000])


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000])
def test_read_wav_other_sample_rate_is_resampled(tmp_path, rate_hz):
    read = read_wav(write(tmp_path / "a.wav", tone(rate_hz), rate_hz))
    expected = tone(RATE_HZ) * 32768
    assert len(read) == pytest.approx(RATE_HZ / 2, abs=1)
    inner = slice(400, 7600)  # the filter's edges are not compared
    # The polyphase filter ripples by a fraction of a per cent within its pass band.
    np.testing.assert_allclose(read[inner], expected[inner], atol=0.01 * 32768)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE", "PCM_24", "PCM_32", "PCM_U8", "ULAW"])
def test_read_wav_other_encoding_has_the_same_level(tmp_path, subtype):
    read = read_wav(write(tmp_path / "a.wav", tone(RATE_HZ), subtype=subtype))
    # 8-bit codes quantise to 1/128 of full scale (u-law finer for small values); the others are exact.
    limit = 600 if subtype in ("PCM_U8", "ULAW") else 1
    assert np.abs(read - tone(RATE_HZ) * 32768).max() <= limit


def test_read_wav_float_beyond_full_scale_saturates(tmp_path):
    read = read_wav(write(tmp_path / "a.wav", np.array([2.0, -2.0, 0.0]), subtype="FLOAT"))
    np.testing.assert_array_equal(read, [32767, -32768, 0])


def test_read_wav_streamed_header_of_unknown_size_is_read(tmp_path):
    path = write(tmp_path / "a.wav", tone(RATE_HZ))
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(read_wav(path)) == RATE_HZ // 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"hello, I am a text file, not audio at all\n", "not a WAV file"),
        (b"RIFF", "not a WAV file"),
        (b"RIFF\x04\0\0\0WAVE", "no audio"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "no audio"),
        (b"RIFF\x24\0\0\0WAVEdata\x02\0\0\0\1\2", "cannot be decoded"),
    ],
)
def test_read_wav_broken_content_is_one_clear_line(tmp_path, content, message):
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(KwsError, match=message) as caught:
        read_wav(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_wav_every_truncation_is_refused(tmp_path):
    data = write(tmp_path / "a.wav", tone(RATE_HZ, 0.01)).read_bytes()
    path = tmp_path / "cut.wav"
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(KwsError):
            read_wav(path)


def test_read_wav_zero_samples_are_refused(tmp_path):
    with pytest.raises(KwsError, match="holds no samples"):
        read_wav(write(tmp_path / "a.wav", np.zeros(0, np.int16)))


def test_read_wav_not_a_number_is_refused(tmp_path):
    with pytest.raises(KwsError, match="finite"):
        read_wav(write(tmp_path / "a.wav", np.array([0.0, np.nan]), subtype="FLOAT"))


def test_read_wav_missing_file_or_folder_is_refused(tmp_path):
    with pytest.raises(KwsError, match="no such file"):
        read_wav(tmp_path / "absent.wav")
    with pytest.raises(KwsError, match="folder"):
        read_wav(tmp_path)


@pytest.mark.parametrize("rate_hz", [1, 2**31 - 1])
def test_read_wav_absurd_sample_rate_is_refused_at_once(tmp_path, rate_hz):
    data = bytearray(write(tmp_path / "a.wav", tone(RATE_HZ)).read_bytes())
    data[24:28] = rate_hz.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(KwsError, match=f"{rate_hz} Hz is no sample rate"):
        read_wav(tmp_path / "a.wav")
