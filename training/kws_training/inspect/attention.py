"""What a self-attention model does with a recording: local features, keys, queries, softmax, values."""

import dataclasses
import logging
from pathlib import Path

import keras
import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.int8_features import int8_features
from kws_training.streaming import LocalSelfAttention
from kws_training.train.trained_run import load_run

log = logging.getLogger(__name__)

_CLIP = 840  # frames: a multiple of all strides up to 8


@dataclasses.dataclass(frozen=True)
class Attention:
    """What one attention layer computed for one recording; rows are its frames.

    Attributes:
      pcm: int16 ``[samples]``.
      sample_rate_hz: of `pcm`.
      features: what the model was given, ``[input frames, coefficients]``.
      local: input of the attention, ``[frames, channels]``.
      queries, keys, values: of all heads side by side, ``[frames, units]``.
      softmax: average over the heads, ``[frames, frames]``: row = query, column = key.
      window: frames that a query sees.
      before: share of each query's attention that went to the zeros before the recording, ``[frames]``.
      frame_s: seconds from one frame to the next, of the attention.
      input_frame_s: the same of `features`.
      start_s: when the first frame of either begins, if a frame ends with the last sample that it hears.
    """

    pcm: np.ndarray
    sample_rate_hz: int
    features: np.ndarray
    local: np.ndarray
    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    softmax: np.ndarray
    window: int
    before: np.ndarray
    frame_s: float
    input_frame_s: float
    start_s: float


def attend(model: keras.Model, pcm: np.ndarray, features: np.ndarray, frontend: FrontendConfig) -> Attention:
    """Runs a model up to its first attention layer.

    Args:
      model: functional, with a `LocalSelfAttention`.
      pcm: int16 ``[samples]``.
      features: float32 ``[frames, coefficients]`` of `pcm`, as the model takes them.
      frontend: that made them.

    Raises:
      KwsError: the model has no such layer.
    """
    found = [layer for layer in model.layers if isinstance(layer, LocalSelfAttention)]
    if not found:
        raise KwsError(f"the model {model.name} has no attention to draw. Give a run of transformer.")
    layer = found[0]
    inner = keras.Model(model.input, layer.input)
    local = np.asarray(inner(features[None]))
    seen = {name: np.asarray(value)[0] for name, value in layer.explain(local).items()}

    def joined(heads: np.ndarray) -> np.ndarray:
        return heads.transpose(1, 0, 2).reshape(heads.shape[1], -1)

    softmax, past = seen["softmax"].mean(0), layer.window - 1
    frames = frontend.clock(1)
    return Attention(
        pcm,
        frontend.sample_rate_hz,
        features,
        local[0],
        *(joined(seen[name]) for name in ("queries", "keys", "values")),
        softmax[:, past:],
        layer.window,
        softmax[:, :past].sum(1),
        frames.step_s * (_CLIP // inner.compute_output_shape((1, _CLIP, features.shape[1]))[1]),
        frames.step_s,
        frames.end_s(0) - frames.step_s,
    )


@dataclasses.dataclass(frozen=True)
class Heard:
    """A stretch of a recording as a model hears it.

    Attributes:
      attention: of its first attention layer.
      label: of the greatest score.
      probability: of that label, 0 to 1.
    """

    attention: Attention
    label: str
    probability: float


def hear(run: Path, wav: Path, start_s: float, longest_s: float) -> Heard:
    """Gives a trained run a stretch of a recording.

    Args:
      run: folder of a run of a model with attention.
      wav: any WAV file.
      start_s: where the stretch begins, seconds.
      longest_s: how long it is at most, seconds.

    Raises:
      KwsError: the stretch is shorter than a window of the front end, or the model has no attention.
    """
    settings, model = load_run(run)
    frontend = FrontendConfig.from_dict(settings["frontend"])
    pcm = _stretch(wav, frontend, start_s, longest_s)
    features = int8_features(frontend, pcm[None])[0] / np.float32(frontend.feature_steps_per_std)
    missing = -len(features) % settings["frames_per_step"]  # a stride that is not whole makes no frame
    features = np.pad(features, [(0, missing), (0, 0)])
    attention = attend(model, pcm, features, frontend)
    logits = np.asarray(model(features[None]))[0]
    share = np.exp(logits - logits.max())
    share /= share.sum()
    return Heard(attention, settings["labels"][int(share.argmax())], float(share.max()))


def _stretch(wav: Path, frontend: FrontendConfig, start_s: float, longest_s: float) -> np.ndarray:
    rate_hz = frontend.sample_rate_hz
    recording = read_wav(wav, rate_hz)
    first = round(start_s * rate_hz)
    pcm = recording[first : first + round(longest_s * rate_hz)]
    if not frontend.frame_count(len(pcm)):
        raise KwsError(
            f"{wav} has {len(recording) / rate_hz:.3f} s, of which --start and --seconds leave "
            f"{len(pcm) / rate_hz:.3f} s: less than one window of {frontend.window_samples / rate_hz:g} s."
        )
    if len(pcm) < len(recording):
        log.info(f"drawing {start_s:g} to {start_s + len(pcm) / rate_hz:g} s of {len(recording) / rate_hz:.1f} s")
    return pcm
