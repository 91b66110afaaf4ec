"""4-bit weights, two in a byte."""

from kws_codegen.ir import Module
from kws_codegen.lower import weights
from kws_codegen.passes.compiler_pass import Pass


def run(module: Module) -> Module:
    """Keeps 4-bit weights of folded layers packed in flash; without it they lie there one a byte."""
    layers = [op for op in module.graph.ops if op.index in module.folded and len(op.inputs) > 1 and op.inputs[1] >= 0]
    return module.replace(packed=frozenset(op.index for op in layers if weights.are_int4(module.graph, op)))


PACK_INT4 = Pass("pack_int4", run, optional=True)
