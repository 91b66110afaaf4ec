"""One spoken word as a clip: synthesised, somewhere in a second, heard by some microphone in some room."""

import dataclasses
import logging
import re
from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft
from kws_reference.errors import KwsError

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ
from kws_training.data.text_to_speech.manner import Manner, without_accents
from kws_training.data.text_to_speech.voices import Voice, first_voices

log = logging.getLogger(__name__)


_TRIES = 4
_FASTEST = 1.6  # times the usual speed that a phrase may need to fit into a clip
_LONGEST_SAMPLES = CLIP_SAMPLES - 800
_EQUALISER_HZ = (0.0, 150.0, 300.0, 600.0, 1200.0, 2400.0, 4800.0, 8000.0)


def speak(word: str, voice: Voice, say: Callable[[str, Manner], np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Synthesises one word, somewhere in a second, as heard by some microphone in some room.

    Args:
      word: English, or a spelling that is pronounced like the word.
      voice: who speaks.
      say: the voice's `Voice.speaker`.
      rng: draws accent, speed, pitch, size of the vocal tract, room, microphone, loudness and place.

    Returns:
      int16 ``[16000]``.

    Raises:
      KwsError: the program fails, or says nothing for this word.
    """
    manner = Manner.drawn(rng)
    text = word + (".", ".", "!", "?")[rng.integers(4)]
    for _ in range(_TRIES):
        spoken = _trimmed(say(text, manner), word, voice)
        if len(spoken) <= _LONGEST_SAMPLES:
            break
        manner = dataclasses.replace(manner, speed=manner.speed * 1.1 * len(spoken) / _LONGEST_SAMPLES)
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
    clip += rng.normal(0.0, np.exp(rng.uniform(np.log(0.5), np.log(60.0))), CLIP_SAMPLES)
    return np.clip(np.rint(clip), -32768, 32767).astype(np.int16)


def check_sayable(word: str) -> None:
    """Refuses what the programs would spell out, skip or take for another language than English.

    Raises:
      KwsError: the word or phrase holds anything but Latin letters, with or without accents, apostrophes, and single
        spaces or hyphens between words.
    """
    parts = re.split("[ -]", without_accents(word))
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
    samples_of: dict[str, int] = {}
    for voice in first_voices():
        say = voice.speaker(0)
        for word in dict.fromkeys(words):
            spoken = _trimmed(say(f"{word}.", Manner()), word, voice)
            samples_of[word] = max(len(spoken), samples_of.get(word, 0))
    for word, samples in samples_of.items():
        seconds = f"{word!r} takes {samples / SAMPLE_RATE_HZ:.2f} s when it is spoken"
        if samples > _FASTEST * _LONGEST_SAMPLES:
            raise KwsError(f"{seconds}, a clip has {CLIP_SAMPLES / SAMPLE_RATE_HZ:g} s. Choose a shorter phrase.")
        if samples > _LONGEST_SAMPLES:
            log.info(f"{seconds}: it is spoken faster, to fit into a clip of {CLIP_SAMPLES / SAMPLE_RATE_HZ:g} s")


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
