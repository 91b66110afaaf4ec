"""Spoken words from the speech synthesisers espeak-ng and flite, as training clips with many voices.

A voice counts as a speaker: its name takes the speaker's place in a file's name, so that the split of
`kws_training.data.speech_commands` keeps whole voices out of training.
"""

import dataclasses
import functools
import logging
import os
import re
import shutil
import subprocess
import tempfile
import unicodedata
import wave
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import scipy.fft
from kws_reference.audio.pcm import read_wav
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ
from kws_training.data.selection import index_speech_commands

log = logging.getLogger(__name__)

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
_FLITE_PITCH_HZ = {"awb": 120, "kal": 105, "rms": 95, "slt": 170}
_FLITE_SHARE = 3  # clips of a flite voice for one of an espeak-ng variant: flite's come from recorded speakers
_TRIES = 4
_FASTEST = 1.6  # times the usual speed that a phrase may need to fit into a clip
_LONGEST_SAMPLES = CLIP_SAMPLES - 800
_EQUALISER_HZ = (0.0, 150.0, 300.0, 600.0, 1200.0, 2400.0, 4800.0, 8000.0)


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
        found += [Voice(f"flite-{name}", FLITE, name) for name in _FLITE_PITCH_HZ if name in there]
    if not found:
        raise KwsError(f"no speech synthesiser: neither {ESPEAK} nor {FLITE} is on PATH. {INSTALL}")
    return tuple(found)


def clip_voices(word: str, clips: int, seed: int) -> list[Voice]:
    """Returns the voice of each clip of a word: all voices in turn, in an order drawn from the seed."""
    rng = np.random.default_rng([seed, zlib.crc32(word.encode())])
    turns = [voice for voice in voices() for _ in range(_FLITE_SHARE if voice.program == FLITE else 1)]
    return [turns[index] for _ in range(-(-clips // len(turns))) for index in rng.permutation(len(turns))][:clips]


def speak(word: str, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Synthesises one word, somewhere in a second, as heard by some microphone in some room.

    Args:
      word: English, or a spelling that is pronounced like the word.
      voice: who speaks.
      rng: draws accent, speed, pitch, size of the vocal tract, room, microphone, loudness and place.

    Returns:
      int16 ``[16000]``.

    Raises:
      KwsError: the program fails, or says nothing for this word.
    """
    draw = rng.uniform
    speed, pitch, tract, end = draw(0.75, 1.25), draw(-1.0, 1.0), draw(0.88, 1.14), rng.integers(4)
    accent = ACCENTS[rng.integers(len(ACCENTS))]
    text = word + (".", ".", "!", "?")[end]
    for _ in range(_TRIES):
        spoken = _trimmed(_synthesise(text, voice, speed, pitch, tract, accent), word, voice)
        if len(spoken) <= _LONGEST_SAMPLES:
            break
        speed *= 1.1 * len(spoken) / _LONGEST_SAMPLES
    if len(spoken) > _LONGEST_SAMPLES:
        raise KwsError(
            f"{word!r} takes {len(spoken) / SAMPLE_RATE_HZ:.1f} s with voice {voice.name}, spoken as fast as it can; a "
            f"clip has {CLIP_SAMPLES / SAMPLE_RATE_HZ:g} s. Choose a shorter one."
        )
    spoken = spoken / np.sqrt(np.mean(np.sort(spoken**2)[len(spoken) // 2 :]))
    clip = np.zeros(CLIP_SAMPLES)
    start = int(rng.beta(2.0, 2.0) * (CLIP_SAMPLES - len(spoken)))
    clip[start : start + len(spoken)] = spoken
    clip = _in_a_room(rng, clip) * np.clip(3000.0 * np.exp(rng.normal(0.0, 0.8)), 200.0, 10000.0)
    clip *= min(1.0, 32000.0 / np.abs(clip).max())
    clip += rng.normal(0.0, np.exp(draw(np.log(0.5), np.log(60.0))), CLIP_SAMPLES)
    return np.clip(np.rint(clip), -32768, 32767).astype(np.int16)


def check_sayable(word: str) -> None:
    """Refuses what the programs would spell out, skip or take for another language than English.

    Raises:
      KwsError: the word or phrase holds anything but Latin letters, with or without accents, apostrophes, and single
        spaces or hyphens between words.
    """
    parts = re.split("[ -]", _without_accents(word))
    if not all(part.replace("'", "").isalpha() and part.isascii() for part in parts):
        raise KwsError(
            f"the voices speak English: a word or phrase to speak holds Latin letters and apostrophes only. "
            f"Received: {word!r}. Spell it as it sounds, or train with recordings."
        )


def check_lengths(words: Sequence[str]) -> None:
    """Lets a voice of each program say every word once, at its usual speed, before anything is written.

    The log names each that does not fit into a clip at that speed.

    Raises:
      KwsError: a word is silent, or so long that it would have to be spoken `_FASTEST` times as fast.
    """
    samples_of = {}
    first = {voice.program: voice for voice in reversed(voices())}
    for word in dict.fromkeys(words):
        for voice in first.values():
            spoken = _trimmed(_synthesise(f"{word}.", voice, 1.0, 0.0, 1.0, ACCENTS[0]), word, voice)
            samples_of[word] = max(len(spoken), samples_of.get(word, 0))
    for word, samples in samples_of.items():
        seconds = f"{word!r} takes {samples / SAMPLE_RATE_HZ:.2f} s when it is spoken"
        if samples > _FASTEST * _LONGEST_SAMPLES:
            raise KwsError(f"{seconds}, a clip has {CLIP_SAMPLES / SAMPLE_RATE_HZ:g} s. Choose a shorter phrase.")
        if samples > _LONGEST_SAMPLES:
            log.info(f"{seconds}: it is spoken faster, to fit into a clip of {CLIP_SAMPLES / SAMPLE_RATE_HZ:g} s")


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


def _synthesise(text: str, voice: Voice, speed: float, pitch: float, tract: float, accent: str) -> np.ndarray:
    """The program's words, played ``tract`` times faster: formants move too, as with a smaller person."""
    with tempfile.TemporaryDirectory(prefix="kws-voice-") as folder:
        path = Path(folder) / "word.wav"
        if voice.program == FLITE:
            pitch_hz = _FLITE_PITCH_HZ[voice.timbre] * 1.25**pitch
            settings = (f"duration_stretch={1.2 * tract / speed:.3f}", f"int_f0_target_mean={pitch_hz:.1f}")
            command = [FLITE, "-voice", voice.timbre, *(part for item in settings for part in ("--setf", item))]
            command += ["-t", _without_accents(text), "-o", str(path)]
        else:
            command = [ESPEAK, "-v", f"{accent}+{voice.timbre}", "-s", str(int(np.clip(140 * speed / tract, 80, 400)))]
            command += ["-p", str(round(50 + 35 * pitch)), "-w", str(path), text]
        output_of(command)
        # Multiples of 50 Hz keep the conversion of rates cheap.
        return read_wav(path, 50 * round(SAMPLE_RATE_HZ / tract / 50)).astype(np.float64)


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _trimmed(spoken: np.ndarray, word: str, voice: Voice) -> np.ndarray:
    loudness = np.convolve(spoken**2, np.ones(400) / 400, mode="same")  # over 25 ms
    if not loudness.max() > 100.0:
        raise KwsError(f"{voice.program} says nothing for {word!r} with voice {voice.timbre}. Spell it another way.")
    heard = np.flatnonzero(loudness > 1e-3 * loudness.max())
    return spoken[max(0, heard[0] - 200) : heard[-1] + 200]


def _in_a_room(rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
    """Adds a decaying echo to most clips and a microphone's frequency response to all."""
    size = scipy.fft.next_fast_len(2 * CLIP_SAMPLES, real=True)
    frequency_hz = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ)
    response_db = np.interp(frequency_hz, _EQUALISER_HZ, rng.normal(0.0, 3.0, len(_EQUALISER_HZ)))
    spectrum = scipy.fft.rfft(clip, size) * 10.0 ** (response_db / 20.0)
    if rng.random() < 0.7:
        time_s = np.arange(SAMPLE_RATE_HZ // 2) / SAMPLE_RATE_HZ
        echo = rng.normal(0.0, 1.0, len(time_s)) * 10.0 ** (-3.0 * time_s / rng.uniform(0.1, 0.5))
        echo *= 10.0 ** (-rng.uniform(3.0, 20.0) / 20.0) / np.sqrt((echo**2).sum())
        echo[0] += 1.0
        spectrum *= scipy.fft.rfft(echo, size)
    return scipy.fft.irfft(spectrum, size)[:CLIP_SAMPLES]


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


def _write_wav(path: Path, pcm: np.ndarray) -> None:
    partial = path.with_suffix(".partial")
    with wave.open(str(partial), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE_HZ, len(pcm), "NONE", ""))
        out.writeframes(pcm.astype("<i2").tobytes())
    os.replace(partial, path)
