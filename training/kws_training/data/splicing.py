"""Words that hardly anybody recorded, spliced from pieces of recorded ones: a vowel, and the hiss that ends the word.

`off` is the beginning of `on` and the first sound of `five`, `four`, `forward`, `follow`, of the same speaker where he
said one of them. Pieces are found by energy: the vowel ends where the band of its second formant falls (a nasal or a
stop begins); the hiss is what is loud above 2.5 kHz before the voice sets in. The hiss is noise of that piece's own
spectrum (less the pause's), so that it may be longer than the piece; behind the word is the vowel's own pause.
"""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.clips import CLIP_SAMPLES, ClipSet, ClipSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.speakers import speaker_of
from kws_training.data.text_to_speech.write_voices import write_wav

log = logging.getLogger(__name__)

WINDOW, HOP, FFT = 400, 80, 512
_HANN = np.hanning(WINDOW)
_HZ = np.arange(FFT // 2 + 1) * 31.25
VOICE_HZ, FORMANT_HZ, HISS_HZ = (100, 800), (700, 2500), (2500, 7500)

_CLEAR_DB = 22.0
_BEGIN_DB, _FALL_DB = 18.0, 7.0
_VOWEL_HOPS = (8, 60)
_VOICED_DB, _HISS_DB = 15.0, 5.0
_HISS_HOPS = (8, 50)
_ABOVE_PAUSE_DB = 6.0
_PAUSE = 1600


@dataclasses.dataclass(frozen=True)
class Vowel:
    """The first vowel of a clip.

    Attributes:
      pcm: the clip, float64 ``[16000]``.
      speaker: who says it.
      start: first sample of what is before its loudest place and loud.
      end: sample at which its sound changes.
      level_db: of `VOICE_HZ` at its loudest.
    """

    pcm: np.ndarray
    speaker: str
    start: int
    end: int
    level_db: float


@dataclasses.dataclass(frozen=True)
class Hiss:
    """The voiceless sound that begins a clip's word.

    Attributes:
      power: spectrum less the pause's, float64 ``[257]``.
      voice_db: level of `VOICE_HZ` of the same clip's vowel: the hiss is so much below it.
    """

    power: np.ndarray
    voice_db: float


def write_spliced(
    recordings: str | Path, word: str, vowel_of: str, hiss_of: Sequence[str], folder: str | Path, each: int, seed: int
) -> int:
    """Writes ``<word>/<speaker>-splice<n>_nohash_<m>.wav`` out of the recordings that train; the others are left alone.

    Args:
      recordings: a folder for each word, see `kws_reference.audio.recordings`.
      word: what is made; an English ending such as f, s, sh.
      vowel_of: a recorded word that begins with the vowel.
      hiss_of: recorded words that begin with the ending's sound.
      folder: is created; must hold no clips.
      each: clips of each vowel.
      seed: draws hisses, lengths, levels and places.

    Returns:
      The number of clips.

    Raises:
      KwsError: too little is recorded, or a file cannot be written.
    """
    folder = Path(folder)
    if any(folder.glob("*/*.wav")):
        raise KwsError(f"{folder} holds clips already. Choose another folder.")
    if each < 1:
        raise KwsError(f"clips of each vowel must be at least 1. Received: {each}")
    clips = load_clips(ClipSpec(Path(recordings), "training", (), (vowel_of, *hiss_of)))
    vowels = [found for row in _rows(clips, vowel_of) if (found := vowel_in(clips.pcm[row], _speaker(clips, row)))]
    hisses: dict[str, list[Hiss]] = {}
    for spoken in hiss_of:
        for row in _rows(clips, spoken):
            if heard := hiss_in(clips.pcm[row]):
                hisses.setdefault(_speaker(clips, row), []).append(heard)
    if not vowels or not hisses:
        raise KwsError(f"{recordings}: no clear vowel of {vowel_of}, or no clear hiss of {', '.join(hiss_of)}.")
    same = sum(vowel.speaker in hisses for vowel in vowels)
    log.info(
        f"{len(vowels)} vowels of {vowel_of}, {sum(map(len, hisses.values())):,} hisses of {len(hisses)} speakers; "
        f"{same} of the vowels' speakers said one"
    )
    try:
        return _write(vowels, hisses, folder / word, each, np.random.default_rng(seed))
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another folder.") from None


def _write(
    vowels: Sequence[Vowel], hisses: Mapping[str, Sequence[Hiss]], folder: Path, each: int, rng: np.random.Generator
) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    anyones = [hiss for one in hisses.values() for hiss in one]
    progress, done = Progress("splicing", each * len(vowels)), 0
    for turn in range(each):
        for vowel in vowels:
            choice = hisses.get(vowel.speaker, anyones)
            pcm = spliced(vowel, choice[int(rng.integers(len(choice)))], rng)
            write_wav(folder / f"{vowel.speaker}-splice{turn}_nohash_{done}.wav", pcm)
            done += 1
            progress.update(done)
    return done


def _rows(clips: ClipSet, word: str) -> np.ndarray:
    return np.flatnonzero(clips.labels == clips.label_names.index(word))


def _speaker(clips: ClipSet, row: int) -> str:
    return speaker_of(clips.names[row]).removesuffix(".wav")


def vowel_in(pcm: np.ndarray, speaker: str = "") -> Vowel | None:
    """The first vowel of a clip, int16 ``[16000]``; None: there is no clear one."""
    spectra = _spectra(pcm)
    level = np.convolve(_band_db(spectra, FORMANT_HZ), np.ones(5) / 5, "same")
    top = int(level.argmax())
    if level[top] - np.percentile(level, 10) < _CLEAR_DB:
        return None
    first = last = top
    while first > 0 and level[first] > level[top] - _BEGIN_DB:
        first -= 1
    while last < len(level) - 1 and level[last] > level[top] - _FALL_DB:
        last += 1
    if first < 4 or not _VOWEL_HOPS[0] <= last - first <= _VOWEL_HOPS[1]:
        return None
    voice = _band_db(spectra, VOICE_HZ)[max(0, top - 3) : top + 4].max()
    start = first * HOP
    return Vowel(np.asarray(pcm, float), speaker, start, max(start + 8 * HOP, (last - 2) * HOP), float(voice))


def hiss_in(pcm: np.ndarray) -> Hiss | None:
    """The voiceless sound that begins the word of a clip, int16 ``[16000]``; None: there is no clear one."""
    spectra = _spectra(pcm)
    voice = np.convolve(_band_db(spectra, VOICE_HZ), np.ones(3) / 3, "same")
    hiss = _band_db(spectra, HISS_HZ)
    top = int(voice.argmax())
    voiced = top
    while voiced > 0 and voice[voiced] > voice[top] - _VOICED_DB:
        voiced -= 1
    first, base = voiced, np.percentile(hiss, 15)
    while first > 0 and hiss[first - 1] > base + _HISS_DB:
        first -= 1
    quiet = hiss < np.percentile(hiss, 20)
    if not quiet.any() or not _HISS_HOPS[0] <= voiced - first <= _HISS_HOPS[1]:
        return None
    heard, pause = spectra[first + 1 : voiced - 2].mean(0), spectra[quiet].mean(0)
    high = _HZ >= HISS_HZ[0]
    if 10 * np.log10(heard[high].sum() / pause[high].sum() + 1e-9) < _ABOVE_PAUSE_DB:
        return None
    return Hiss(np.maximum(heard - pause, 0.05 * heard), float(voice[top]))


def spliced(vowel: Vowel, hiss: Hiss, rng: np.random.Generator) -> np.ndarray:
    """A word of both.

    Args:
      vowel: the beginning.
      hiss: the end, 0.1 to 0.26 s of it, at its own level below the vowel's, -3 to +5 dB.
      rng: draws the rest.

    Returns:
      int16 ``[16000]``: the word lies within 0.1 s of the middle.
    """
    cut = int(vowel.start + (vowel.end - vowel.start) * rng.uniform(0.75, 1.0))
    samples = int(16000 * rng.uniform(0.10, 0.26))
    sound = _noise_like(hiss.power, samples, rng)
    gain = 10 ** ((vowel.level_db - hiss.voice_db) / 20) * 10 ** (rng.uniform(-3, 5) / 20)
    place = np.arange(samples)
    swell = np.minimum(1, place / (16 * rng.uniform(20, 50)))
    sound *= gain * (swell * np.minimum(1, (samples - place) / (samples * rng.uniform(0.3, 0.8))))
    fade = int(16 * rng.uniform(20, 40))
    made = np.zeros(CLIP_SAMPLES * 3 // 2)
    made[:cut] = vowel.pcm[:cut]
    made[cut - fade : cut] *= np.cos(np.linspace(0, np.pi / 2, fade))
    begin = cut - fade
    made[begin : begin + samples] += sound
    behind = _pause_of(vowel.pcm, len(made) - begin, rng)
    made[begin:] += behind * np.minimum(1, np.arange(len(behind)) / fade)
    middle = (vowel.start + begin + samples) // 2
    first = int(np.clip(middle - CLIP_SAMPLES // 2 + rng.integers(-1500, 1500), 0, CLIP_SAMPLES // 2))
    return np.clip(np.rint(made[first : first + CLIP_SAMPLES]), -32768, 32767).astype(np.int16)


def _noise_like(power: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of a spectrum of Hann windows, float64 ``[samples]``."""
    white = np.pad(rng.normal(size=samples + WINDOW), WINDOW)
    turned = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(white, WINDOW)[::HOP] * _HANN, FFT)
    turned = turned / np.abs(turned).clip(1e-9) * np.sqrt(rng.exponential(1.0, turned.shape))
    parts = np.fft.irfft(turned * np.sqrt(power), FFT)[:, :WINDOW] * _HANN
    added = np.zeros(len(parts) * HOP + WINDOW)
    for index, part in enumerate(parts):
        added[index * HOP : index * HOP + WINDOW] += part
    return added[WINDOW : WINDOW + samples] / (np.sum(_HANN**2) / HOP)


def _pause_of(pcm: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """The quietest tenth of a second of a clip, over and over, turned and overlapping: float64 ``[samples]``."""
    at = int(np.convolve(pcm**2, np.ones(_PAUSE), "valid").argmin())
    pause, window = pcm[at : at + _PAUSE], np.sin(np.linspace(0, np.pi, _PAUSE))
    made = np.zeros(samples + 1 + _PAUSE)
    for first in range(0, samples + _PAUSE // 2, _PAUSE // 2):
        turned = np.roll(pause, rng.integers(_PAUSE)) * rng.choice([-1, 1])
        room = min(_PAUSE, len(made) - first)
        made[first : first + room] += (turned * window)[:room]
    return made[_PAUSE // 2 : _PAUSE // 2 + samples]


def _spectra(pcm: np.ndarray) -> np.ndarray:
    """Power of Hann windows of 25 ms, every 5 ms: ``[windows, 257]``."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(pcm, float), WINDOW)[::HOP] * _HANN
    return np.abs(np.fft.rfft(windows, FFT)) ** 2


def _band_db(spectra: np.ndarray, band_hz: tuple[int, int]) -> np.ndarray:
    low, high = band_hz
    return 10 * np.log10(spectra[:, (low <= _HZ) & (high > _HZ)].sum(1) + 1)
