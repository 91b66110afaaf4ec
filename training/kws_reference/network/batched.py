"""The batched interpreter: the int8 streaming model over many streams side by side, in NumPy.

It gives TFLite Micro's integers ten times as fast, for the operators of the kit's own streaming models
(`kws_reference.network.operators`); what it does not know it refuses (`Unsupported`).
"""

import numpy as np

from kws_reference.bundle import Bundle
from kws_reference.network.operators import Unsupported, compiled
from kws_reference.tflite.reader import read_subgraphs


class BatchedNetwork:
    """Steps many streams at once."""

    def __init__(self, bundle: Bundle):
        """Args: bundle: a verified bundle.

        Raises:
          Unsupported: an operator, option, type or size that is not known here.
          KwsError: the model is damaged.
        """
        graphs = read_subgraphs(bundle.model)
        if len(graphs) != 1:
            raise Unsupported(f"a model of {len(graphs)} subgraphs")
        (graph,) = graphs
        if wide := [state for state in bundle.states if state.dtype != "int8"]:
            raise Unsupported(f"the type {wide[0].dtype.upper()} of state {wide[0].name}")
        self._bundle = bundle
        self._inputs, self._outputs = graph.inputs, graph.outputs
        self._steps = [(*compiled(graph, op), op.outputs[0]) for op in graph.ops]
        self.reset(1)

    def reset(self, streams: int) -> None:
        """Begins anew with so many streams, each state at its reset value."""
        self._streams = streams
        self._states = [
            np.full((*state.shape[1:], streams), state.reset_value, np.float32) for state in self._bundle.states
        ]

    def states(self, stream: int) -> list[np.ndarray]:
        """The states of one stream, int8, as `kws_reference.network.oracle.Network` holds them."""
        return [state[None, ..., stream].astype(np.int8) for state in self._states]

    def step(self, features: np.ndarray) -> np.ndarray:
        """Advances all streams by one step.

        Args:
          features: int8 ``[streams, frames_per_step, coefficients]``.

        Returns:
          int8 scores ``[streams, labels]``.
        """
        bundle = self._bundle
        first = features.reshape(self._streams, -1).T.astype(np.float32, order="C")
        values = {self._inputs[bundle.features.index]: first.reshape(*bundle.features.shape[1:], -1)}
        for state, value in zip(bundle.states, self._states, strict=True):
            values[self._inputs[state.input_index]] = value
        for function, inputs, output in self._steps:
            values[output] = function(*(values[index] for index in inputs))
        self._states = [values[self._outputs[state.output_index]] for state in bundle.states]
        return values[self._outputs[bundle.scores.index]].reshape(-1, self._streams).T.astype(np.int8)
