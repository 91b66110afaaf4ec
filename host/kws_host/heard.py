"""What a recording is heard as: the label with the best score after the step that speaks for it."""

from collections.abc import Sequence

import numpy as np
from kws_reference.audio.word_window import word_start
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE


def heard_step(bundle: Bundle, pcm: np.ndarray, expected: str = "") -> int:
    """Returns the step whose scores say what a recording is heard as.

    Args:
      bundle: gives the timing.
      pcm: int16 ``[samples]``.
      expected: its label, or "".

    Returns:
      The last step, or for a recording longer than a second the last step of the second that `kws-train` would take:
      that with the loudest word, of silence the first. -1 when the recording is shorter than a step.
    """
    rate = bundle.frontend.sample_rate_hz
    end = len(pcm)
    if end > rate:
        end = rate + (word_start(pcm, rate, rate) if expected != SILENCE else 0)
    return bundle.clock.steps_in(end) - 1


def heard_label(bundle: Bundle, scores: Sequence[np.ndarray] | np.ndarray, step: int) -> str:
    """Returns the label of the best score.

    Args:
      bundle: gives the labels.
      scores: int8 ``[steps, labels]``.
      step: of `heard_step`; a side that computed fewer steps is heard at its last one.

    Returns:
      The label; "" when there is no step, or the best score belongs to no label of the model.
    """
    if not len(scores):
        return ""
    best = int(np.argmax(scores[min(step, len(scores) - 1)]))
    return bundle.labels[best] if best < len(bundle.labels) else ""


def notes(bundle: Bundle, audio: Sequence[np.ndarray]) -> list[str]:
    """For people: what has to be known of recordings that are longer than a second or shorter than a step.

    Args:
      bundle: gives the timing.
      audio: int16 ``[samples]`` of each recording.

    Returns:
      Lines; none when all have a length between.

    Raises:
      KwsError: all are shorter than a step: nothing would be compared.
    """
    lines, count = [], len(audio)
    long = sum(len(pcm) > bundle.frontend.sample_rate_hz for pcm in audio)
    if long:
        lines.append(
            f"{long:,} of {count:,} recordings are longer than a second: heard is what the model says at the end of "
            "the second with the loudest word, having heard all that came before."
        )
    short = sum(len(pcm) < bundle.clock.first_step_samples for pcm in audio)
    text = (
        f"shorter than the model's first step of {1000 * bundle.clock.end_s(0):g} ms "
        "(those of less than a second are filled up to it)"
    )
    if short == count:
        raise KwsError(f"all {short:,} recordings are {text}: nothing could be compared. Give longer recordings.")
    if short:
        lines.append(f"{short:,} of {count:,} recordings are {text}: nothing of them is compared.")
    return lines
