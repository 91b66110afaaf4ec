"""Bundle in, C++ text out."""

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.limits import check_firmware
from kws_reference.tflite.graph import Graph
from kws_reference.tflite.reader import read

from kws_codegen.options import Options
from kws_codegen.passes.pipeline import Watcher, compile_module
from kws_codegen.plan import Plan
from kws_codegen.program import Program
from kws_codegen.render.files import render

ENGINES = ("all", "tflm")


def build(bundle: Bundle, options: Options | None = None, watch: Watcher | None = None) -> tuple[Graph, Program, Plan]:
    """Reads, lowers and plans a bundle.

    Args:
      watch: sees the module after each pass.

    Returns:
      The graph as it is in the file, the program of a step and its memory.

    Raises:
      KwsError: the bundle cannot be generated; the line names op and tensor.
    """
    graph = read(bundle.model)
    try:
        module = compile_module(bundle, graph, options or Options(), watch)
    except (IndexError, KeyError, ValueError, ZeroDivisionError, OverflowError) as error:
        # The file can be read, but an operator lacks inputs or options that its kind must have.
        raise KwsError(
            f"model.tflite is damaged ({type(error).__name__}: {error}). Export the bundle again."
        ) from error
    assert module.program is not None and module.plan is not None
    return graph, module.program, module.plan


def generate(
    bundle: Bundle, options: Options | None = None, *, engine: str = "all", watch: Watcher | None = None
) -> dict[str, str]:
    """Generates the C++ of a bundle.

    Args:
      options: what shapes engine aot.
      engine: ``all``, or ``tflm`` to leave out engine aot, which may refuse a model that TFLite Micro runs.
      watch: as in `build`.

    Returns:
      File name -> text, sorted by name; byte-identical for equal input.

    Raises:
      KwsError: as `build`, or the firmware or its serial protocol cannot carry the bundle.
    """
    if engine not in ENGINES:
        raise KwsError(f"engine must be one of {', '.join(ENGINES)}. Received: {engine}.")
    check_firmware(bundle)
    if engine == "tflm":
        return render(bundle, read(bundle.model))
    return render(bundle, *build(bundle, options, watch))
