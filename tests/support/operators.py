"""Single operators in TFLite Micro's interpreter: the oracle of the arithmetic in `kws_reference.tflite`."""

import numpy as np
from tflite_micro import runtime

from tests.support.models import GraphBuilder
from tests.support.tflite_writer import write


def compute(builder: GraphBuilder, *inputs: np.ndarray, arena_bytes: int | None = None) -> np.ndarray:
    """The first output of a builder's graph.

    Args:
      arena_bytes: memory of the interpreter; None: ten times the model.

    Raises:
      RuntimeError: the interpreter rejects the graph.
    """
    interpreter = runtime.Interpreter.from_bytes(write(builder.graph()), arena_size=arena_bytes)
    for index, values in enumerate(inputs):
        interpreter.set_input(values, index)
    interpreter.invoke()
    return interpreter.get_output(0)
