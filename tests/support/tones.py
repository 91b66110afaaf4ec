"""A small data set in the official layout that any network learns in seconds."""

import wave
from pathlib import Path

import numpy as np


def write_tones(root: Path, speakers: int) -> Path:
    """Writes recordings of two "keywords" and an "unknown word", and some noise.

    Args:
      root: folder to fill.
      speakers: each says every word once, at a pitch of their own: "yes" rises, "no" falls, "cat" is a chord.

    Returns:
      `root`.
    """
    rng = np.random.default_rng(0)
    time_s = np.arange(16000) / 16000
    for speaker in range(speakers):
        pitch = rng.uniform(300, 600)
        for word, slope in (("yes", 1.0), ("no", -0.5), ("cat", 0.0)):
            tone = np.sin(2 * np.pi * pitch * (time_s + slope * time_s**2 / 2))
            tone += np.sin(2 * np.pi * 2.5 * pitch * time_s) * (word == "cat")
            _write(root / word / f"{speaker * 7919:08x}_nohash_0.wav", 6000 * tone * np.hanning(16000))
    _write(root / "_background_noise_" / "hiss.wav", rng.normal(0, 300, 48000))
    return root


def _write(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 16000, len(samples), "NONE", ""))
        out.writeframes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())
