"""Unknown words for choosing thresholds: sounds of speech that no training has heard as a keyword.

Speakers of validation clips say few words that are no keywords. Thresholds that only meet those raise false accepts
when other words come. Two kinds of speech that is no word are made of what these speakers said: clips played
backwards, and halves of two different words joined.
"""

import dataclasses

import numpy as np

from kws_training.data.recordings import word_spans
from kws_training.data.speech_commands import ClipSet, fit_clip

RECORDED, REVERSED, JOINED, EXTRA = "recorded", "reversed", "joined", "extra"
SOURCES = (RECORDED, REVERSED, JOINED, EXTRA)
"""Where an unknown word comes from; each source that there is gets an equal share."""

JOIN_SAMPLES = 320
_PART_LOW, _PART_HIGH = 0.3, 0.7


def reversed_clips(pcm: np.ndarray) -> np.ndarray:
    """Plays clips backwards, int16 ``[clips, samples]``: the voice and its spectrum stay, no word does."""
    return np.ascontiguousarray(pcm[:, ::-1])


def joined_clips(pcm: np.ndarray, words: tuple[str, ...], count: int, seed: int) -> np.ndarray:
    """Joins the first part of one word and the last part of another one.

    A part is 30 to 70 % of the word (`word_spans`), so that no keyword is whole; 20 ms fade over where they meet, and
    both have the same level.

    Args:
      pcm: int16 ``[clips, samples]``.
      words: what is spoken in each; two parts are of different words.
      count: how many to make; 0 if all clips have the same word.
      seed: draws clips and parts.

    Returns:
      int16 ``[count, samples]``.
    """
    rng = np.random.default_rng([seed, 3])
    if len(set(words)) < 2:
        count = 0
    spans, out = word_spans(pcm), np.zeros((count, pcm.shape[1]), np.int16)
    fade = ((np.arange(JOIN_SAMPLES) + 0.5) / JOIN_SAMPLES).astype(np.float32)
    for row in range(count):
        first, last = 0, 0
        while words[first] == words[last]:
            first, last = rng.integers(len(pcm), size=2)
        parts = []
        for clip, ends in ((first, (0.0, rng.uniform(_PART_LOW, _PART_HIGH))), (last, (None, 1.0))):
            start, stop = spans[clip]
            low = rng.uniform(1 - _PART_HIGH, 1 - _PART_LOW) if ends[0] is None else ends[0]
            begin, end = (round(start + share * (stop - start)) for share in (low, ends[1]))
            part = pcm[clip, begin : max(end, begin + 2 * JOIN_SAMPLES)].astype(np.float32)
            parts.append(part * (2000.0 / max(float(np.sqrt((part**2).mean())), 1.0)))
        parts[0][-JOIN_SAMPLES:] *= fade[::-1]
        parts[1][:JOIN_SAMPLES] *= fade
        whole = np.zeros(len(parts[0]) + len(parts[1]) - JOIN_SAMPLES, np.float32)
        whole[: len(parts[0])] += parts[0]
        whole[-len(parts[1]) :] += parts[1]
        whole = fit_clip(np.clip(np.rint(whole), -32768, 32767).astype(np.int16))
        out[row] = np.roll(whole, rng.integers(max(1, pcm.shape[1] - len(parts[0]) - len(parts[1]) + JOIN_SAMPLES)))
    return out


def with_hard_unknowns(clips: ClipSet, extra: ClipSet | None = None, seed: int = 0) -> tuple[ClipSet, np.ndarray]:
    """Adds unknown words of all `SOURCES`.

    Args:
      clips: validation clips.
      extra: further clips, such as synthetic voices that training did not hear; their keywords count as keywords.
      seed: draws what is joined.

    Returns:
      The clips, those added behind, named ``<source>/...``; and how often each is heard against others of its kind,
      float64 ``[clips]``: sources alike, the words of a source by the square root of their clips, so that neither the
      frequent words nor single clips of rare ones say all.
    """
    spoken = np.flatnonzero(clips.labels > 0)
    words = tuple(clips.words[row] for row in spoken)
    voices = clips.pcm[spoken]
    joined = joined_clips(voices, words, len(spoken), seed)
    parts = [(clips.pcm, clips.labels, clips.words, clips.names)]
    for source, pcm, heard in (
        (REVERSED, reversed_clips(voices), words),
        (JOINED, joined, tuple(map(str, range(len(joined))))),
    ):
        names = tuple(f"{source}/{word}" for word in heard)
        parts.append((pcm, np.ones(len(pcm), np.int64), names, names))
    if extra is not None:
        parts.append((extra.pcm, extra.labels, extra.words, tuple(f"{EXTRA}/{name}" for name in extra.names)))
    result = dataclasses.replace(
        clips,
        pcm=np.concatenate([part[0] for part in parts]),
        labels=np.concatenate([part[1] for part in parts]),
        words=sum((part[2] for part in parts), ()),
        names=sum((part[3] for part in parts), ()),
    )
    return result, _weights(result)


def source(name: str) -> str:
    """Returns which of `SOURCES` a clip of `with_hard_unknowns` comes from, by its name."""
    first = name.split("/", 1)[0]
    return first if first in SOURCES else RECORDED


def _weights(clips: ClipSet) -> np.ndarray:
    kinds = np.minimum(clips.labels, 2)
    # Keywords of another source are keywords like the others; unknown words share by source.
    groups = [(int(kind), source(name) if kind == 1 else "") for kind, name in zip(kinds, clips.names, strict=True)]
    counts: dict[tuple[int, str, str], int] = {}
    for group, word in zip(groups, clips.words, strict=True):
        counts[*group, word] = counts.get((*group, word), 0) + 1
    totals: dict[tuple[int, str], float] = {}
    for (*group, _), count in counts.items():
        totals[tuple(group)] = totals.get(tuple(group), 0.0) + count**0.5
    return np.array(
        [counts[*group, word] ** -0.5 / totals[group] for group, word in zip(groups, clips.words, strict=True)]
    )
