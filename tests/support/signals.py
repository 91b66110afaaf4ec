"""Audio for the front end's tests, all from seeds."""

import os
from pathlib import Path

import numpy as np

from tests.support.paths import ROOT


def hostile(samples: int = 4000) -> dict[str, np.ndarray]:
    """Signals that overflow, saturate or starve a careless fixed-point front end, int16 [samples] each."""
    rng = np.random.default_rng(1)
    n = np.arange(samples)
    signals = {
        "silence": np.zeros(samples),
        "minus_one": np.full(samples, -1),
        "dc_max": np.full(samples, 32767),
        "dc_min": np.full(samples, -32768),
        "impulse": np.where(n == 700, 32767, 0),
        "impulse_min": np.where(n == 701, -32768, 0),
        "impulse_one": np.where(n % 997 == 5, 1, 0),
        "random_int16": rng.integers(-32768, 32768, samples),
        "random_extremes": rng.choice([-32768, 32767], samples),
        "random_one_bit": rng.integers(-1, 1, samples),
        "step": np.where(n < samples // 2, -32768, 32767),
        "edges_loud": np.where(n % 480 < 4, 32767, rng.integers(-3, 4, samples)),
    }
    for half_period in (1, 2, 3, 4, 8, 37, 160):
        signals[f"square_{half_period}"] = np.where(n // half_period % 2, 32767, -32768)
    for bits in range(1, 15):
        signals[f"noise_{bits}_bit"] = rng.integers(-(1 << bits), 1 << bits, samples)
    for k in (1, 2, 10, 64, 127, 128, 129, 200, 243, 255):
        signals[f"sine_bin_{k}"] = np.rint(32767 * np.sin(2 * np.pi * k * n / 512 + 0.3))
    return {name: values.astype(np.int16) for name, values in signals.items()}


def micro_hostile(samples: int = 4000) -> dict[str, np.ndarray]:
    """Signals that reach the corners of the micro front end's fixed point, int16 [samples] each."""
    rng = np.random.default_rng(2)
    n = np.arange(samples)
    hann = np.maximum(0.5 - 0.5 * np.cos(2 * np.pi * (n % 480 + 0.5) / 480), 1 / 64)
    phase = 2 * np.pi * 8 * (n // 2) / 256 + 0.05
    turning = np.where(n % 2, np.sin(phase), np.cos(phase))  # one bin of the complex transform
    signals = {
        "only_minus_32768": np.where(n == 960 + 240, -32768, 0),  # no largest sample: shifted out of 16 bits
        "minus_32768_in_noise": np.where(n % 160 == 80, -32768, rng.integers(-2, 3, samples)),
        "alternating_full_scale": np.where(n // 2 % 2, 32767, -32768),
        "flat_behind_window": rng.choice([-500, 500], samples) / hann,
        "one_bin_flat_behind_window": 500 * np.sign(turning) / hann,  # wraps within the transform
        "one_bin_square": 32767 * np.sign(turning),
        "bursts": rng.normal(size=samples) * np.where(n // 1600 % 2, 12000, 3),
    }
    return {name: np.clip(values, -32768, 32767).astype(np.int16) for name, values in signals.items()}


def speech_like(seconds: float = 8.0, seed: int = 7) -> np.ndarray:
    """Pitch pulses through moving resonances with pauses and background noise, 16 kHz, int16."""
    rng = np.random.default_rng(seed)
    samples = int(16000 * seconds)
    n = np.arange(samples)
    pitch_hz = 120 + 40 * np.sin(2 * np.pi * 0.7 * n / 16000)
    phase = np.cumsum(pitch_hz / 16000)
    source = np.diff(np.floor(phase), prepend=0) * 3.0 + 0.05 * rng.normal(size=samples)
    out = np.zeros(samples)
    for first, low_hz, high_hz, width_hz in ((0, 300, 800, 80), (1, 900, 2200, 120), (2, 2400, 3200, 200)):
        for begin in range(0, samples, 400):  # the resonance moves every 25 ms
            f = low_hz + (high_hz - low_hz) * 0.5 * (1 + np.sin(2 * np.pi * (0.5 + first * 0.3) * begin / 16000))
            r = np.exp(-np.pi * width_hz / 16000)
            length = np.arange(600)
            response = r**length * np.sin(2 * np.pi * f / 16000 * (length + 1))
            piece = np.convolve(source[begin : begin + 400], response)[: samples - begin]
            out[begin : begin + len(piece)] += piece
    envelope = np.clip(np.sin(2 * np.pi * 0.9 * n / 16000) * 2, 0, 1) ** 2
    out = out * envelope / np.abs(out).max() * 20000 + 4 * rng.normal(size=samples)
    return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


def spoken_words(limit: int) -> tuple[list[Path], str]:
    """WAV files of words: people's from ``$KWS_AUDIO`` (Speech Commands layout), or the repo's synthetic ones.

    Returns:
      Evenly spaced files, at most ``limit``, and where they are from. No files: the text says what is missing.
    """
    folder = Path(os.environ.get("KWS_AUDIO", ROOT / "host" / "demo" / "words"))
    files = sorted(path for path in folder.rglob("*.wav") if path.parent.name != "_background_noise_")
    if not files:
        return [], f"no WAV files in {folder}; set KWS_AUDIO to a folder in Speech Commands layout"
    count = min(limit, len(files))
    return [files[i * len(files) // count] for i in range(count)], str(folder)
