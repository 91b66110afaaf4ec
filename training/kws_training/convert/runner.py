"""Runs a streaming ``.tflite`` with external states step by step: the states of a step go into the next one."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from kws_reference.errors import KwsError

from kws_training.convert.interpreter import load


class TfliteRunner:
    """One stream through a ``.tflite`` of `kws_training.convert.float` or `kws_training.convert.integer`.

    Tensors are found by the signature's names: input ``features``, input ``valid`` if the model looks ahead, inputs
    ``<state>_in``; outputs ``output_0``, ... are the model's outputs and then the states. A ``.tflite`` keeps no order
    of its inputs, so the order of the states has to be given.

    Attributes:
      interpreter: the LiteRT interpreter; `invoke()` repeats the last step (for timing).
      frames_per_step: frames that a call takes.
      needs_valid: the model must be told which frames are in the clip.
      states: the current states by name, as the model gave them.
      outputs: how many outputs the model has besides its states.
    """

    def __init__(
        self,
        data: bytes,
        states: Iterable[str] | Mapping[str, Any],
        *,
        initial: Mapping[str, np.ndarray] | None = None,
        threads: int = 1,
    ):
        """Loads the model; the first step starts from silence.

        Args:
          data: the ``.tflite``.
          states: `StreamingModel.state_specs`, or names in the model's order, such as those of a bundle's manifest.
          initial: real values of states that do not start with what the specification says, or with zeros.
          threads: of the interpreter.

        Raises:
          KwsError: the model's inputs are not ``features`` and these states.
        """
        self.interpreter = load(data, threads=threads)
        signature: dict[str, list[str]] = next(iter(self.interpreter.get_signature_list().values()), {"inputs": []})
        names = tuple(states)
        if isinstance(states, Mapping):
            initial = {name: spec.initial for name, spec in states.items()} | dict(initial or {})
        wanted = {"features", *(f"{name}_in" for name in names)}
        if set(signature["inputs"]) - {"valid"} != wanted:
            raise KwsError(
                f"the streaming model's inputs are {sorted(signature['inputs'])}, not {sorted(wanted)}. Give the names "
                "of its states, StreamingModel.state_specs."
            )
        runner = self.interpreter.get_signature_runner()
        inputs, results = runner.get_input_details(), runner.get_output_details()
        self.outputs = len(results) - len(names)
        self._features, self._valid = inputs["features"], inputs.get("valid")
        self._results = [results[f"output_{number}"] for number in range(self.outputs)]
        self._states = {
            name: (inputs[f"{name}_in"], results[f"output_{number}"]) for number, name in enumerate(names, self.outputs)
        }
        self._initial = {
            name: _quantized(np.full(source["shape"], (initial or {}).get(name, 0.0), np.float32), source)
            for name, (source, _) in self._states.items()
        }
        self.frames_per_step = int(self._features["shape"][1])
        self.needs_valid = self._valid is not None
        self.reset()

    def reset(self) -> None:
        """Back to the silence before the first frame."""
        self.states = dict(self._initial)

    def step(self, features: np.ndarray, valid: np.ndarray | None = None) -> list[np.ndarray]:
        """One call of the model.

        Args:
          features: ``[frames, ...]`` or ``[1, frames, ...]``: real values, or int8 steps of an int8 model.
          valid: ``[frames]``, 1 for frames of the clip, 0 for those before or behind it. Default: all 1.

        Returns:
          Each output of the model as float32 ``[1, ...]``. The new states are in `states`, as the model gave them.
        """
        self._set(self._features, np.asarray(features))
        if self.needs_valid:
            self._set(self._valid, np.ones(self._valid["shape"], np.float32) if valid is None else np.asarray(valid))
        for name, (source, _) in self._states.items():
            self.interpreter.set_tensor(source["index"], self.states[name])
        self.interpreter.invoke()
        self.states = {name: self.interpreter.get_tensor(after["index"]) for name, (_, after) in self._states.items()}
        return [_real(self.interpreter.get_tensor(result["index"]), result) for result in self._results]

    def stream(self, clips: np.ndarray, behind: int = 0) -> list[np.ndarray]:
        """Streams clips one after the other, each from silence.

        Args:
          clips: ``[clips, time, ...]``, or one clip ``[time, ...]``; time is a multiple of `frames_per_step`.
          behind: frames of silence behind each clip, for a model whose outputs lag; rounded up to whole steps.

        Returns:
          Each output of every call: ``[clips, calls, ...]``, of one clip ``[calls, ...]``, without the batch axis of 1.

        Raises:
          ValueError: the clips are no whole steps, or no frames of this model.
        """
        clips, frames = np.asarray(clips), self.frames_per_step
        if self._is_one_clip(clips):
            return [output[0] for output in self.stream(clips[None], behind)]
        length = clips.shape[1]
        if length % frames or length == 0:
            raise ValueError(f"clips must be whole steps of {frames} frames. Received: {length} frames")
        silence = -(-behind // frames) * frames
        clips = np.pad(clips, [(0, 0), (0, silence), *[(0, 0)] * (clips.ndim - 2)])
        flags = np.arange(length + silence) < length
        collected = []
        for clip in clips:
            self.reset()
            steps = [slice(start, start + frames) for start in range(0, len(clip), frames)]
            collected.append([self.step(clip[part], flags[part]) for part in steps])
        return [
            np.array([[outputs[number][0] for outputs in calls] for calls in collected])
            for number in range(self.outputs)
        ]

    def _is_one_clip(self, clips: np.ndarray) -> bool:
        """Whether the axis of clips is left out. Behind time there must be a frame, with or without its axis of 1."""
        frame = tuple(int(size) for size in self._features["shape"][2:])
        kinds = {frame, frame[1:] if frame[0] == 1 else frame}
        if clips.shape[2:] in kinds:
            return False
        if clips.shape[1:] in kinds and clips.ndim > 1:
            return True
        wanted = ", ".join(map(str, frame[1:] if frame[0] == 1 else frame))
        raise ValueError(
            f"clips must be [clips, time, {wanted}], or one clip [time, {wanted}]. Received shape: {list(clips.shape)}"
        )

    def _set(self, detail: dict[str, Any], values: np.ndarray) -> None:
        if values.size != np.prod(detail["shape"]):
            raise ValueError(f"{detail['name']} takes {tuple(detail['shape'])}. Received shape: {values.shape}")
        values = values.reshape(detail["shape"])
        if values.dtype != detail["dtype"] or values.dtype != np.int8:
            values = _quantized(values.astype(np.float32), detail)
        self.interpreter.set_tensor(detail["index"], values)


def _quantized(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    if detail["dtype"] != np.int8:
        return values.astype(detail["dtype"])
    scale, zero_point = detail["quantization"]
    return np.clip(np.rint(values / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)


def _real(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    if detail["dtype"] != np.int8:
        return values
    scale, zero_point = detail["quantization"]
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
