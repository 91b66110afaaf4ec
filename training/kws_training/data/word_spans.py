"""Where the word of a clip begins and ends, by its energy."""

import numpy as np

BLOCK_SAMPLES = 160
"""Resolution of word times: 10 ms."""

SMOOTHED_BLOCKS = 5
WORD_RANGE_DB = 25.0
FLOOR_PERCENTILE = 10.0
LONGEST_PAUSE_BLOCKS = 20


def word_spans(pcm: np.ndarray) -> np.ndarray:
    """Finds where the word of each clip begins and ends, by energy.

    The level is 10 log10(1 + mean square) of blocks of 10 ms, averaged over 5 blocks. A block is loud when its level is
    within 25 dB of the loudest and in the upper half between the clip's noise floor (10th percentile of its blocks,
    blocks of zeros left out) and the loudest. The word is the loudest block and the loud blocks around it as long as
    no pause of more than 200 ms separates them (stops of consonants are shorter, clicks elsewhere in a clip stay out).

    Args:
      pcm: int16 ``[clips, samples]``.

    Returns:
      int64 ``[clips, 2]``: first sample, and first sample behind the word; multiples of 160. A clip of zeros is a word
      from end to end.
    """
    clips, samples = pcm.shape
    blocks = samples // BLOCK_SAMPLES
    spans = np.empty((clips, 2), np.int64)
    kernel = np.ones(SMOOTHED_BLOCKS) / SMOOTHED_BLOCKS
    for row in range(clips):
        energy = (pcm[row, : blocks * BLOCK_SAMPLES].reshape(blocks, BLOCK_SAMPLES).astype(np.float64) ** 2).mean(1)
        if not energy.any():
            spans[row] = 0, blocks * BLOCK_SAMPLES
            continue
        level = 10 * np.log10(1 + np.convolve(energy, kernel, "same"))
        floor, peak = np.percentile(level[energy > 0], FLOOR_PERCENTILE), level.max()
        loud = np.flatnonzero(level >= max(peak - WORD_RANGE_DB, (peak + floor) / 2))
        breaks = np.flatnonzero(np.diff(loud) > LONGEST_PAUSE_BLOCKS)
        top = np.searchsorted(loud, level.argmax())
        first = loud[breaks[breaks < top][-1] + 1] if (breaks < top).any() else loud[0]
        last = loud[breaks[breaks >= top][0]] if (breaks >= top).any() else loud[-1]
        spans[row] = first * BLOCK_SAMPLES, (last + 1) * BLOCK_SAMPLES
    return spans
