"""Which validation clips a recording for choosing thresholds is made of, and how often each is heard.

The validation split has many clips of a few unknown words and few of all others. Drawn clip by clip, a recording would
say how these few words are told from keywords; the words that come in use are others. So words weigh by the square
root of their clips, and further clips can be added: other words, said by voices that training did not hear.
"""

import dataclasses

import numpy as np
from kws_reference.labels import Kind

from kws_training.data.clips import ClipSet

RECORDED, EXTRA = "recorded", "extra"
SOURCES = (RECORDED, EXTRA)
"""Where an unknown word comes from; each source that there is gets an equal share."""


def validation_mix(clips: ClipSet, extra: ClipSet | None = None) -> tuple[ClipSet, np.ndarray]:
    """Adds extra clips and weighs all.

    Args:
      clips: validation clips.
      extra: further clips, such as synthetic voices that training did not hear; their keywords count as keywords.

    Returns:
      The clips, those added behind, named ``extra/...``; and how often each is heard against others of its kind
      (keyword, unknown word, noise), float64 ``[clips]``: sources of unknown words alike, the words of a source by
      the square root of their clips, so that neither frequent words nor single clips of rare ones decide.
    """
    if extra is not None:
        clips = dataclasses.replace(
            clips,
            pcm=np.concatenate([clips.pcm, extra.pcm]),
            labels=np.concatenate([clips.labels, extra.labels]),
            words=clips.words + extra.words,
            names=clips.names + tuple(f"{EXTRA}/{name}" for name in extra.names),
        )
    # Keywords of another source are keywords like the others.
    groups = [
        (kind, source(name) if kind == Kind.UNKNOWN else "")
        for kind, name in zip(clips.kinds.tolist(), clips.names, strict=True)
    ]
    counts: dict[tuple[tuple[int, str], str], int] = {}
    for key in zip(groups, clips.words, strict=True):
        counts[key] = counts.get(key, 0) + 1
    totals: dict[tuple[int, str], float] = {}
    for (group, _), count in counts.items():
        totals[group] = totals.get(group, 0.0) + count**0.5
    weights = [counts[key] ** -0.5 / totals[key[0]] for key in zip(groups, clips.words, strict=True)]
    return clips, np.array(weights)


def source(name: str) -> str:
    """Returns which of `SOURCES` a clip of `validation_mix` comes from, by its name."""
    return EXTRA if name.startswith(f"{EXTRA}/") else RECORDED
