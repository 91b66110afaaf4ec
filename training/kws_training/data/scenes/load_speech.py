"""Loads folders of running speech; whatever is known of keywords in it, by times or by transcripts, is heeded."""

import dataclasses
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.data.speech.choose_words import file_safe
from kws_training.data.speech.corpus import Fold, SpeechRecording, speech_corpus, split_speakers
from kws_training.data.speech.said_labels import LabelSpotter
from kws_training.data.speech.word_times import SpokenWord, find_word_times

log = logging.getLogger(__name__)

_UNKNOWN = "of {:,} nobody knows what is said: but for what a model hears clearly it is taken for other words"
_HELD_PART = 5
"""Of a speaker who is alone the last fifth of each recording validates."""


@dataclasses.dataclass(frozen=True)
class SpeechFolder:
    """A folder of long recordings.

    Attributes:
      path: the folder.
      word_times: table of the times of its words; None: ``words.tsv`` in it, if there is one.
      fold: by which its speakers are divided; None: about a fifth validate.
    """

    path: Path
    word_times: Path | None = None
    fold: Fold | None = None


@dataclasses.dataclass(frozen=True)
class _Part:
    """A stretch of a recording that trains or validates, from ``first`` to ``last`` of its length."""

    recording: SpeechRecording
    name: str
    said: np.ndarray
    known: bool
    first: float = 0.0
    last: float = 1.0


def load_speech(folders: Sequence[SpeechFolder], words: Sequence[str]) -> tuple[SpeechSet, SpeechSet]:
    """Loads speech to train with and speech to validate with; the log says how much, and what is left out.

    Speakers do one or the other (`split_speakers`). Where word times are known, keywords and what sounds like them are
    told in `SpeechSet.said`; where there is only a transcript, recordings that say one are left out; where there is
    neither, what is said is not known and is taken for other words, but for what a model hears clearly in it.

    Args:
      folders: at least one.
      words: the keywords.

    Returns:
      Training and validation.

    Raises:
      KwsError: a folder, a transcript or a recording cannot be read, or nothing is left to train with.
    """
    training: list[_Part] = []
    validation: list[_Part] = []
    for folder in folders:
        for part, known in zip((training, validation), _parts(folder, words), strict=True):
            part += known
    if not training:
        raise KwsError(
            f"no speech to train with: every recording of {', '.join(str(folder.path) for folder in folders)} says a "
            "keyword. Write the times of words with kws-train cut, or give more speech."
        )
    return _read(training, "training"), _read(validation, "validation")


def held_speakers(training: SpeechSet, validation: SpeechSet) -> frozenset[str]:
    """Who validates and does not train, as names of clips tell speakers (words cut from their recordings, say)."""
    return frozenset(file_safe(speaker) for speaker in set(validation.speakers) - set(training.speakers))


def _parts(folder: SpeechFolder, words: Sequence[str]) -> tuple[list[_Part], list[_Part]]:
    corpus = speech_corpus(folder.path)
    times = find_word_times(Path(folder.path), folder.word_times)
    vocabulary = {word for item in corpus.recordings for word in item.words}
    vocabulary |= {word.word for spoken in times.values() for word in spoken}
    spotter = LabelSpotter(words, vocabulary) if vocabulary else None
    kept, left_out = [], 0
    for item in corpus.recordings:
        spans: Sequence[SpokenWord] = ()
        if spotter and item.name in times:
            spans = spotter.find(times[item.name])
        elif spotter and spotter.said_in(item.words):
            left_out += 1
            continue
        said = np.array([(word.start_s, word.end_s) for word in spans]).reshape(-1, 2) * SAMPLE_RATE_HZ
        known = item.text is not None or item.name in times
        kept.append(_Part(item, f"{corpus.root.name}/{item.name}", np.rint(said).astype(np.int64), known))
    unknown = sum(not part.known for part in kept)
    untimed = " whose transcripts name a keyword without its time" if left_out else ""
    log.info(
        f"{folder.path}: {len(kept):,} recordings of running speech, {len(corpus.speakers):,} speakers"
        + (f"; {left_out:,} left out{untimed}" if left_out else "")
        + (f"; {_UNKNOWN.format(unknown)}" if unknown else "")
    )
    held = split_speakers(corpus, folder.fold).validation
    if held:
        return (
            [part for part in kept if part.recording.speaker not in held],
            [part for part in kept if part.recording.speaker in held],
        )
    share = 1 - 1 / _HELD_PART
    return (
        [dataclasses.replace(part, last=share) for part in kept],
        [dataclasses.replace(part, first=share) for part in kept],
    )


def _read(parts: Sequence[_Part], what: str) -> SpeechSet:
    owner = tempfile.TemporaryDirectory(prefix="kws-speech-")
    path = Path(owner.name) / "speech.pcm"
    starts, said = [0], []
    progress = Progress(f"reading {what} speech", len(parts))
    try:
        with path.open("wb") as file:
            for done, part in enumerate(parts, 1):
                samples = read_wav(part.recording.path, SAMPLE_RATE_HZ)
                first, last = round(part.first * len(samples)), round(part.last * len(samples))
                file.write(samples[first:last].tobytes())
                starts.append(starts[-1] + last - first)
                said.append(part.said - first)
                progress.update(done)
            if not parts:
                file.write(bytes(2))  # an empty file cannot be mapped
    except OSError as error:
        raise KwsError(
            f"{path}: {2e-6 * starts[-1]:.0f} MB of speech cannot be written ({error.strerror}). Set TMPDIR to a "
            "folder with room."
        ) from error
    found = SpeechSet(
        pcm=np.zeros(0, np.int16),
        starts=np.array(starts, np.int64),
        names=tuple(part.name for part in parts),
        said=tuple(said),
        known=np.array([part.known for part in parts], bool),
        speakers=tuple(sorted({part.recording.speaker for part in parts})),
        path=path,
        owner=owner,
    ).mapped()
    log.info(f"{found.hours:.2f} h of {what} speech")
    return found
