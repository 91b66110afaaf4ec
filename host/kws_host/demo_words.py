"""Synthesises the demo's words with espeak-ng and flite (make demo-words installs both), always the same.

python -m kws_host.demo_words            renews host/demo/words/<label>/<voice>.wav
python -m kws_host.demo_words --check    only compares: exit 1 if a clip is missing, foreign or sounds different
"""

import argparse
import dataclasses
import shutil
import subprocess
import sys
import tempfile
import wave
import zlib
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.cli.log import set_up
from kws_reference.cli.program import CHECK_FAILED, OK, status_of
from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE, TEN_KEYWORDS, UNKNOWN

WORDS = Path(__file__).resolve().parents[1] / "demo" / "words"
RATE_HZ = 16000
CLIP_SAMPLES = 16000
MARGIN_SAMPLES = 400  # 25 ms
SPEECH_RMS = 2000.0  # of the loud half of a word, in int16 steps: about what recorded commands have
ROOM_RMS = 6.0  # a quiet room, so that pauses are not digital zeros
SAME = 0.98  # correlation from which two clips count as the same speech


@dataclasses.dataclass(frozen=True)
class Voice:
    """One speaker.

    Attributes:
      program: ``"espeak-ng"`` or ``"flite"``.
      name: the program's name of the voice.
      speed: words a minute (espeak-ng) or stretch of durations, greater is slower (flite).
      pitch: 0 to 99 (espeak-ng) or mean fundamental frequency in Hz (flite); 0 is the voice's own.
    """

    program: str
    name: str
    speed: float
    pitch: int = 0


VOICES = {
    "slt": Voice("flite", "slt", 1.3),
    "rms": Voice("flite", "rms", 1.3),
    "awb": Voice("flite", "awb", 1.3),
    "gina": Voice("espeak-ng", "en-us+f2", 140, 55),
}
OTHER_WORDS = {"marvin": "slt", "house": "rms", "seven": "awb", "zero": "gina", "bird": "slt", "happy": "rms"}


def plan() -> dict[str, tuple[str, Voice]]:
    """Returns every spoken clip: path below `WORDS` to word and voice."""
    clips = {f"{word}/{name}.wav": (word, voice) for word in TEN_KEYWORDS for name, voice in VOICES.items()}
    clips |= {f"{UNKNOWN}/{word}_{name}.wav": (word, VOICES[name]) for word, name in OTHER_WORDS.items()}
    return clips


def silent_clips() -> dict[str, np.ndarray]:
    """Returns the clips without speech: path below `WORDS` to int16 ``[16000]``."""
    rng = np.random.default_rng(1)
    hum = 300.0 * np.sin(2 * np.pi * 100.0 * np.arange(CLIP_SAMPLES) / RATE_HZ)
    return {
        f"{SILENCE}/room.wav": _to_int16(rng.normal(0.0, ROOM_RMS, CLIP_SAMPLES)),
        f"{SILENCE}/hiss.wav": _to_int16(rng.normal(0.0, 200.0, CLIP_SAMPLES)),
        f"{SILENCE}/hum.wav": _to_int16(hum + rng.normal(0.0, 20.0, CLIP_SAMPLES)),
    }


def speak(word: str, voice: Voice) -> np.ndarray:
    """Synthesises one word.

    Returns:
      int16 ``[16000]``: the word in the middle of a second of a quiet room.

    Raises:
      KwsError: the program is missing or fails.
    """
    seed = zlib.crc32(f"{word} {voice}".encode())
    return _in_a_quiet_room(_without_pauses(_synthesise(word, voice)), seed)


def _synthesise(word: str, voice: Voice) -> np.ndarray:
    """What the voice's program makes of a word, float64 ``[samples]`` in int16 steps."""
    if shutil.which(voice.program) is None:
        raise KwsError(f"{voice.program} is not installed. Run make demo-words, which installs it.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        command = _command(word, voice, path)
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode or not path.is_file():
            raise KwsError(f"{' '.join(command)} failed: {result.stderr.strip() or result.returncode}")
        return read_wav(path, RATE_HZ).astype(float)


def _command(word: str, voice: Voice, path: Path) -> list[str]:
    if voice.program == "flite":
        pitch = ["--setf", f"int_f0_target_mean={voice.pitch}"] if voice.pitch else []
        stretch = ["--setf", f"duration_stretch={voice.speed}"]
        return ["flite", "-voice", voice.name, *stretch, *pitch, "-t", word, "-o", str(path)]
    return ["espeak-ng", "-v", voice.name, "-s", str(voice.speed), "-p", str(voice.pitch), "-w", str(path), word]


def _without_pauses(spoken: np.ndarray) -> np.ndarray:
    """The word itself with 25 ms on both sides, at most as long as fits into a clip with as much around it."""
    loudness = np.convolve(spoken**2, np.ones(MARGIN_SAMPLES) / MARGIN_SAMPLES, mode="same")
    heard = np.flatnonzero(loudness > 1e-3 * loudness.max())
    return spoken[max(0, heard[0] - MARGIN_SAMPLES) : heard[-1] + MARGIN_SAMPLES][: CLIP_SAMPLES - 2 * MARGIN_SAMPLES]


def _in_a_quiet_room(spoken: np.ndarray, seed: int) -> np.ndarray:
    """A clip with the word in its middle, as loud as `SPEECH_RMS` says. Args: seed: of the room's noise."""
    loud = np.sqrt(np.mean(np.sort(spoken**2)[len(spoken) // 2 :]))
    clip = np.random.default_rng(seed).normal(0.0, ROOM_RMS, CLIP_SAMPLES)
    start = (CLIP_SAMPLES - len(spoken)) // 2
    clip[start : start + len(spoken)] += spoken * min(SPEECH_RMS / loud, 30000.0 / np.abs(spoken).max())
    return _to_int16(clip)


def write_wav(path: Path, pcm: np.ndarray) -> None:
    """Writes 16 kHz mono int16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE_HZ, len(pcm), "NONE", ""))
        out.writeframes(pcm.astype("<i2").tobytes())


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the correlation of two clips, 1 for equal ones."""
    a, b = a.astype(float), b.astype(float)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def _to_int16(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def write(clips: dict[str, np.ndarray]) -> None:
    """Makes `WORDS` hold these clips and no others."""
    for name in _there() - set(clips):
        (WORDS / name).unlink()
    for name, pcm in clips.items():
        write_wav(WORDS / name, pcm)


def different(clips: dict[str, np.ndarray]) -> list[str]:
    """Names of the clips in which `WORDS` is not this: missing ones, others, and such as sound different."""
    there = _there()
    unlike = [name for name in there & set(clips) if similarity(read_wav(WORDS / name), clips[name]) < SAME]
    return [*sorted(there ^ set(clips)), *unlike]


def _there() -> set[str]:
    return {path.relative_to(WORDS).as_posix() for path in WORDS.rglob("*.wav")}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; 0 is done, 1 is that --check found a difference, 2 a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a clip differs")
    options = parser.parse_args(arguments)
    set_up(0, "kws_host")
    return status_of(lambda: _run(options.check))


def _run(check: bool) -> int:
    clips = {name: speak(*how) for name, how in plan().items()} | silent_clips()
    if not check:
        write(clips)
        print(f"{len(clips)} clips in {WORDS}")
        return OK
    names = different(clips)
    for name in names:
        print(f"{name}: missing, foreign or different. Run make demo-words.", file=sys.stderr)
    return CHECK_FAILED if names else OK


if __name__ == "__main__":
    sys.exit(main())
