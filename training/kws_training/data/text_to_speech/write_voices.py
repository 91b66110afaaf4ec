"""Writes words, each by many voices, as a folder in the official layout."""

import os
import wave
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.selection import index_speech_commands
from kws_training.data.text_to_speech.speak import check_sayable, speak
from kws_training.data.text_to_speech.voices import Voice, clip_voices


def write_voices(words: Sequence[str], folder: str | Path, clips_per_word: int, seed: int, workers: int = 0) -> int:
    """Writes clips of words as ``<word>/<voice>_nohash_<n>.wav``, 16 kHz mono int16, one second each.

    A clip depends on its word, its number, the seed and the installed versions of the programs. ``validation_list.txt``
    and ``testing_list.txt`` name the clips of the voices that the split keeps out of training.

    Args:
      words: what to say, words or phrases; each becomes a folder.
      folder: is created.
      clips_per_word: at least 1.
      seed: of all that is drawn.
      workers: programs that run at the same time; 0: one for each core.

    Returns:
      The number of clips in the folders of these words that this call asked for.

    Raises:
      KwsError: no program is installed, a word cannot be said (`check_sayable`), or a file cannot be written.
    """
    for word in words:
        check_sayable(word)
    if clips_per_word < 1:
        raise KwsError(f"clips per word must be at least 1. Received: {clips_per_word}")
    jobs = []
    for word in dict.fromkeys(words):
        counts: dict[Voice, int] = {}
        for index, voice in enumerate(clip_voices(word, clips_per_word, seed)):
            counts[voice] = counts.get(voice, -1) + 1
            jobs.append((Path(folder) / word / f"{voice.name}_nohash_{counts[voice]}.wav", word, voice, index))

    def write(job: tuple[Path, str, Voice, int]) -> None:
        path, word, voice, index = job
        _write_wav(path, speak(word, voice, np.random.default_rng([seed, zlib.crc32(word.encode()), 1 + index])))

    try:
        for word in dict.fromkeys(words):
            (Path(folder) / word).mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
            progress = Progress("speaking", len(jobs))
            for done, _ in enumerate(pool.map(write, jobs), 1):
                progress.update(done)
        for split in ("validation", "testing"):
            names = index_speech_commands(folder, split)
            (Path(folder) / f"{split}_list.txt").write_text("".join(f"{name}\n" for name in names))
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another folder.") from None
    return len(jobs)


def _write_wav(path: Path, pcm: np.ndarray) -> None:
    partial = path.with_suffix(".partial")
    with wave.open(str(partial), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE_HZ, len(pcm), "NONE", ""))
        out.writeframes(pcm.astype("<i2").tobytes())
    os.replace(partial, path)
