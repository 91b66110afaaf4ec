"""Bundle in, C++ text out."""

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.limits import check_firmware
from kws_reference.tflite.graph import Graph
from kws_reference.tflite.reader import read

from kws_codegen.options import Options
from kws_codegen.passes.pipeline import make_program
from kws_codegen.plan import Plan, plan
from kws_codegen.program import Program
from kws_codegen.render.files import render

ENGINES = ("all", "tflm")


def build(bundle: Bundle, *, kernels: str = "auto", window_steps: int = 4) -> tuple[Graph, Program, Plan]:
    """Reads, lowers and plans a bundle; see `Options` for the arguments.

    Raises:
      KwsError: the bundle cannot be generated; the line names op and tensor.
    """
    options = Options.parse(kernels, window_steps)
    graph = read(bundle.model)
    try:
        program = make_program(bundle, graph, options)
    except (IndexError, KeyError, ValueError, ZeroDivisionError, OverflowError) as error:
        # The file can be read, but an operator lacks inputs or options that its kind must have.
        raise KwsError(
            f"model.tflite is damaged ({type(error).__name__}: {error}). Export the bundle again."
        ) from error
    return graph, program, plan(program)


def generate(bundle: Bundle, *, engine: str = "all", kernels: str = "auto", window_steps: int = 4) -> dict[str, str]:
    """Generates the C++ of a bundle.

    Args:
      engine: ``all``, or ``tflm`` to leave out engine aot, which may refuse a model that TFLite Micro runs.

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
    return render(bundle, *build(bundle, kernels=kernels, window_steps=window_steps))
