"""The network's reference: the bundle's ``.tflite`` in TFLite Micro's own interpreter (PyPI ``tflite-micro``)."""

import functools
import sys
from typing import Any

import numpy as np

from kws_reference.bundle import Bundle, Endpoint, State
from kws_reference.errors import KwsError
from kws_reference.network.interpreter import load
from kws_reference.system import processes
from kws_reference.tflite.check import check_model

TRIAL_SECONDS = 60  # for one step; a released model takes a thousandth of one


@functools.lru_cache(maxsize=64)
def try_model(model: bytes, inputs: int) -> None:
    """Looks into a model and lets a process of its own compute one step of it, since TFLite Micro may die of it.

    Args:
      model: bytes of a ``.tflite``.
      inputs: how many it has, and as many outputs.

    Raises:
      KwsError: the model is faulty, or TFLite Micro's interpreter rejects it or ends with it.
    """
    check_model(model)
    command = [sys.executable, "-m", "kws_reference.network.trial", str(inputs)]
    why = processes.run(command, model, TRIAL_SECONDS)
    if why is not None:
        raise KwsError(
            f"TFLite Micro does not run the model: {why}. Export another one: the firmware is checked with it."
        )


class Network:
    """Runs the int8 streaming model one step at a time and carries its external states.

    The interpreter is TFLite Micro's x86 build with reference kernels: the oracle that every engine equals bit for bit.
    """

    def __init__(self, bundle: Bundle):
        """Args: bundle: a verified bundle.

        Raises:
          KwsError: the interpreter rejects the model, or the model contradicts the manifest.
        """
        self._bundle = bundle
        try:
            try_model(bundle.model, 1 + len(bundle.states))
        except KwsError as error:
            raise KwsError(f"{bundle.path}: {error}") from None
        try:
            self._interpreter = load(bundle.model)
            self._check_tensors()
        except (RuntimeError, ValueError, IndexError) as error:
            raise KwsError(
                f"{bundle.path}: TFLite Micro rejects the model: {error}. Export the bundle again."
            ) from None
        self.states: list[np.ndarray] = []
        self.reset()

    def reset(self) -> None:
        """Sets every state to its reset value."""
        self.states = [state.initial() for state in self._bundle.states]

    def step(self, features: np.ndarray) -> np.ndarray:
        """Advances by one step.

        Args:
          features: int8 ``[frames_per_step, coefficients]`` (or the model's own input shape).

        Returns:
          int8 scores ``[labels]``. `states` then holds the new states, tensor order, oldest row first.
        """
        interpreter, bundle = self._interpreter, self._bundle
        features = np.asarray(features)
        if features.dtype != np.int8 or features.size != np.prod(bundle.features.shape):
            raise ValueError(
                f"features must be int8 {bundle.features.shape}. Received: {features.dtype} {features.shape}"
            )
        interpreter.set_input(features.reshape(bundle.features.shape), bundle.features.index)
        for state, value in zip(bundle.states, self.states, strict=True):
            interpreter.set_input(value, state.input_index)
        interpreter.invoke()
        self.states = [interpreter.get_output(state.output_index) for state in bundle.states]
        return interpreter.get_output(bundle.scores.index).reshape(-1)

    def _check_tensors(self) -> None:
        bundle, interpreter = self._bundle, self._interpreter
        features, scores = bundle.features, bundle.scores
        wanted: list[tuple[str, dict[str, Any], Endpoint | State, str]] = [
            (f"input {features.name}", interpreter.get_input_details(features.index), features, "int8"),
            (f"output {scores.name}", interpreter.get_output_details(scores.index), scores, "int8"),
        ]
        for state in bundle.states:
            dtype = state.dtype
            wanted += [
                (f"input of state {state.name}", interpreter.get_input_details(state.input_index), state, dtype),
                (f"output of state {state.name}", interpreter.get_output_details(state.output_index), state, dtype),
            ]
        for what, found, end, dtype in wanted:
            if found["dtype"] != np.dtype(dtype) or tuple(found["shape"]) != end.shape:
                raise KwsError(
                    f"{what}: manifest says {dtype} {end.shape}, the model has {found['dtype']} {found['shape']}."
                )
            quantization = found["quantization_parameters"]
            scale, zero_point = float(quantization["scales"][0]), int(quantization["zero_points"][0])
            if np.float32(end.scale) != np.float32(scale) or end.zero_point != zero_point:
                raise KwsError(
                    f"{what}: manifest says scale {end.scale}, zero point {end.zero_point}; "
                    f"the model has {scale}, {zero_point}."
                )
