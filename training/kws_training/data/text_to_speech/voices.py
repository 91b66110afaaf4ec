"""The voices of the text-to-speech programs that are installed.

A voice counts as a speaker: its name takes the speaker's place in a file's name, so that whole voices are kept out of
training.
"""

import dataclasses
import functools
import logging
import zlib
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
from kws_reference.errors import KwsError

from kws_training.data.splits import Split, hash_split
from kws_training.data.text_to_speech import vocoder
from kws_training.data.text_to_speech.manner import ACCENTS as ACCENTS
from kws_training.data.text_to_speech.manner import Manner
from kws_training.data.text_to_speech.processes import output_of as output_of
from kws_training.data.text_to_speech.programs import espeak, festival, flite, piper

log = logging.getLogger(__name__)

ESPEAK, FLITE = espeak.NAME, flite.NAME
INSTALL = "Install them: apt-get install espeak-ng flite"
_PROGRAMS: dict[str, ModuleType] = {"espeak": espeak, "flite": flite, "festival": festival, "piper": piper}
# Voices of persons are few. The same person is on one side, whatever program speaks with his voice.
_PARTS: dict[str, Split] = {"kal": "validation", "rms": "testing"}


@dataclasses.dataclass(frozen=True)
class Voice:
    """One speaker.

    Attributes:
      program: what its name begins with: ``"espeak"``, ``"flite"``, ``"festival"`` or ``"piper"``.
      timbre: the program's name for it.
      turns: clips of this voice for one of an espeak-ng variant: voices of persons have more.
    """

    program: str
    timbre: str
    turns: int = 1

    @property
    def name(self) -> str:
        """As it stands in file names, such as ``espeak-f2``."""
        return f"{self.program}-{self.timbre.lower()}"

    @property
    def part(self) -> Split:
        """The split that its clips belong to: a tenth of espeak-ng's voices validates and a tenth tests."""
        if self.program == "espeak":
            return hash_split(f"{self.name}_nohash_0.wav")
        return _PARTS.get(self.timbre, "training")

    def speaker(self, seed: int) -> Callable[[str, Manner], np.ndarray]:
        """Returns what says texts in this voice: 16 kHz in units of int16, float64 ``[samples]``.

        Args:
          seed: of what the program draws by itself, below 2**31; what is said then depends on what was said before.

        Raises:
          KwsError: the program fails; also when it is called.
        """
        return _PROGRAMS[self.program].speaker(self.timbre, seed)


def installed_voices() -> tuple[Voice, ...]:
    """Lists the voices of all programs that are installed; there may be none."""
    return tuple(
        Voice(program, timbre, turns)
        for program, module in _PROGRAMS.items()
        for timbre, turns in module.timbres().items()
    )


@functools.cache
def voices() -> tuple[Voice, ...]:
    """Lists the voices to speak with.

    Raises:
      KwsError: neither espeak-ng nor flite is installed, without which nobody tells how words sound.
    """
    found = installed_voices()
    if not any(voice.program in ("espeak", "flite") for voice in found):
        raise KwsError(f"no speech synthesiser: neither {ESPEAK} nor {FLITE} is on PATH. {INSTALL}")
    return found


def versions() -> dict[str, str]:
    """Which programs speak, and the vocoder, with their versions."""
    there = {voice.program for voice in voices()}
    found = {module.NAME: module.version() for program, module in _PROGRAMS.items() if program in there}
    return found | ({vocoder.NAME: vocoder.version()} if vocoder.is_there() else {})


def log_missing() -> None:
    """Names the programs that could speak, too, in one line each."""
    there = {voice.program for voice in voices()}
    for program, module in _PROGRAMS.items():
        if program not in there:
            log.info(f"no voices of {module.NAME}: it is not installed ({module.INSTALL})")
    if not vocoder.is_there():
        log.info(f"no further speakers by vocoder: {vocoder.NAME} is not installed ({vocoder.INSTALL})")


def clip_voices(word: str, clips: int, seed: int) -> list[Voice]:
    """Returns the voice of each clip of a word: all voices in turn, in an order drawn from the seed."""
    rng = np.random.default_rng([seed, zlib.crc32(word.encode())])
    turns = [voice for voice in voices() for _ in range(voice.turns)]
    return [turns[index] for _ in range(-(-clips // len(turns))) for index in rng.permutation(len(turns))][:clips]


def first_voices() -> Sequence[Voice]:
    """A voice of each program."""
    return list({voice.program: voice for voice in reversed(voices())}.values())
