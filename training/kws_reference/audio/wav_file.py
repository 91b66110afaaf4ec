"""WAV files taken apart: chunks of RIFF, RIFX, RF64 and BW64, and samples of every encoding that is common.

The sizes in a header are not believed before they are compared with the file: a program that writes a WAV into a pipe
cannot know them, and a copy that was cut off has fewer bytes than they say. The first is read to the end of the file,
the second is refused.
"""

import dataclasses
import io
import struct
from collections.abc import Callable

import numpy as np

from kws_reference.errors import KwsError

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1000, 384000
LOUDEST = 16.0
"""Samples of floating point beyond this have another scale: integers that were never divided by 32768, mostly."""

_KINDS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}
_HEADER_BYTES = 12
_IN_DS64 = 0xFFFFFFFF
_USUAL_CHUNKS = (b"fmt ", b"fact", b"data", b"LIST", b"PEAK", b"JUNK", b"bext", b"cue ", b"smpl", b"id3 ", b"iXML")
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_G721 = 0x40
_BLOCKS = (0x02, 0x11, 0x31, 0x38, _G721)  # Microsoft and IMA ADPCM, GSM 6.10, NMS VBX ADPCM
_ENCODINGS = {
    _PCM: "PCM",
    _FLOAT: "floating point",
    _ALAW: "A-law",
    _MULAW: "mu-law",
    0x0005: "IBM CVSD",
    0x0010: "OKI ADPCM",
    0x0014: "G.723 ADPCM",
    0x0016: "G.723 ADPCM",
    0x0022: "DSP Group TrueSpeech",
    0x0042: "Microsoft G.723.1",
    0x0045: "G.726 ADPCM",
    0x0050: "MPEG layer 1 or 2",
    0x0055: "MP3",
    0x0064: "G.726 ADPCM",
    0x0069: "Xbox ADPCM",
    0x0083: "G.729",
    0x00FF: "AAC",
    0x0161: "Windows Media Audio",
    0x2000: "AC-3",
    0x674F: "Ogg Vorbis",
    0xF1AC: "FLAC",
}
_GUID_TAIL = bytes.fromhex("00001000800000aa00389b71")  # of a format tag in WAVE_FORMAT_EXTENSIBLE, little-endian


@dataclasses.dataclass(frozen=True)
class Wav:
    """A decoded WAV file.

    Attributes:
      rate_hz: samples per second.
      samples: ``[frames, channels]``, at least one of each: int16 where the file holds 16-bit integers, else float64
        with full scale 1.0.
    """

    rate_hz: int
    samples: np.ndarray


def parse(data: bytes) -> Wav:
    """Decodes the bytes of a WAV file.

    8, 16, 24 and 32 bit integers, 32 and 64 bit floats, A-law, mu-law, ADPCM of Microsoft, IMA, NMS and G.721, and GSM
    6.10 are decoded; of an incomplete last frame or block nothing is taken.

    Raises:
      KwsError: see `kws_reference.audio.pcm.read_wav`; without the file's name.
    """
    if not data:
        raise KwsError("the file is empty (0 bytes). Remove or record it again.")
    if len(data) < _HEADER_BYTES or data[:4] not in _KINDS or data[8:12] != b"WAVE":
        raise KwsError(f"not a WAV file (it starts with {data[:12]!r}). Convert it to 16-bit PCM WAV.")
    order = _KINDS[data[:4]]
    chunks = _chunks(data, order)
    if b"data" not in chunks:
        raise KwsError("holds no audio (no data chunk). The file is cut off or not a recording.")
    audio = chunks[b"data"]
    wav = _Format.read(chunks.get(b"fmt "), order).decode(audio, order)
    if not len(wav.samples):
        raise KwsError("holds no samples. Remove or record it again.")
    return wav


# --- Chunks ----------------------------------------------------------------------------------------------------------


def _chunks(data: bytes, order: str) -> dict[bytes, bytes]:
    """Contents of the chunks; the first of each name, but of ``data`` there may be one only."""
    chunks: dict[bytes, bytes] = {}
    offset = _HEADER_BYTES
    while offset + 8 <= len(data):
        name, size = struct.unpack_from(f"{order}4sI", data, offset)
        offset += 8
        if name == b"data":
            if name in chunks:
                raise KwsError("holds more than one data chunk. Export it again as one recording.")
            size = _data_size(data, order, offset, size, chunks.get(b"ds64"))
        chunks.setdefault(name, data[offset : offset + size])
        offset = _behind(data, offset + size, size)
    return chunks


def _behind(data: bytes, end: int, size: int) -> int:
    """Where the next chunk begins. Chunks of odd size are padded, but not by every program."""
    return end if data[end : end + 4] in _USUAL_CHUNKS else end + size % 2


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and name[0] != 32


def _data_size(data: bytes, order: str, offset: int, size: int, ds64: bytes | None) -> int:
    """Bytes of audio from `offset`, whatever the header says of them: `size`.

    Raises:
      KwsError: the file is cut off.
    """
    left = len(data) - offset
    if size == _IN_DS64 and ds64 is not None and len(ds64) >= 16:
        size = struct.unpack_from("<Q", ds64, 8)[0]
    if _is_unknown(size) and size > left or size == 0 and not _only_chunks(data, offset, order):
        return left
    if size > left:
        raise KwsError(f"cut off: {left} bytes of audio where its header promises {size}. Copy or download it again.")
    return size


def _is_unknown(size: int) -> bool:
    """Whether a program says this of audio whose end it has not seen.

    0x7FFFF000 (sox, espeak-ng), 0x80000000 (arecord), 0xFFFFFFFF (ffmpeg), each also less a header, or rounded down to
    a whole frame; the largest of 64 bits.
    """
    near = 0x10000
    return abs(size - 0x80000000) <= near or 0xFFFFFFFF - near <= size <= 0xFFFFFFFF or size >= 2**63 - near


def _only_chunks(data: bytes, offset: int, order: str) -> bool:
    """Whether nothing follows, or chunks up to the end of the file: an empty recording, not one of unknown size."""
    while offset + 8 <= len(data) and _is_name(data[offset : offset + 4]):
        (size,) = struct.unpack_from(f"{order}I", data, offset + 4)
        offset = _behind(data, offset + 8 + size, size)
    return offset >= len(data)


# --- Encodings -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Format:
    """The ``fmt`` chunk: encoding, layout of a frame, and the chunk itself."""

    tag: int
    channels: int
    rate_hz: int
    frame_bytes: int
    bits: int
    chunk: bytes

    @classmethod
    def read(cls, chunk: bytes | None, order: str) -> "_Format":
        """Reads and checks what holds for every encoding."""
        if chunk is None or len(chunk) < 16:
            raise KwsError("says nothing of its format (no whole fmt chunk). Export it again as 16-bit PCM WAV.")
        tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from(f"{order}HHIIHH", chunk)
        if tag == _EXTENSIBLE:
            tag = _extensible(chunk, order)
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise KwsError(f"{rate_hz} Hz is no sample rate of a recording. Export it again at 16 kHz.")
        if not channels:
            raise KwsError("has 0 channels. Export it again as 16-bit PCM WAV.")
        return cls(tag, channels, rate_hz, frame_bytes, bits, chunk)

    def decode(self, audio: bytes, order: str) -> Wav:
        """Samples of a data chunk."""
        if self.tag in _BLOCKS:
            return Wav(self.rate_hz, self._blocks(audio, order))
        convert = self._conversion(order)
        if convert is None:
            name = _ENCODINGS.get(self.tag, "an unknown encoding")
            raise KwsError(
                f"is encoded as {name} (format {self.tag:#06x}, {self.bits} bits), which is not read here. "
                "Convert it to 16-bit PCM: sox IN.wav -e signed -b 16 OUT.wav."
            )
        sample_bytes, decode = convert
        if self.frame_bytes != sample_bytes * self.channels:
            raise KwsError(
                f"contradicts itself: {self.channels} channels of {self.bits} bits in frames of {self.frame_bytes} "
                "bytes. Export it again as 16-bit PCM WAV."
            )
        frames = len(audio) // self.frame_bytes
        values = np.frombuffer(audio, np.uint8, frames * self.frame_bytes)
        return Wav(self.rate_hz, decode(values).reshape(frames, self.channels))

    def _conversion(self, order: str) -> tuple[int, Callable[[np.ndarray], np.ndarray]] | None:
        """Bytes of a sample, and what makes samples of bytes."""
        size = -(-self.bits // 8)
        if self.tag == _PCM and 1 <= size <= 4:
            return size, {
                1: lambda values: (values.astype(np.float64) - 128) / 128,
                2: lambda values: values.view(f"{order}i2").astype(np.int16),
                3: lambda values: _int24(values.reshape(-1, 3), order) / 2**31,
                4: lambda values: values.view(f"{order}i4") / 2**31,
            }[size]
        if self.tag == _FLOAT and self.bits in (32, 64):
            return size, lambda values: _sane(values.view(f"{order}f{size}"))
        if self.tag in (_ALAW, _MULAW) and self.bits == 8:
            return 1, lambda values: (_alaw if self.tag == _ALAW else _mulaw)(values) / 32768
        return None

    def _blocks(self, audio: bytes, order: str) -> np.ndarray:
        """Blocks that libsndfile decodes, the last one whole; it gets a header whose sizes are true.

        The fact chunk, which could say how much of the last block is padding, is wrong in files of two channels.
        """
        import soundfile  # here, because it loads a shared library that most users of kws_reference do not need

        block = 1 if self.tag == _G721 else self.frame_bytes  # G.721 has no blocks, whatever its header says
        whole = audio[: len(audio) // block * block] if block else b""
        if not whole:
            return np.zeros((0, self.channels))
        body = b"WAVE"
        for name, content in ((b"fmt ", self.chunk), (b"data", whole)):
            body += name + struct.pack(f"{order}I", len(content)) + content + b"\0" * (len(content) % 2)
        file = (b"RIFF" if order == "<" else b"RIFX") + struct.pack(f"{order}I", len(body)) + body
        try:
            with soundfile.SoundFile(io.BytesIO(file)) as sound:
                # Some of these codecs cannot seek: the number of frames must be given. None has under 1 bit a frame.
                return sound.read(min(sound.frames, 8 * len(audio)), dtype="float64", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
            reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
            raise KwsError(f"cannot be decoded as WAV ({reason}). Convert it to 16-bit PCM.") from error


def _extensible(chunk: bytes, order: str) -> int:
    """The encoding that WAVE_FORMAT_EXTENSIBLE holds behind the channels' places."""
    if len(chunk) < 40:
        raise KwsError("says nothing of its encoding (the fmt chunk is cut off). Export it again as 16-bit PCM WAV.")
    (tag,) = struct.unpack_from(f"{order}I", chunk, 24)
    if tag > 0xFFFF or order == "<" and chunk[28:40] != _GUID_TAIL:
        raise KwsError(f"has the unknown encoding {chunk[24:40].hex()}. Convert it to 16-bit PCM WAV.")
    return tag


def _int24(values: np.ndarray, order: str) -> np.ndarray:
    """Bytes ``[samples, 3]`` as int32 in the upper 24 bits."""
    wide = np.zeros((len(values), 4), np.uint8)
    wide[:, 1:] = values if order == "<" else values[:, ::-1]
    return wide.view("<i4")[:, 0]


def _sane(values: np.ndarray) -> np.ndarray:
    """Floats of any size as float64, unless they are no samples.

    Raises:
      KwsError: a value is not finite, or far beyond full scale.
    """
    if not np.isfinite(values).all():
        raise KwsError("holds samples that are not finite numbers. Export it again as 16-bit PCM.")
    loudest = float(np.abs(values).max(initial=0.0))
    if loudest > LOUDEST:
        raise KwsError(
            f"holds floats up to {loudest:.4g}, where full scale is 1.0. Divide them (16-bit values by 32768), or "
            "export it again as 16-bit PCM."
        )
    return values.astype(np.float64)


def _alaw(codes: np.ndarray) -> np.ndarray:
    """G.711 A-law, uint8, as integers of 16 bits (int64): 13 bits in the upper ones."""
    code = codes.astype(np.int64) ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    size = np.where(exponent == 0, (mantissa << 4) + 8, (mantissa << 4) + 0x108 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size)


def _mulaw(codes: np.ndarray) -> np.ndarray:
    """G.711 mu-law, uint8, as integers of 16 bits (int64): 14 bits in the upper ones."""
    code = ~codes.astype(np.int64)
    size = ((code & 15) << 3) + 0x84 << (code >> 4 & 7)
    return np.where(code & 0x80, 0x84 - size, size - 0x84)
