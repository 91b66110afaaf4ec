"""TFLite Micro's interpreter with room for any model, and without its own lines on this program's standard error."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator

from tflite_micro import runtime

from kws_reference.errors import KwsError
from kws_reference.tflite.reader import read_subgraphs

LARGEST_ARENA = 256 << 20
_BYTES_PER_PART = 1024  # of bookkeeping for a tensor or an operator: more than enough


def load(model: bytes) -> runtime.Interpreter:
    """Makes an interpreter.

    Args:
      model: bytes of a ``.tflite``.

    Raises:
      RuntimeError: it does not take the model; the text ends with what it said.
    """
    with captured() as said:
        try:
            return runtime.Interpreter.from_bytes(model, arena_size=arena_bytes(model))
        except RuntimeError as error:
            raise RuntimeError(f"{error}: {said()}" if said() else str(error)) from None


def arena_bytes(model: bytes) -> int:
    """Bytes that suffice, as if no two tensors shared memory; at least TFLite Micro's own guess, 10 times the file."""
    try:
        graphs = read_subgraphs(model)
    except KwsError:
        return 10 * len(model)  # it will say itself what is wrong
    tensors = [tensor for graph in graphs for tensor in graph.tensors]
    parts = len(tensors) + sum(len(graph.ops) for graph in graphs)
    values = sum(tensor.stored_bytes for tensor in tensors if tensor.data is None)
    return min(max(10 * len(model), 2 * values + _BYTES_PER_PART * parts), LARGEST_ARENA)


@contextlib.contextmanager
def captured() -> Iterator[Callable[[], str]]:
    """Keeps what C writes to standard error; gives a function that returns it in one line."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:

        def said() -> str:
            file.seek(0)
            return " ".join(file.read().decode(errors="replace").split())

        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
