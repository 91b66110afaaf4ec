"""All passes in their order: from a bundle and its graph to the program of a step."""

from kws_reference.bundle import Bundle
from kws_reference.tflite.graph import Graph

from kws_codegen.options import Options
from kws_codegen.passes.check_graph import check_graph
from kws_codegen.passes.choose_buffers import choose_buffers
from kws_codegen.passes.lay_out import lay_out
from kws_codegen.passes.lower_graph import lower_graph
from kws_codegen.passes.name_calls import name_calls
from kws_codegen.passes.pair_states import pair_states
from kws_codegen.program import Program


def make_program(bundle: Bundle, graph: Graph, options: Options) -> Program:
    """Makes the program of a step. Nothing is approximated: whatever passes computes the reference's integers.

    Args:
      bundle: names, resets and pairs the states.
      graph: of the bundle's model.

    Raises:
      KwsError: an operator, type, shape, quantization or state cannot be generated; the line names it.
    """
    check_graph(bundle, graph)
    pairs = pair_states(bundle, graph)
    buffers = choose_buffers(graph, pairs, options)
    layout = lay_out(bundle, graph, pairs, buffers)
    calls = lower_graph(bundle, graph, pairs, buffers, layout, options)
    return Program(name_calls(calls), buffers, tuple(layout.values))
