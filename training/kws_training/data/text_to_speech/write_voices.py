"""Writes words, each by many voices, as a folder in the official layout."""

import os
import wave
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.text_to_speech.speak import check_sayable, speak
from kws_training.data.text_to_speech.voices import Voice, clip_voices, voices


class _Turn(NamedTuple):
    """All clips of a word by one voice, in their order: what a neural voice draws depends on what it said before."""

    word: str
    voice: Voice
    clips: tuple[int, ...]


def write_voices(
    words: Sequence[str],
    folder: str | Path,
    clips_per_word: int,
    seed: int,
    workers: int = 0,
    spellings: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Writes clips of words as ``<word>/<voice>_nohash_<n>.wav``, 16 kHz mono int16, one second each.

    A clip depends on its word, its number, the seed and the installed versions of the programs. ``validation_list.txt``
    and ``testing_list.txt`` name the clips of the voices that are kept out of training.

    Args:
      words: what to say, words or phrases; each becomes a folder.
      folder: is created.
      clips_per_word: at least 1.
      seed: of all that is drawn.
      workers: programs that run at the same time; 0: one for each core.
      spellings: other spellings of a word, as it is pronounced elsewhere; its clips take them in turn with the word's.

    Returns:
      The number of clips in the folders of these words that this call asked for.

    Raises:
      KwsError: no program is installed, a word cannot be said (`check_sayable`), or a file cannot be written.
    """
    folder, spellings = Path(folder), spellings or {}
    for word in words:
        for text in (word, *spellings.get(word, ())):
            check_sayable(text)
    if clips_per_word < 1:
        raise KwsError(f"clips per word must be at least 1. Received: {clips_per_word}")
    turns = [turn for word in dict.fromkeys(words) for turn in _turns(word, clips_per_word, seed)]
    turns.sort(key=lambda turn: -len(turn.clips))  # the longest first, so that no core waits for it at the end

    def write(turn: _Turn) -> int:
        say = turn.voice.speaker(zlib.crc32(f"{seed} {turn.word} {turn.voice.name}".encode()) % 2**31)
        texts = (turn.word, *spellings.get(turn.word, ()))
        for number, clip in enumerate(turn.clips):
            rng = np.random.default_rng([seed, zlib.crc32(turn.word.encode()), 1 + clip])
            path = folder / turn.word / f"{turn.voice.name}_nohash_{number}.wav"
            write_wav(path, speak(texts[clip % len(texts)], turn.voice, say, rng))
        return len(turn.clips)

    try:
        for word in dict.fromkeys(words):
            (folder / word).mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
            progress, done = Progress("speaking", sum(len(turn.clips) for turn in turns)), 0
            for clips in pool.map(write, turns):
                done += clips
                progress.update(done)
        _write_lists(folder)
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another folder.") from None
    return done


def _turns(word: str, clips: int, seed: int) -> Iterator[_Turn]:
    of_voice: dict[Voice, list[int]] = {}
    for clip, voice in enumerate(clip_voices(word, clips, seed)):
        of_voice.setdefault(voice, []).append(clip)
    for voice, numbers in of_voice.items():
        yield _Turn(word, voice, tuple(numbers))


def _write_lists(folder: Path) -> None:
    """The lists of all that lies in the folder by now."""
    part_of = {voice.name: voice.part for voice in voices()}
    names = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*_nohash_*.wav"))
    for part in ("validation", "testing"):
        listed = [name for name in names if part_of.get(name.split("/")[-1].split("_nohash_")[0]) == part]
        (folder / f"{part}_list.txt").write_text("".join(f"{name}\n" for name in listed))


def write_wav(path: Path, pcm: np.ndarray) -> None:
    """Writes int16 ``[samples]`` at 16 kHz; the file appears when it is whole."""
    partial = path.with_suffix(".partial")
    with wave.open(str(partial), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE_HZ, len(pcm), "NONE", ""))
        out.writeframes(pcm.astype("<i2").tobytes())
    os.replace(partial, path)
