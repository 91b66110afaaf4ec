"""A small folder of made-up speech: noise bursts for words, with transcripts and times of words."""

from pathlib import Path

import numpy as np
import soundfile

WORD_S, PAUSE_S = 0.4, 0.2


def write_recording(path: Path, seconds: float, rate_hz: int = 16000, seed: int = 0) -> None:
    """A recording of noise, 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = np.random.default_rng(seed).integers(-3000, 3000, round(seconds * rate_hz)).astype(np.int16)
    soundfile.write(path, pcm, rate_hz)


def speech_folder(root: Path, texts: dict[str, str], *, timed: bool = False) -> Path:
    """LibriSpeech's layout.

    Args:
      root: made.
      texts: names such as ``1-2-0003`` to what is said; each word lasts `WORD_S` with `PAUSE_S` before it.
      timed: also write ``words.tsv``.
    """
    lines = []
    for number, (name, text) in enumerate(sorted(texts.items())):
        speaker, chapter, _ = name.split("-")
        folder = root / speaker / chapter
        words = text.split()
        write_recording(folder / f"{name}.wav", len(words) * (WORD_S + PAUSE_S) + PAUSE_S, seed=number)
        with (folder / f"{speaker}-{chapter}.trans.txt").open("a") as out:
            out.write(f"{name} {text.upper()}\n")
        for position, word in enumerate(words):
            start = PAUSE_S + position * (WORD_S + PAUSE_S)
            lines.append(f"{speaker}/{chapter}/{name}.wav\t{start:.3f}\t{start + WORD_S:.3f}\t{word}\n")
    if timed:
        (root / "words.tsv").write_text("".join(lines))
    return root
