"""All passes in their order: from a bundle and its graph to the program of a step and its memory."""

from collections.abc import Callable

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph

from kws_codegen.ir import Module
from kws_codegen.options import Options
from kws_codegen.passes.alias_views import ALIAS_VIEWS
from kws_codegen.passes.check_graph import check_graph
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.passes.drop_noops import DROP_NOOPS
from kws_codegen.passes.fold_offsets import FOLD_OFFSETS
from kws_codegen.passes.fuse_activations import FUSE_ACTIVATIONS
from kws_codegen.passes.keep_states import KEEP_STATES
from kws_codegen.passes.lower_graph import LOWER_GRAPH
from kws_codegen.passes.name_calls import NAME_CALLS
from kws_codegen.passes.pack_int4 import PACK_INT4
from kws_codegen.passes.plan_scratch import LINE_UP_SCRATCH, SHARE_SCRATCH
from kws_codegen.passes.slide_windows import SLIDE_WINDOWS
from kws_codegen.passes.sum_rings import SUM_RINGS
from kws_codegen.passes.write_in_place import WRITE_IN_PLACE

PASSES = (
    DROP_NOOPS,
    FUSE_ACTIVATIONS,
    SLIDE_WINDOWS,
    SUM_RINGS,
    KEEP_STATES,
    ALIAS_VIEWS,
    WRITE_IN_PLACE,
    FOLD_OFFSETS,
    PACK_INT4,
    LOWER_GRAPH,
    NAME_CALLS,
    LINE_UP_SCRATCH,
    SHARE_SCRATCH,
)

OPTIONAL = tuple(a_pass.name for a_pass in PASSES if a_pass.optional)
"""Passes that ``Options.without`` may leave out."""

Watcher = Callable[[Pass | None, Module], None]
"""Told of the module as it was read, without a pass, and as each pass leaves it."""


def compile_module(bundle: Bundle, graph: Graph, options: Options, watch: Watcher | None = None) -> Module:
    """Makes the program of a step. Nothing is approximated: whatever passes computes the reference's integers.

    Args:
      bundle: names, resets and pairs the states.
      graph: of the bundle's model.
      watch: sees the module as it was read, and as each pass that is not left out leaves it.

    Raises:
      KwsError: an operator, type, shape, quantization or state cannot be generated; the line names it. Or there is no
        optional pass of a name in `Options.without`.
    """
    unknown = sorted(options.without - set(OPTIONAL))
    if unknown:
        raise KwsError(f"there is no pass {unknown[0]!r} to leave out. Choose from: {', '.join(OPTIONAL)}.")
    check_graph(bundle, graph)
    module = Module.of(bundle, graph, options)
    if watch is not None:
        watch(None, module)
    for a_pass in PASSES:
        if a_pass.name in options.without:
            continue
        module = a_pass.run(module)
        if watch is not None:
            watch(a_pass, module)
    return module
