"""Reads recordings as clips of one length: cut to the word where they are longer, filled up where they are shorter."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import Recording, named
from kws_reference.audio.word_window import is_silent, word_start
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ

log = logging.getLogger(__name__)


def read_clips(files: Sequence[Recording], labels: Sequence[str], pcm: np.ndarray, rate_hz: int) -> None:
    """Reads recordings, each as a clip (`fit_clip`); the log says how many were cut, filled up or are silent.

    Args:
      files: recordings.
      labels: label of each; silence is no word.
      pcm: int16 ``[at least as many, samples]``; the first rows are filled.
      rate_hz: of the clips.

    Raises:
      KwsError: files that cannot be read; the message names every one.
    """
    lengths, starts = np.zeros(len(files), np.int64), np.zeros(len(files), np.int64)
    silent = np.zeros(len(files), bool)
    broken: dict[int, KwsError] = {}

    def load(row: int) -> None:
        try:
            samples = read_wav(files[row].path, rate_hz)
        except KwsError as error:
            broken[row] = error
            return
        lengths[row] = len(samples)
        pcm[row], starts[row] = fit_clip(samples, pcm.shape[1], rate_hz, is_word=labels[row] != SILENCE)
        silent[row] = labels[row] != SILENCE and is_silent(pcm[row], rate_hz)

    with ThreadPoolExecutor(max_workers=2) as pool:
        progress = Progress("reading clips", len(files))
        for done, _ in enumerate(pool.map(load, range(len(files))), 1):
            progress.update(done)
    if broken:
        first, *others = sorted(broken)
        more = f" {len(others):,} more cannot be read: {named([files[row].name for row in others])}." if others else ""
        raise KwsError(f"{broken[first]}{more}")
    _log_lengths(files, lengths / rate_hz, starts / rate_hz, silent, pcm.shape[1] / rate_hz)


def _log_lengths(
    files: Sequence[Recording],
    length_s: np.ndarray,
    start_s: np.ndarray,
    silent: np.ndarray,
    clip_s: float,
) -> None:
    """Says how many recordings were cut and where, how many were filled up, how many of the clips hold silence."""
    long, short, rows = (np.flatnonzero(which).tolist() for which in (length_s > clip_s, length_s < clip_s, silent))
    clip = "a second" if clip_s == 1 else f"{clip_s:g} s"
    if len(long):
        all_s = length_s[long].sum()
        log.info(
            f"{len(long):,} of {len(files):,} recordings are longer than {clip} and cut to where the word is loudest: "
            f"{all_s - len(long) * clip_s:,.1f} of {all_s:,.1f} s are not used "
            f"({named([f'{files[row].name} from {start_s[row]:.2f} s' for row in long])})"
        )
    if len(short):
        least = min(short, key=length_s.__getitem__)
        log.info(
            f"{len(short):,} of {len(files):,} recordings are shorter than {clip}: zeros behind them fill it "
            f"(shortest: {files[least].name}, {length_s[least]:.2f} s)"
        )
    if len(rows):
        log.info(
            f"{len(rows):,} of {len(files):,} clips are silent though their folder is a word's, "
            f"{(length_s[rows] > clip_s).sum():,} of them cut from longer ones "
            f"({named([files[row].name for row in rows])}). Remove them, or put them into {SILENCE}."
        )


def fit_clip(
    samples: np.ndarray, length: int = CLIP_SAMPLES, sample_rate_hz: int = SAMPLE_RATE_HZ, is_word: bool = True
) -> tuple[np.ndarray, int]:
    """Makes a recording exactly a clip.

    One of this length stays as it is, and one that is shorter gets zeros behind, as with the official reader. That
    reader keeps the beginning of a longer one; here it is the part with the word (`word_start`).

    Args:
      samples: int16, at least one.
      length: wanted samples.
      sample_rate_hz: of the recording.
      is_word: False takes the beginning: of silence the loudest is not wanted.

    Returns:
      int16 ``[length]``, and the sample of the recording at which it begins.
    """
    if len(samples) > length:
        start = word_start(samples, length, sample_rate_hz) if is_word else 0
        return samples[start : start + length], start
    return np.pad(samples, (0, length - len(samples))), 0
