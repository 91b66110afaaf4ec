"""Recordings of speech as streams that a device would hear: short ones are joined, long ones divided."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import load_wav, mono_pcm
from kws_reference.audio.wav_file import Wav

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.speech.corpus import SpeechRecording

LONGEST_STREAM_S = 120.0
"""Streams are heard from a reset, many side by side."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A recording, or a stretch of a long one, in a stream.

    Attributes:
      recording: what it is of.
      rate_hz: sample rate of the file.
      first, stop: its samples of the file, ``stop`` exclusive.
      start: sample of the stream at which it begins, at `SAMPLE_RATE_HZ`.
      samples: its length in the stream.
    """

    recording: SpeechRecording
    rate_hz: int
    first: int
    stop: int
    start: int
    samples: int

    @property
    def end(self) -> int:
        """First sample of the stream behind it."""
        return self.start + self.samples

    def sample(self, seconds: float) -> int:
        """Sample of the stream at a time of the recording; of another stretch it may lie outside of this one."""
        return self.start + round((seconds - self.first / self.rate_hz) * SAMPLE_RATE_HZ)

    def seconds(self, sample: int) -> float:
        """Time in the recording of a sample of the stream."""
        return self.first / self.rate_hz + (sample - self.start) / SAMPLE_RATE_HZ


@dataclasses.dataclass(frozen=True)
class Stream:
    """Parts that are heard one behind the other, from a reset.

    Attributes:
      speaker: who speaks in all of them.
      parts: in order of time, without gaps.
    """

    speaker: str
    parts: tuple[Part, ...]

    @property
    def samples(self) -> int:
        """Length at `SAMPLE_RATE_HZ`."""
        return self.parts[-1].end

    def part_at(self, sample: int) -> Part:
        """The part in which a sample lies; behind the end the last one."""
        return next((part for part in self.parts if sample < part.end), self.parts[-1])


class SpeechStreams:
    """The streams of some recordings; their samples are read on demand.

    Recordings of one speaker in one folder, LibriSpeech's chapters, are joined in the order of their names. Whatever is
    longer than `LONGEST_STREAM_S` is divided.

    Args:
      recordings: in order.

    Raises:
      KwsError: a file cannot be read.
    """

    def __init__(self, recordings: Sequence[SpeechRecording]):
        self._digest = hashlib.sha256()
        self.streams = tuple(_joined(part for item in recordings for part in self._stretches(item)))

    def __len__(self) -> int:
        return len(self.streams)

    @property
    def hours(self) -> float:
        """Length in all."""
        return sum(stream.samples for stream in self.streams) / SAMPLE_RATE_HZ / 3600

    def pcm(self, index: int) -> np.ndarray:
        """One stream, int16 ``[samples]`` at `SAMPLE_RATE_HZ`."""
        return np.concatenate([_read(part) for part in self.streams[index].parts])

    def sha256(self) -> str:
        """Digest of all that is heard, file by file, and of how it is divided."""
        return self._digest.hexdigest()

    def __getstate__(self) -> dict[str, object]:
        return {"streams": self.streams}  # the digest is the parent's

    def _stretches(self, item: SpeechRecording) -> Iterator[Part]:
        """A recording in equal stretches of at most `LONGEST_STREAM_S`, each as if it began a stream."""
        wav = load_wav(item.path)
        self._digest.update(repr((item.name, wav.rate_hz, wav.samples.shape, LONGEST_STREAM_S)).encode())
        self._digest.update(np.ascontiguousarray(wav.samples).data)
        length = len(wav.samples)
        count = -(-length // round(LONGEST_STREAM_S * wav.rate_hz))
        edges = [length * number // count for number in range(count + 1)]
        for first, stop in zip(edges[:-1], edges[1:], strict=True):
            samples = -(-(stop - first) * SAMPLE_RATE_HZ // wav.rate_hz)
            yield Part(item, wav.rate_hz, first, stop, 0, samples)


def _joined(parts: Iterator[Part]) -> Iterator[Stream]:
    waiting: list[Part] = []
    for part in parts:
        if waiting and not _belongs(waiting, part):
            yield Stream(waiting[0].recording.speaker, tuple(waiting))
            waiting = []
        waiting.append(dataclasses.replace(part, start=waiting[-1].end if waiting else 0))
    if waiting:
        yield Stream(waiting[0].recording.speaker, tuple(waiting))


def _belongs(waiting: list[Part], part: Part) -> bool:
    last = waiting[-1].recording
    return (
        last.speaker == part.recording.speaker
        and last.path.parent == part.recording.path.parent
        and waiting[-1].end + part.samples <= LONGEST_STREAM_S * SAMPLE_RATE_HZ
    )


def _read(part: Part) -> np.ndarray:
    wav = _wav(part.recording.path)
    pcm = mono_pcm(Wav(wav.rate_hz, wav.samples[part.first : part.stop]), SAMPLE_RATE_HZ)
    assert len(pcm) == part.samples, (part, len(pcm))
    return pcm


@functools.lru_cache(1)
def _wav(path: Path) -> Wav:
    """The stretches of a long file are read one behind the other."""
    return load_wav(path)
