"""How long a model takes on this CPU: one second of audio at once, and one streaming step, both in LiteRT."""

import importlib.metadata
import logging
import os
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from kws_training.convert import integer
from kws_training.convert.converter import converted
from kws_training.convert.float import float_tflite
from kws_training.inspect.batch_model import describe_batch
from kws_training.inspect.streaming_model import describe_streaming
from kws_training.measure.latency import THREADS, timed
from kws_training.streaming import CannotStream, to_streaming

log = logging.getLogger(__name__)

RUNTIME = "ai-edge-litert"  # the package of the interpreter
CALIBRATION = "random features"
_CALIBRATION_CLIPS = 8
_ONE_STD = 32  # int8 steps


def measure(
    name: str,
    model: keras.Model,
    frontend: FrontendConfig,
    frames_per_step: int,
    seconds: float,
) -> dict[str, Any]:
    """Converts a model and times it; the int8 form is quantized with the ranges of random features (seed 0).

    Args:
      name: of the model, for messages.
      model: features ``[batch, frames, coefficients]`` in.
      frontend: of its features.
      frames_per_step: frames of a streaming step.
      seconds: that each figure is measured for.

    Returns:
      ``parameters``, ``batch`` and, if the model streams, ``streaming_float``, ``streaming_int8`` (each: ``median_ms``
      of the quietest tenth of the time, ``fastest_ms``, ``runs``, ``model_bytes``; or ``refused`` with the converter's
      reason), ``macs_per_step``, ``state_bytes`` (int8), ``delay_ms`` and ``step_ms`` (audio); otherwise ``batch_only``
      and ``macs_per_clip``.
    """
    log.info(f"{name}: one second of audio at once")
    result: dict[str, Any] = {"parameters": model.count_params()}
    frames = model.input_shape[1] or frontend.frame_count(frontend.sample_rate_hz)
    result["batch"] = timed(batch_tflite(model, frames), (), _batch_shape(model, frames), seconds)
    try:
        streaming = to_streaming(model, frames_per_step)
    except CannotStream as reason:
        described = describe_batch(name, model, frontend, frames, str(reason))
        return {**result, "batch_only": described.reason, "macs_per_clip": described.macs}
    described = describe_streaming(name, streaming, frontend)
    result |= {
        "macs_per_step": described.macs,
        "state_bytes": described.state_elements,
        "step_ms": described.run_ms,
        "delay_ms": described.latency_ms - described.run_ms,
    }
    step = (streaming.state_specs, streaming.feature_shape)
    log.info(f"{name}: steps of {described.run_ms:.0f} ms, float")
    result["streaming_float"] = timed(float_tflite(streaming), *step, seconds)
    log.info(f"{name}: steps of {described.run_ms:.0f} ms, int8")
    shape = (_CALIBRATION_CLIPS, *_batch_shape(model, frames)[1:])
    features = np.random.default_rng(0).normal(0, _ONE_STD, shape).clip(-128, 127).astype(np.int8)
    try:
        data = integer.convert(streaming, features, 1.0 / frontend.feature_steps_per_std).data
    except (KwsError, RuntimeError, ValueError) as error:
        result["streaming_int8"] = {"refused": " ".join(str(error).split())[:200]}
    else:
        result["streaming_int8"] = timed(data, *step, seconds)
    return result


def batch_tflite(model: keras.Model, frames: int) -> bytes:
    """The float ``.tflite`` of a training model, one clip of so many frames."""
    function = tf.function(lambda features: model(features, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec(_batch_shape(model, frames), tf.float32, name="features"))
    # Frozen first: the converter leaves variables that a loop (of a GRU) reads outside of it.
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    return converted(tf.lite.TFLiteConverter.from_concrete_functions([frozen], model))


def _batch_shape(model: keras.Model, frames: int) -> tuple[int, ...]:
    return (1, frames, *model.inputs[0].shape[2:])


def host() -> dict[str, Any]:
    """What the figures were measured on: CPU, runtime, threads; the load is the kernel's mean of a minute."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()[:1]][0],
        "runtime": f"{RUNTIME} {importlib.metadata.version(RUNTIME)}",
        "threads": THREADS,
        "calibration": CALIBRATION,
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def table(models: dict[str, dict[str, Any]]) -> str:
    """The figures of several models as text; times are medians in ms."""
    head = ["Model", "Parameters", "MACs/step", "State B", "1 s batch", "step float", "step int8", "int8 .tflite B"]
    lines = [head]
    for name, found in models.items():
        floating, int8 = found.get("streaming_float", {}), found.get("streaming_int8", {})
        lines.append(
            [
                name,
                f"{found['parameters']:,}",
                f"{found['macs_per_step']:,}" if "macs_per_step" in found else "-",
                f"{found['state_bytes']:,}" if "state_bytes" in found else "-",
                *(_ms(timed) for timed in (found["batch"], floating, int8)),
                f"{int8['model_bytes']:,}" if "model_bytes" in int8 else "-",
            ]
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    texts = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join([texts[0], "-" * len(texts[0]), *texts[1:]])


def _ms(timed: dict[str, Any]) -> str:
    return f"{timed['median_ms']:.3f}" if "median_ms" in timed else "refused" if "refused" in timed else "-"
