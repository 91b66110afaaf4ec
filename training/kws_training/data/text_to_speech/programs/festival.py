"""festival: a woman by hidden Markov models, two men by diphones."""

import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav

from kws_training.data.text_to_speech.manner import SAMPLE_RATE_HZ, Manner, without_accents
from kws_training.data.text_to_speech.processes import output_of
from kws_training.data.text_to_speech.vocoder import as_another

NAME = "festival"
LICENCE = "BSD-like (Edinburgh, CMU), voices included"
INSTALL = "apt-get install festival festvox-us-slt-hts festvox-kallpc16k festvox-kdlpc16k"
_SLT, _VOICES = "slt", {"slt": "cmu_us_slt_arctic_hts", "kal": "kal_diphone", "ked": "ked_diphone"}
_PITCH_HZ = {"kal": 105, "ked": 105}
_TURNS = {_SLT: 8, "kal": 3, "ked": 5}


@functools.cache
def timbres() -> dict[str, int]:
    """Its voices and in how many turns each of them speaks; none where it is not installed."""
    if not shutil.which(NAME):
        return {}
    there = output_of([NAME, "-b", "(print (voice.list))"])
    return {name: _TURNS[name] for name, voice in _VOICES.items() if voice in there.replace("(", " ").split()}


@functools.cache
def version() -> str:
    """Its version."""
    return output_of([NAME, "--version"]).split("System:")[-1].split(":")[0].strip()


def speaker(timbre: str, seed: int) -> Callable[[str, Manner], np.ndarray]:
    """Returns what says texts in a voice; see `kws_training.data.text_to_speech.voices.Voice.speaker`."""
    return functools.partial(_say, timbre)


def _say(timbre: str, text: str, manner: Manner) -> np.ndarray:
    if timbre == _SLT:
        setting = f'(set! hts_engine_params (append hts_engine_params \'(("-r" {manner.speed:.3f}))))'
        pitch = 1.2**manner.pitch
    else:
        mean_hz, pitch = _PITCH_HZ[timbre] * 1.25**manner.pitch, 1.0
        setting = (
            f"(Parameter.set 'Duration_Stretch {1.1 / manner.speed:.3f}) (set! int_lr_params '((target_f0_mean "
            f"{mean_hz:.1f}) (target_f0_std 14) (model_f0_mean 170) (model_f0_std 34)))"
        )
    with tempfile.TemporaryDirectory(prefix="kws-voice-") as folder:
        path = Path(folder) / "word.wav"
        said = f'(utt.save.wave (utt.synth (Utterance Text "{without_accents(text)}")) "{path}")'
        output_of([NAME, "-b", f"(begin (voice_{_VOICES[timbre]}) {setting} {said})"])
        return as_another(read_wav(path, SAMPLE_RATE_HZ).astype(np.float64), pitch, manner.tract)
