"""LiteRT's interpreter."""

from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from kws_training import quiet


def load(model: bytes | Path, threads: int = 1, allocate: bool = True) -> Any:
    """LiteRT's interpreter with a model.

    Args:
      model: bytes of a ``.tflite``, or its path.
      threads: of the interpreter.
      allocate: its tensors, to run it; without, it only describes the model.

    Raises:
      KwsError: LiteRT is not installed.
      RuntimeError, ValueError: the interpreter does not take the model.
    """
    given = {"model_path": str(model)} if isinstance(model, Path) else {"model_content": bytes(model)}
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise KwsError(f"LiteRT's interpreter is missing ({error}). Install the package ai-edge-litert.") from None
    with quiet.native_stderr():
        interpreter = Interpreter(**given, num_threads=threads)
        if not allocate:
            return interpreter
        try:
            interpreter.allocate_tensors()
        except RuntimeError:  # of XNNPACK, which refuses some operators that LiteRT's own kernels compute
            plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            interpreter = Interpreter(**given, num_threads=threads, experimental_op_resolver_type=plain)
            interpreter.allocate_tensors()
    return interpreter
