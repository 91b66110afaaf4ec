"""Converts a model that is too large for `kws_training.convert.integer`: each stage alone, in a process of its own.

TensorFlow keeps many copies of the weights while it traces, saves and converts; they are not given back before the
process ends. Measured with Conformers of 54 to 151 MB of float weights: 47 bytes at the peak for each byte of weights
in one process, 28 when the SavedModel on disk is converted by a fresh one. The stages write into a folder:

1. `save`: ``saved_model``, and ``model.json``: parameters, MACs of a step, names and shapes of the states.
2. `convert_float`: ``float32.tflite``.
3. `convert_int8`: ``int8.tflite``; the ranges are measured on inputs and states that ``float32.tflite`` has seen.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.system.workers import WorkerContext

from kws_training import quiet

SAVED_MODEL, MODEL, FLOAT, INT8, EXPECTED = "saved_model", "model.json", "float32.tflite", "int8.tflite", "expected.npy"
SAMPLES = 48  # steps that the ranges are measured on
PEAK_BYTES_PER_WEIGHT_BYTE = 32  # 28 measured, and quantization
IN_PROCESS_WEIGHTS = 10_000_000  # float weights in bytes: below that a process of its own costs more than it gives back


def save(build: Callable[[Any], Any], config: Any, frames: int, seed: int, features: np.ndarray, folder: Path) -> None:
    """Stage 1.

    Args:
      build: function of a model file that makes the Keras model of a configuration.
      config: its argument.
      frames: of a streaming step.
      seed: of the random weights.
      features: float32 ``[1, time, ...]``, a few steps; the streaming model's output for them goes to ``expected.npy``.
      folder: where to write.
    """
    import keras
    import tensorflow as tf

    from kws_training.streaming import to_streaming

    keras.utils.set_random_seed(seed)
    model = build(config)
    streaming = to_streaming(model, frames)
    with quiet.native_stderr():
        tf.saved_model.save(streaming, str(folder / SAVED_MODEL), signatures=streaming.concrete_function())
    np.save(folder / EXPECTED, streaming.stream(features)[0])
    information = {
        "parameters": model.count_params(),
        "macs_per_step": sum(row.macs for row in streaming.rows()),
        "states": {name: spec.shape for name, spec in streaming.state_specs.items()},
    }
    (folder / MODEL).write_text(json.dumps(information))


def convert_float(folder: Path) -> None:
    """Stage 2. Raises: KwsError: the converter fails, or no interpreter takes its file."""
    _convert(folder / FLOAT, _converter(folder))


def convert_int8(folder: Path, features: np.ndarray, scale: float) -> None:
    """Stage 3: integers, as `kws_training.convert.integer.convert` makes them, and float where the converter has none.

    `kws_training.convert.float_operators.float_operators` tells of the file which operators those are.

    Args:
      folder: of the stages before.
      features: float32 ``[steps, ...]``, in multiples of `scale`.
      scale: real value of one int8 feature step.

    Raises:
      KwsError: the converter fails, no interpreter takes its file, or a state would not come out as it goes in.
    """
    import tensorflow as tf

    from kws_training.convert.interpreter import load

    states = json.loads((folder / MODEL).read_text())["states"]
    samples = list(_samples(folder, list(states), features, scale))
    converter = _converter(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter(samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    _convert(folder / INT8, converter)
    runner = load(folder / INT8, allocate=False).get_signature_runner()
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    for number, name in enumerate(states, 1):
        ends = [detail["quantization"] for detail in (inputs[f"{name}_in"], outputs[f"output_{number}"])]
        if ends[0] != ends[1]:
            raise KwsError(f"state {name} goes in with scale and zero point {ends[0]} and comes out with {ends[1]}.")


def _convert(path: Path, converter: Any) -> None:
    from kws_training.convert.converter import converted

    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(converted(converter))
    os.replace(partial, path)


def _converter(folder: Path) -> Any:
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_saved_model(str(folder / SAVED_MODEL))


def _samples(folder: Path, states: list[str], features: np.ndarray, scale: float) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of some steps out of a stream. The features reach both ends of int8, so that `scale` becomes theirs."""
    from kws_training.convert.runner import TfliteRunner

    runner = TfliteRunner((folder / FLOAT).read_bytes(), states)
    shape = runner.interpreter.get_signature_runner().get_input_details()["features"]["shape"]
    every = max(1, len(features) // SAMPLES)
    for step, row in enumerate(features):
        row = np.array(row, np.float32).reshape(shape)
        if step % every == every - 1 or step < 1:
            given = row.copy()
            if step < 1:
                given.flat[:2] = -128 * scale, 127 * scale
            yield {"features": given, **{f"{name}_in": value for name, value in runner.states.items()}}
        runner.step(row)


def stage(function: Callable[..., None], *args: Any, weight_bytes: int) -> None:
    """Runs a stage; of a large model in a process of its own.

    Args:
      function: one of this module, or any that can be pickled.
      *args: its arguments.
      weight_bytes: of the float weights.

    Raises:
      KwsError: the process ended with an error, or the machine has too little free memory to try.
    """
    if weight_bytes < IN_PROCESS_WEIGHTS:
        function(*args)
        return
    needed, free = PEAK_BYTES_PER_WEIGHT_BYTE * weight_bytes / 1e9, _available_gb()
    if needed > free:
        raise KwsError(
            f"{function.__name__} of {weight_bytes / 1e6:.0f} MB of weights needs about {needed:.0f} GB of memory, "
            f"{free:.0f} are free. End other programs or choose a smaller model."
        )
    process = WorkerContext().Process(target=function, args=args)
    process.start()
    process.join()
    if process.exitcode:
        raise KwsError(f"{function.__name__} ended with status {process.exitcode}. Choose a smaller model.")


def _available_gb() -> float:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):  # not Linux: try
        return float("inf")
