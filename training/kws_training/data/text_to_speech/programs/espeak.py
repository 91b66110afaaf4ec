"""espeak-ng: many voices by rule, in many accents of English."""

import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav

from kws_training.data.text_to_speech.manner import SAMPLE_RATE_HZ, Manner
from kws_training.data.text_to_speech.processes import output_of

NAME = "espeak-ng"
LICENCE = "GPL-3.0-or-later; what it says is nobody's"
INSTALL = "apt-get install espeak-ng"
# Variants that sound like persons: not its whispers, echoes and robots.
_VARIANTS = (
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Jacky", "Lee",
    "Mario", "Michael", "Mike", "Nguyen", "RicishayMax", "RicishayMax2", "RicishayMax3", "Storm", "adam",
    "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "edward2", "f1",
    "f2", "f3", "f4", "f5", "grandma", "grandpa", "gustave", "iven", "iven2", "iven3", "iven4", "john", "kaukovalta",
    "klatt", "klatt2", "klatt3", "klatt4", "klatt5", "klatt6", "linda", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8",
    "marcelo", "max", "michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro",
    "shelby", "steph", "steph2", "steph3", "travis", "victor", "zac",
)  # fmt: skip


@functools.cache
def timbres() -> dict[str, int]:
    """Its voices and in how many turns each of them speaks; none where it is not installed."""
    if not shutil.which(NAME):
        return {}
    known = output_of([NAME, "--voices=variant"])
    there = {line.split("!v/", 1)[1].split("  ")[0].strip() for line in known.splitlines() if "!v/" in line}
    return {name: 1 for name in _VARIANTS if name in there}


@functools.cache
def version() -> str:
    """Its version."""
    return output_of([NAME, "--version"]).split("text-to-speech:")[-1].split()[0]


def speaker(timbre: str, seed: int) -> Callable[[str, Manner], np.ndarray]:
    """Returns what says texts in a voice; see `kws_training.data.text_to_speech.voices.Voice.speaker`."""
    return functools.partial(_say, timbre)


def _say(timbre: str, text: str, manner: Manner) -> np.ndarray:
    words_per_minute = int(np.clip(140 * manner.speed / manner.tract, 80, 400))
    with tempfile.TemporaryDirectory(prefix="kws-voice-") as folder:
        path = Path(folder) / "word.wav"
        command = [NAME, "-v", f"{manner.accent}+{timbre}", "-s", str(words_per_minute)]
        output_of([*command, "-p", str(round(50 + 35 * manner.pitch)), "-w", str(path), text])
        return read_wav(path, manner.rate_of_tract(SAMPLE_RATE_HZ)).astype(np.float64)
