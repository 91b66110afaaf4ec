"""Recordings as WAV files, most of them made up, chosen so that planted faults show."""

import wave
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav

from tests.support.paths import ROOT


def write_wav(path: Path, pcm: np.ndarray) -> None:
    """Writes 16 kHz mono, and the folders above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.asarray(pcm, "<i2").tobytes())


def clicks() -> np.ndarray:
    """One click in every fourth hop, at index 2 of a window that holds no other click."""
    pcm = np.zeros(16000, np.int16)
    pcm[642::640] = 32767
    return pcm


def noise(seed: int) -> np.ndarray:
    """Noise whose loudness swings, so that many features move."""
    rng = np.random.default_rng(seed)
    loudness = 200 * np.exp(2.2 * (1 + np.sin(np.arange(16000) / 900)))
    return np.clip(rng.normal(0, loudness), -32768, 32767).astype(np.int16)


def spoken(name: str) -> np.ndarray:
    """One of the demo's words, for example ``left/rms.wav``."""
    return read_wav(ROOT / "host/demo/words" / name, 16000)


def word() -> np.ndarray:
    """A second with the spoken word "left", which the released model detects."""
    return np.pad(spoken("left/rms.wav"), (0, 16000))[:16000]


def chirp() -> np.ndarray:
    """Less than a second of a rising tone."""
    t = np.arange(14000) / 16000
    return (9000 * np.sin(2 * np.pi * (150 * t + 1800 * t * t))).astype(np.int16)


def write_labelled_folder(folder: Path) -> Path:
    """Writes folders of labels, with one recording each, and one of background noise. Returns the folder."""
    write_wav(folder / "yes/clicks.wav", clicks())
    write_wav(folder / "no/noise.wav", noise(1))
    write_wav(folder / "bird/chirp.wav", chirp())
    write_wav(folder / "left/word.wav", word())
    write_wav(folder / "_background_noise_/long.wav", noise(2))
    return folder
