"""flite: four recorded speakers, by diphones and clusters of units."""

import functools
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav

from kws_training.data.text_to_speech.manner import SAMPLE_RATE_HZ, Manner, without_accents
from kws_training.data.text_to_speech.processes import output_of

NAME = "flite"
LICENCE = "BSD-like (CMU), voices included"
INSTALL = "apt-get install flite"
_PITCH_HZ = {"awb": 120, "kal": 105, "rms": 95, "slt": 170}
_TURNS = 3  # for one of a variant of espeak-ng


@functools.cache
def timbres() -> dict[str, int]:
    """Its voices and in how many turns each of them speaks; none where it is not installed."""
    if not shutil.which(NAME):
        return {}
    there = set(output_of([NAME, "-lv"]).split())
    return {name: _TURNS for name in _PITCH_HZ if name in there}


@functools.cache
def version() -> str:
    """Its version."""
    found = re.search(r"version:\s*(\S+)", output_of([NAME, "--version"], allowed=(0, 1)))
    return found[1] if found else "unknown"


def speaker(timbre: str, seed: int) -> Callable[[str, Manner], np.ndarray]:
    """Returns what says texts in a voice; see `kws_training.data.text_to_speech.voices.Voice.speaker`."""
    return functools.partial(_say, timbre)


def _say(timbre: str, text: str, manner: Manner) -> np.ndarray:
    stretch = 1.2 * manner.tract / manner.speed
    pitch_hz = _PITCH_HZ[timbre] * 1.25**manner.pitch
    settings = (f"duration_stretch={stretch:.3f}", f"int_f0_target_mean={pitch_hz:.1f}")
    with tempfile.TemporaryDirectory(prefix="kws-voice-") as folder:
        path = Path(folder) / "word.wav"
        command = [NAME, "-voice", timbre, *(part for item in settings for part in ("--setf", item))]
        output_of([*command, "-t", without_accents(text), "-o", str(path)])
        return read_wav(path, manner.rate_of_tract(SAMPLE_RATE_HZ)).astype(np.float64)
