"""The worst moments of a model: the false accepts with the highest scores, to read and to listen to."""

import dataclasses
import re
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, DetectorConfig
from kws_reference.errors import KwsError

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.evaluate.speech.replay import SpeechDetection, SpeechReplay
from kws_training.evaluate.speech.said import WordTimes
from kws_training.evaluate.speech.streams import SpeechStreams

BEFORE_S, BEHIND_S = 2.0, 0.5
"""Sound around a detection in its clip."""

_LOOKS_BACK_S = 1.0


@dataclasses.dataclass(frozen=True)
class Moment:
    """A false accept.

    Attributes:
      stream: index of the stream.
      sample: of the stream, when it is raised.
      label: that is raised.
      score: largest smoothed posterior until the refractory period ends, 0..1.
      recording: name of the recording.
      seconds: in the recording.
      speaker: who speaks.
      words: said in the second before, by word times; None: nobody knows.
      text: transcript of the recording; None: there is none.
    """

    stream: int
    sample: int
    label: str
    score: float
    recording: str
    seconds: float
    speaker: str
    words: str | None
    text: str | None

    def to_dict(self) -> dict[str, Any]:
        """For a report's JSON."""
        return {
            "recording": self.recording,
            "seconds": round(self.seconds, 2),
            "label": self.label,
            "score": round(self.score, 4),
            "speaker": self.speaker,
            "words": self.words,
            "text": self.text,
        }


def worst_moments(replay: SpeechReplay, detector: DetectorConfig, times: WordTimes, count: int) -> list[Moment]:
    """The false accepts with the highest scores, the highest first.

    Args:
      replay: with the detector's smoothing window.
      detector: the settings.
      times: of words, as far as they are known.
      count: at most so many.
    """
    found = [_moment(replay, detector, times, one) for one in replay.detections(detector) if one.is_false]
    found.sort(key=lambda moment: (-moment.score, moment.recording, moment.seconds))
    return found[:count]


def _moment(replay: SpeechReplay, detector: DetectorConfig, times: WordTimes, one: SpeechDetection) -> Moment:
    event, stream = one.event, replay.heard[one.stream].stream
    clock = replay.bundle.clock
    step = round((event.sample / SAMPLE_RATE_HZ - clock.end_s(0)) / clock.step_s)
    smoothed = replay.replay.views[one.stream].all_q15[event.label]
    score = int(smoothed[step : step + detector.refractory_steps + 1].max()) / NEVER_Q15
    part = stream.part_at(event.sample)
    seconds, recording = part.seconds(event.sample), part.recording
    spoken = times.get(recording.name)
    words = None
    if spoken is not None:
        near = [word.word for word in spoken if seconds - _LOOKS_BACK_S < word.end_s and word.start_s < seconds]
        words = " ".join(near)
    label = replay.bundle.labels[event.label]
    return Moment(
        one.stream, event.sample, label, score, recording.name, seconds, recording.speaker, words, recording.text
    )


def write_clips(moments: Sequence[tuple[Moment, SpeechStreams]], folder: Path) -> None:
    """Writes the sound of each moment as WAV, numbered from the worst on.

    Args:
      moments: each with the streams that it is of.
      folder: made if it is missing.

    Raises:
      KwsError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (moment, streams) in enumerate(moments, 1):
            first = max(0, moment.sample - round(BEFORE_S * SAMPLE_RATE_HZ))
            pcm = streams.pcm(moment.stream)[first : moment.sample + round(BEHIND_S * SAMPLE_RATE_HZ)]
            _write_wav(folder / f"{number:03d}_{_plain(moment.label)}_{_plain(Path(moment.recording).stem)}.wav", pcm)
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another --clips.") from None


def _plain(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name)


def _write_wav(path: Path, pcm: np.ndarray) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE_HZ, len(pcm), "NONE", ""))
        out.writeframes(pcm.astype("<i2").tobytes())
