"""WAV files as users have them: every kind is read right or refused in one clear line."""

import io
import os
import struct
import threading
import warnings

import numpy as np
import pytest
import soundfile
from kws_reference.audio import wav_file
from kws_reference.audio.pcm import load_wav, read_wav
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


# --- Sizes that a header cannot know, and sizes that it promises -----------------------------------------------------


def chunk(name: bytes, content: bytes, size: int | None = None, pad: bytes = b"\0") -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content + pad * (len(content) % 2)


def riff(*chunks: bytes, kind: bytes = b"RIFF", size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if size is None else size) + body


def form(
    tag: int = 1, channels: int = 1, rate_hz: int = RATE_HZ, bits: int = 16, frame_bytes: int | None = None
) -> bytes:
    frame_bytes = channels * -(-bits // 8) if frame_bytes is None else frame_bytes
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, bits))


PCM = np.random.default_rng(1).integers(-32768, 32768, 1001).astype("<i2")
AUDIO = PCM.tobytes()


@pytest.mark.parametrize(
    ("riff_size", "data_size"),
    [
        (0x7FFFF024, 0x7FFFF000),  # sox, espeak-ng
        (0x7FFFFFFF, 0x7FFFFFDB),  # a header less than 2 GiB
        (0x80000024, 0x80000000),  # arecord
        (0x80000022, 0x7FFFFFFE),  # arecord, whole frames of 3 bytes
        (0xFFFFFFFF, 0xFFFFFFFF),  # ffmpeg
        (0xFFFFFFFF, 0xFFFFFFDB),
        (0, 0),  # never filled in
        (36, 0),
    ],
)
@pytest.mark.parametrize("rest", [b"", b"\x55"], ids=["whole", "broken off in a frame"])
def test_read_wav_streamed_header_of_unknown_size_is_read_to_the_end(tmp_path, riff_size, data_size, rest):
    path = tmp_path / "a.wav"
    listed = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0\0")
    path.write_bytes(riff(form(), listed, chunk(b"data", AUDIO, data_size), size=riff_size) + rest)
    np.testing.assert_array_equal(read_wav(path), PCM)


@pytest.mark.parametrize(
    "behind", [b"", chunk(b"LIST", b"INFOIART\x03\0\0\0me\0\0"), chunk(b"id3 ", b"abc") + chunk(b"LIST", b"INFO")]
)
def test_read_wav_empty_data_chunk_before_other_chunks_is_no_stream(tmp_path, behind):
    (tmp_path / "a.wav").write_bytes(riff(form(), chunk(b"data", b""), behind))
    with pytest.raises(KwsError, match="holds no samples"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("promised", [len(AUDIO) + 2, 10 * len(AUDIO), 0x7FF00000, 0x80100000, 0xFF000000])
def test_read_wav_cut_off_file_is_refused_with_both_sizes(tmp_path, promised):
    (tmp_path / "a.wav").write_bytes(riff(form(), chunk(b"data", AUDIO, promised)))
    with pytest.raises(KwsError, match=f"cut off: {len(AUDIO)} bytes of audio where its header promises {promised}"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("kind", [b"RF64", b"BW64"])
@pytest.mark.parametrize("size", [len(AUDIO), 0, 2**64 - 1], ids=["known", "zero", "unknown"])
def test_read_wav_64_bit_sizes_are_those_of_ds64(tmp_path, kind, size):
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, size, 0, 0))
    behind = chunk(b"LIST", b"INFO") if size == len(AUDIO) else b""
    data = riff(ds64, form(), chunk(b"data", AUDIO, 0xFFFFFFFF), behind, kind=kind, size=0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(data)
    np.testing.assert_array_equal(read_wav(tmp_path / "a.wav"), PCM)


def test_read_wav_64_bit_size_beyond_the_file_is_cut_off(tmp_path):
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, 2**40, 0, 0))
    (tmp_path / "a.wav").write_bytes(riff(ds64, form(), chunk(b"data", AUDIO, 0xFFFFFFFF), kind=b"RF64"))
    with pytest.raises(KwsError, match=f"cut off.*{2**40}"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("pad", [b"\0", b"", b"x"], ids=["padded", "not padded", "padded with another byte"])
def test_read_wav_chunks_of_odd_size_around_the_audio_are_passed_over(tmp_path, pad):
    odd = chunk(b"LIST", b"INFO\1\2\3", pad=pad)
    samples = np.arange(-40, 41, dtype=np.int16)  # 81 bytes of 8 bits
    audio = chunk(b"data", (samples + 128).astype(np.uint8).tobytes(), pad=pad)
    (tmp_path / "a.wav").write_bytes(riff(odd, form(bits=8), odd, audio, odd))
    np.testing.assert_array_equal(read_wav(tmp_path / "a.wav"), samples * 256)


def test_read_wav_odd_number_of_bytes_is_read_in_whole_frames(tmp_path):
    (tmp_path / "a.wav").write_bytes(riff(form(), chunk(b"data", AUDIO + b"\7")))
    np.testing.assert_array_equal(read_wav(tmp_path / "a.wav"), PCM)


def test_read_wav_reads_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = riff(form(), chunk(b"data", AUDIO, 0x7FFFF000))
    writer = threading.Thread(target=pipe.write_bytes, args=[data])
    writer.start()
    np.testing.assert_array_equal(read_wav(pipe), PCM)
    writer.join()


# --- Encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_recording_samples_are_those_of_libsndfile_in_every_encoding(tmp_path, container, channels):
    samples = np.random.default_rng(2).uniform(-1, 1, (1501, channels))
    for subtype in soundfile.available_subtypes(container):
        for endian in ("LITTLE", "BIG") if container == "WAV" else ("FILE",):
            file = io.BytesIO()
            try:
                soundfile.write(file, samples, 8000, format=container, subtype=subtype, endian=endian)
                file.seek(0)
                wanted, _ = soundfile.read(file, always_2d=True)
            except (soundfile.SoundFileError, ValueError):
                wanted = None  # it cannot write this one with so many channels, or not read what it wrote
            path = tmp_path / f"{subtype}_{endian}.wav"
            path.write_bytes(file.getvalue())
            if wanted is None:
                with pytest.raises(KwsError, match=r"is encoded as|is empty"):
                    load_wav(path)
                continue
            wav = load_wav(path)
            read = wav.samples / 32768 if wav.samples.dtype == np.int16 else wav.samples
            assert wav.rate_hz == 8000
            np.testing.assert_array_equal(read, wanted, err_msg=f"{subtype} {endian}")


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32"])
def test_read_wav_of_codecs_that_cannot_seek_has_the_words_samples(tmp_path, subtype):
    samples = tone(8000)
    read = read_wav(write(tmp_path / "a.wav", samples, 8000, subtype), 8000)[: len(samples)] / 32768
    # The worst of them, GSM at 13 kbit/s, keeps a tone to a few per cent.
    assert np.corrcoef(read, samples)[0, 1] > 0.99


@pytest.mark.parametrize("tag", [0x14, 0x55, 0xFF, 0x674F, 0x1234])
def test_read_wav_of_other_encodings_is_refused(tmp_path, tag):
    (tmp_path / "a.wav").write_bytes(riff(form(tag), chunk(b"data", AUDIO)))
    with pytest.raises(KwsError, match=f"format {tag:#06x}"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (dict(bits=24, frame_bytes=4), "24 bits in frames of 4 bytes"),  # arecord -f S24_LE: in the lower ones
        (dict(channels=2, frame_bytes=2), "2 channels of 16 bits in frames of 2"),
        (dict(channels=0, frame_bytes=2), "0 channels"),
        (dict(bits=64), "PCM .*64 bits"),
        (dict(bits=0, frame_bytes=0), "0 bits"),
        (dict(tag=3, bits=16), "floating point .*16 bits"),
    ],
)
def test_read_wav_of_a_layout_that_is_none_is_refused(tmp_path, layout, message):
    (tmp_path / "a.wav").write_bytes(riff(form(**layout), chunk(b"data", AUDIO)))
    with pytest.raises(KwsError, match=message):
        read_wav(tmp_path / "a.wav")


def test_read_wav_of_two_recordings_in_one_is_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(riff(form(), chunk(b"data", AUDIO), chunk(b"data", AUDIO)))
    with pytest.raises(KwsError, match="more than one data chunk"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("values", [[0.0, 30000.0], [1e300, 0.0]])
def test_read_wav_floats_of_another_scale_are_refused(tmp_path, values):
    with pytest.raises(KwsError, match="full scale is 1.0"):
        read_wav(write(tmp_path / "a.wav", np.array(values), subtype="DOUBLE"))


def test_read_wav_of_changed_bytes_is_read_or_refused_in_one_line():
    rng = np.random.default_rng(3)
    files = []
    for subtype in soundfile.available_subtypes("WAV"):
        file = io.BytesIO()
        try:
            soundfile.write(file, tone(8000, 0.05), 8000, format="WAV", subtype=subtype)
        except soundfile.SoundFileError:
            continue
        files.append(file.getvalue())
    outcomes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3000):
            data = bytearray(files[rng.integers(len(files))])
            for at in rng.integers(0, min(len(data), 90), rng.integers(1, 6)):
                data[at] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
            try:
                outcomes.add(
                    wav_file.parse(bytes(data[: rng.integers(len(data)) if rng.random() < 0.2 else None])).rate_hz
                )
            except KwsError as error:
                assert "\n" not in str(error)
                outcomes.add(str(error)[:12])
    assert len(outcomes) > 10


# --- Files that are none ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"hello, I am a text file, not audio at all\n", "not a WAV file"),
        (b"RIFF", "not a WAV file"),
        (b"RIFF\x04\0\0\0WAVE", "no audio"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "no audio"),
        (b"RIFF\x24\0\0\0WAVEdata\x02\0\0\0\1\2", "no whole fmt chunk"),
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
