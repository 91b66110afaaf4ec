"""Which clips an epoch of training hears, and in which order."""

from collections.abc import Iterator

import numpy as np
from kws_reference.labels import Kind

from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet


def plan_epoch(clips: ClipSet, seed: int, epoch: int, config: AugmentConfig) -> np.ndarray:
    """Chooses an epoch's clips: all keywords, a share of the unknown words, silence; in random order.

    Args:
      clips: the training clips.
      seed: seed of the run.
      epoch: number of the epoch, from 0.
      config: shares and balances.

    Returns:
      int64 rows of ``clips``; -1 is a silent clip that is drawn from the noise.
    """
    rng = np.random.default_rng([seed, epoch, 0])
    synthetic = clips.synthetic
    keywords = np.flatnonzero(clips.kinds == Kind.KEYWORD)
    if config.synthetic_keywords < 1.0 and synthetic[keywords].any():
        spoken = keywords[synthetic[keywords]]
        taken = _draw(rng, spoken, round(len(spoken) * config.synthetic_keywords))
        keywords = np.sort(np.concatenate([keywords[~synthetic[keywords]], taken]))
    total = len(keywords)
    if config.keyword_balance:
        classes = [keywords[clips.labels[keywords] == label] for label in np.unique(clips.labels[keywords])]
        share = np.array([len(rows) for rows in classes]) ** (1.0 - config.keyword_balance)
        counts = np.rint(total * share / share.sum()).astype(int)
        keywords = np.concatenate([_draw(rng, rows, count) for rows, count in zip(classes, counts, strict=True)])
    unknown = np.flatnonzero(clips.kinds == Kind.UNKNOWN)
    wanted = int(np.ceil(total * config.unknown_percent / 100)) if total else len(unknown)
    drawn = [
        _draw_words(rng, clips, rows, count, config.unknown_balance)
        for rows, count in _by_kind(unknown, synthetic[unknown], wanted, config.synthetic_unknown)
    ]
    recorded_silence = np.flatnonzero(clips.kinds == Kind.SILENCE)
    silent = np.full(int(np.ceil(total * config.silence_percent / 100)), -1, np.int64)
    return rng.permutation(np.concatenate([keywords, *drawn, recorded_silence, silent]).astype(np.int64))


def _draw(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """Draws rows without repeating one before all were drawn."""
    rounds = [rng.permutation(rows) for _ in range(-(-count // max(1, len(rows))))]
    return np.concatenate(rounds)[:count] if rounds else rows[:0]


def _by_kind(rows: np.ndarray, synthetic: np.ndarray, wanted: int, share: float) -> Iterator[tuple[np.ndarray, int]]:
    """Divides a number of unknown words among recorded and synthetic clips; if one kind is missing, the other fills."""
    count = round(wanted * share) if not synthetic.all() else wanted
    count = count if synthetic.any() else 0
    for part, number in ((rows[~synthetic], wanted - count), (rows[synthetic], count)):
        if len(part):
            yield part, number


def _draw_words(rng: np.random.Generator, clips: ClipSet, rows: np.ndarray, count: int, balance: float) -> np.ndarray:
    """Draws unknown clips; see ``unknown_balance``."""
    if not balance:
        return _draw(rng, rows, count)
    _, word_of, count_of = np.unique(np.array(clips.words)[rows], return_inverse=True, return_counts=True)
    weight = count_of.astype(float) ** -balance
    weight = weight[word_of] / weight[word_of].sum()
    return rng.choice(rows, count, replace=True, p=weight)
