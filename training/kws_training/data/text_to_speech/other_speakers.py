"""Further speakers out of recordings of words: by vocoder, another pitch, other formants, another tempo."""

import zlib
from pathlib import Path

import numpy as np
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.labels import Kind

from kws_training.data.clips import CLIP_SAMPLES, ClipSet, ClipSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.speakers import VOCODER, speaker_of
from kws_training.data.text_to_speech import vocoder
from kws_training.data.text_to_speech.write_voices import write_wav
from kws_training.data.word_spans import word_spans

PITCH_OCTAVES, TRACT = 0.45, 0.16
"""How far pitch and formants are moved at most, either way."""

_TEMPO = 0.2


def write_other_speakers(
    recordings: str | Path, words: tuple[str, ...], folder: str | Path, clips_per_word: int, seed: int
) -> int:
    """Writes ``<word>/vocoder-<speaker>_nohash_<n>.wav`` out of the recordings that train; the others are left alone.

    Args:
      recordings: a folder for each word, see `kws_reference.audio.recordings`.
      words: the labels, of which others are spoken.
      folder: is created; must hold no clips.
      clips_per_word: of each label, its recordings in turn.
      seed: draws voices, tempo and places.

    Returns:
      The number of clips.

    Raises:
      KwsError: ``pyworld`` is not installed, a label has no recording that trains, or a file cannot be written.
    """
    if not vocoder.is_there():
        raise KwsError(f"other speakers are made with {vocoder.NAME}, which is not there. {vocoder.INSTALL}")
    if clips_per_word < 1:
        raise KwsError(f"clips per word must be at least 1. Received: {clips_per_word}")
    folder = Path(folder)
    if any(folder.glob("*/*.wav")):
        raise KwsError(f"{folder} holds clips already. Choose another folder.")
    clips = load_clips(ClipSpec(Path(recordings), "training", (), words))
    labels = [index for index, kind in enumerate(clips.label_names.kinds) if kind == Kind.KEYWORD]
    spoken = {label: np.flatnonzero(clips.labels == label) for label in labels}
    if missing := [clips.label_names[label] for label, rows in spoken.items() if not len(rows)]:
        raise KwsError(f"{recordings} has no recording of {missing[0]!r} that trains. Add some.")
    progress, done = Progress("speaking", len(labels) * clips_per_word), 0
    try:
        for label, rows in spoken.items():
            done = _write_label(clips, clips.label_names[label], rows, folder, clips_per_word, seed, progress, done)
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another folder.") from None
    return done


def _write_label(
    clips: ClipSet,
    word: str,
    rows: np.ndarray,
    folder: Path,
    clips_per_word: int,
    seed: int,
    progress: Progress,
    done: int,
) -> int:
    (folder / word).mkdir(parents=True, exist_ok=True)
    for index in range(clips_per_word):
        rng = np.random.default_rng([seed, zlib.crc32(word.encode()), index])
        row = int(rows[index % len(rows)])
        speaker = speaker_of(clips.names[row]).removesuffix(".wav")
        path = folder / word / f"{VOCODER}{speaker}_nohash_{index}.wav"
        write_wav(path, another_speaker(clips.pcm[row], rng))
        progress.update(done + index + 1)
    return done + clips_per_word


def another_speaker(pcm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lets somebody else say what is said in a clip.

    Args:
      pcm: int16 ``[16000]``.
      rng: draws pitch, formants, tempo.

    Returns:
      int16 ``[16000]``: with another tempo the word stays in the middle of where it was.
    """
    draw = rng.uniform
    pitch, tract = 2.0 ** draw(-PITCH_OCTAVES, PITCH_OCTAVES), 1.0 + draw(-TRACT, TRACT)
    tempo = 1.0 + draw(-_TEMPO, _TEMPO)
    first, end = word_spans(pcm[None])[0]
    middle = (first + end) // 2
    said = vocoder.as_another(pcm.astype(np.float64), pitch, tract, tempo)
    start = int(np.clip(round(middle / tempo) - middle, 0, max(0, len(said) - CLIP_SAMPLES)))
    clip = np.zeros(CLIP_SAMPLES)
    part = said[start : start + CLIP_SAMPLES]
    clip[: len(part)] = part
    return np.clip(np.rint(clip), -32768, 32767).astype(np.int16)
