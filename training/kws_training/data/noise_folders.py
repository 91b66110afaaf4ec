"""Folders of recorded noise, a subfolder for each class, of which a fifth is kept for testing and never trained on.

Which recordings are kept is told by their names alone, so that training and measuring agree wherever the folder lies.
"""

import hashlib
import logging
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import Recording, find_recordings, left_out_lines
from kws_reference.errors import KwsError

from kws_training.data.clips import SAMPLE_RATE_HZ

KEPT_SHARE = 0.2
Part = Literal["training", "testing"]

log = logging.getLogger(__name__)


def noise_recordings(folder: str | Path, part: Part) -> tuple[Recording, ...]:
    """The recordings of one part of a folder of noise, sorted by name.

    Args:
      folder: ``<class>/*.wav`` at any depth; recordings right in the folder are a class of their own.
      part: ``"testing"``: of each class those that are kept (`kept_for_testing`); ``"training"``: all others.

    Raises:
      KwsError: it is no folder or holds no recording.
    """
    listing = find_recordings(folder)
    if not listing.recordings:
        raise KwsError(f"no WAV files below {folder}. Give a folder of noise, with a subfolder for each class.")
    for line in left_out_lines(folder, listing.left_out):
        log.info(line)
    kept = kept_for_testing([item.name for item in listing.recordings])
    return tuple(item for item in listing.recordings if (item.name in kept) == (part == "testing"))


def kept_for_testing(names: Sequence[str]) -> set[str]:
    """Which recordings are kept for testing: of each class at least a fifth, whole sources, by their hash.

    A class of one source is kept out of nothing: it trains.

    Args:
      names: paths below the folder, ``<class>/.../<file>``.
    """
    classes: dict[str, dict[str, list[str]]] = {}
    for name in names:
        classes.setdefault(name.split("/")[0] if "/" in name else "", {}).setdefault(source_of(name), []).append(name)
    kept: set[str] = set()
    for sources in classes.values():
        wanted = math.ceil(KEPT_SHARE * sum(map(len, sources.values())))
        taken = 0
        for source in sorted(sources, key=_hash)[:-1]:
            if taken >= wanted:
                break
            kept.update(sources[source])
            taken += len(sources[source])
    return kept


def source_of(name: str) -> str:
    """What a recording was cut from: takes whose names differ by a last letter only (``7-A.wav``, ``7-B.wav``)."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return re.sub(r"[-_][A-Za-z]$", "", stem)


def load_noise_folders(folders: Iterable[str | Path], part: Part) -> tuple[np.ndarray, ...]:
    """Reads one part of folders of noise.

    Returns:
      int16 arrays at 16 kHz, in the folders' order and sorted by name in each; digital silence is left out.

    Raises:
      KwsError: of a folder or a recording.
    """
    recordings: list[np.ndarray] = []
    for folder in folders:
        files = noise_recordings(folder, part)
        found = [pcm for item in files if (pcm := read_wav(item.path, SAMPLE_RATE_HZ)).any()]
        log.info(
            f"{folder}: {len(found):,} recordings of noise for {part}, {sum(map(len, found)) / SAMPLE_RATE_HZ:,.0f} s"
        )
        recordings += found
    return tuple(recordings)


def _hash(source: str) -> str:
    return hashlib.sha1(source.encode("utf-8", "surrogateescape")).hexdigest()
