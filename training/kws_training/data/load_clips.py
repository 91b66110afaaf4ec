"""Loads clips: the official Speech Commands layout, and folders with one subfolder for each label."""

import numpy as np
from kws_reference.labels import SILENCE, Kind

from kws_training.data.clips import ClipSet, ClipSpec, folder_label
from kws_training.data.noise import noise_or_made, silence
from kws_training.data.read_clips import read_clips
from kws_training.data.selection import select
from kws_training.data.speakers import spoken_word
from kws_training.data.splits import SPLITS


def load_clips(spec: ClipSpec) -> ClipSet:
    """Loads all clips of a specification; the log says how they are split, what was left out, cut or is silent.

    Returns:
      The clips in a fixed order: ``speech_commands``, then ``folders``, sorted by path in each, then drawn silence.

    Raises:
      KwsError: nothing to load, or a file cannot be read.
    """
    seed = [spec.seed, SPLITS.index(spec.split)]
    rng = np.random.default_rng(seed)
    chosen = select(spec, rng)
    files, silent = chosen.files, chosen.silent_clips
    noise = noise_or_made(chosen.noise, seed, spec.sample_rate_hz, spec.samples) if spec.speech_commands else ()
    labels = [folder_label(item.folder, spec.words) for item in files]
    spoken = [
        label if Kind.of(label) is Kind.KEYWORD else spoken_word(item.name)
        for item, label in zip(files, labels, strict=True)
    ]
    pcm = np.zeros((len(files) + silent, spec.samples), np.int16)
    read_clips(files, labels, pcm, spec.sample_rate_hz)
    pcm[len(files) :] = silence(rng, noise, silent, spec.samples)
    return ClipSet(
        pcm=pcm,
        labels=np.array(spec.labels.rows_of([*labels, *[SILENCE] * silent]), np.int64),
        words=(*spoken, *[SILENCE] * silent),
        names=(*(item.name for item in files), *(f"{SILENCE}/drawn_{index}" for index in range(silent))),
        noise=noise,
        label_names=spec.labels,
    )
