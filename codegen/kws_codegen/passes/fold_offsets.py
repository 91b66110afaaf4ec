"""Zero points of inputs, folded into biases."""

from kws_codegen.ir import Module
from kws_codegen.passes.compiler_pass import Pass

_LAYERS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


def run(module: Module) -> Module:
    """Takes the input's zero point times the weights' sum off the bias: the kit's own kernels count on it.

    Without it layers with weights go to CMSIS-NN, which takes the zero point off every input.
    """
    return module.replace(folded=frozenset(op.index for op in module.graph.ops if op.kind in _LAYERS))


FOLD_OFFSETS = Pass("fold_offsets", run, optional=True)
