"""Running speech of a sort: chords one behind the other, with a table of what is "said" when."""

from pathlib import Path

import numpy as np
import soundfile

WORD_SAMPLES = 7000
BEAT_SAMPLES = 8000


def write_speech(root: Path, recordings: int = 5, seconds: int = 12) -> Path:
    """Writes recordings ``speaker<n>/talk.wav`` of a chord every half second, without transcripts.

    Returns:
      `root`.
    """
    time_s = np.arange(WORD_SAMPLES) / 16000
    for speaker in range(recordings):
        rng = np.random.default_rng(speaker)
        pcm = np.zeros(seconds * 16000)
        for start in range(0, len(pcm) - BEAT_SAMPLES, BEAT_SAMPLES):
            chord = sum(np.sin(2 * np.pi * rng.uniform(200, 2000) * time_s) for _ in range(2))
            pcm[start : start + WORD_SAMPLES] += 3000 * chord * np.hanning(WORD_SAMPLES)
        path = root / f"speaker{speaker}" / "talk.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, pcm.astype(np.int16), 16000)
    return root
