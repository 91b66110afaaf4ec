"""The voices of the text-to-speech programs espeak-ng and flite.

A voice counts as a speaker: its name takes the speaker's place in a file's name, so that the split of
`kws_training.data.splits` keeps whole voices out of training.
"""

import dataclasses
import functools
import shutil
import subprocess
import zlib

import numpy as np
from kws_reference.errors import KwsError

ESPEAK, FLITE = "espeak-ng", "flite"
INSTALL = "Install them: apt-get install espeak-ng flite"
ACCENTS = (
    "en-us", "en-us", "en-us-nyc", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd",
    "en-029",
)  # fmt: skip
"""Accents of espeak-ng; each clip of a voice draws one."""
# espeak-ng's variants that sound like persons: not its whispers, echoes and robots.
_VARIANTS = (
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Jacky", "Lee",
    "Mario", "Michael", "Mike", "Nguyen", "RicishayMax", "RicishayMax2", "RicishayMax3", "Storm", "adam",
    "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "edward2", "f1",
    "f2", "f3", "f4", "f5", "grandma", "grandpa", "gustave", "iven", "iven2", "iven3", "iven4", "john", "kaukovalta",
    "klatt", "klatt2", "klatt3", "klatt4", "klatt5", "klatt6", "linda", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8",
    "marcelo", "max", "michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro",
    "shelby", "steph", "steph2", "steph3", "travis", "victor", "zac",
)  # fmt: skip
FLITE_PITCH_HZ = {"awb": 120, "kal": 105, "rms": 95, "slt": 170}
_FLITE_SHARE = 3  # clips of a flite voice for one of an espeak-ng variant: flite's come from recorded speakers


@dataclasses.dataclass(frozen=True)
class Voice:
    """One speaker.

    Attributes:
      name: as it stands in file names, such as ``espeak-f2``.
      program: ``"espeak-ng"`` or ``"flite"``.
      timbre: the program's name for it.
    """

    name: str
    program: str
    timbre: str


@functools.cache
def voices() -> tuple[Voice, ...]:
    """Lists the voices of the programs that are installed.

    Raises:
      KwsError: neither is.
    """
    found = []
    if shutil.which(ESPEAK):
        known = output_of([ESPEAK, "--voices=variant"])
        there = {line.split("!v/", 1)[1].split("  ")[0].strip() for line in known.splitlines() if "!v/" in line}
        found += [Voice(f"espeak-{name.lower()}", ESPEAK, name) for name in _VARIANTS if name in there]
    if shutil.which(FLITE):
        there = set(output_of([FLITE, "-lv"]).split())
        found += [Voice(f"flite-{name}", FLITE, name) for name in FLITE_PITCH_HZ if name in there]
    if not found:
        raise KwsError(f"no speech synthesiser: neither {ESPEAK} nor {FLITE} is on PATH. {INSTALL}")
    return tuple(found)


def clip_voices(word: str, clips: int, seed: int) -> list[Voice]:
    """Returns the voice of each clip of a word: all voices in turn, in an order drawn from the seed."""
    rng = np.random.default_rng([seed, zlib.crc32(word.encode())])
    turns = [voice for voice in voices() for _ in range(_FLITE_SHARE if voice.program == FLITE else 1)]
    return [turns[index] for _ in range(-(-clips // len(turns))) for index in rng.permutation(len(turns))][:clips]


def output_of(command: list[str], text: str = "") -> str:
    """Runs a program and returns what it prints.

    Args:
      command: program and arguments.
      text: its standard input.

    Raises:
      KwsError: it is missing, hangs or fails.
    """
    try:
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KwsError(f"{command[0]} does not run ({error}). {INSTALL}") from None
    if result.returncode:
        raise KwsError(f"{' '.join(command)} failed: {result.stderr.strip() or result.returncode}")
    return result.stdout
