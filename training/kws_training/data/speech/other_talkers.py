"""Further speakers of running speech: the same sentences by vocoder, with another pitch and other formants."""

import concurrent.futures
import shutil
import zlib
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.system import workers

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.speech.corpus import SpeechRecording, speech_corpus
from kws_training.data.speech.transcripts import is_transcript
from kws_training.data.text_to_speech import vocoder
from kws_training.data.text_to_speech.other_speakers import PITCH_OCTAVES, TRACT
from kws_training.data.text_to_speech.write_voices import write_wav

WORKERS = 2
_LOUDEST = 32000.0


def write_other_talkers(speech: str | Path, folder: str | Path, seed: int, processes: int = WORKERS) -> int:
    """Writes each recording again as somebody else, under the same name, and copies the transcripts.

    Nothing moves in time: the times of words hold for the copies. Names tell the same speakers, so that who validates
    does so in both folders. Recordings that are there already are kept.

    Args:
      speech: a folder of running speech (`speech_corpus`).
      folder: is created.
      seed: with a recording's name it draws pitch and formants.
      processes: that work side by side.

    Returns:
      The number of recordings.

    Raises:
      KwsError: ``pyworld`` is not installed, or a file cannot be read or written.
    """
    if not vocoder.is_there():
        raise KwsError(f"other speakers are made with {vocoder.NAME}, which is not there. {vocoder.INSTALL}")
    corpus, folder = speech_corpus(speech), Path(folder)
    if folder.resolve().is_relative_to(corpus.root.resolve()):
        raise KwsError(
            f"{folder} lies in {corpus.root}: the copies would count as recordings of it. Choose another folder."
        )
    progress = Progress("speaking", len(corpus.recordings))
    try:
        for path in sorted(corpus.root.rglob("*")):
            if path.is_file() and is_transcript(path.name):
                copy = folder / path.relative_to(corpus.root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        with workers.pool(min(processes, len(corpus.recordings)), vocoder.is_there) as pool:
            jobs = [pool.submit(_write, item, folder / item.name, seed) for item in corpus.recordings]
            for done, job in enumerate(concurrent.futures.as_completed(jobs), 1):
                job.result()
                progress.update(done)
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another folder.") from None
    return len(corpus.recordings)


def _write(item: SpeechRecording, path: Path, seed: int) -> None:
    if path.exists():
        return
    rng = np.random.default_rng([seed, zlib.crc32(item.name.encode())])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, another_talker(read_wav(item.path, SAMPLE_RATE_HZ), rng))


def another_talker(pcm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lets somebody else say what is said, as fast. Args: pcm: int16 ``[samples]``, 16 kHz. Returns: the same shape."""
    pitch, tract = 2 ** rng.uniform(-PITCH_OCTAVES, PITCH_OCTAVES), 1 + rng.uniform(-TRACT, TRACT)
    said = vocoder.as_another(pcm.astype(np.float64), pitch, tract)[: len(pcm)]
    said = np.pad(said, (0, len(pcm) - len(said)))
    peak = np.abs(said).max(initial=0.0)
    return np.rint(said * (_LOUDEST / peak if peak > _LOUDEST else 1)).astype(np.int16)
