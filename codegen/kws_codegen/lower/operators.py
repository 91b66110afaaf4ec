"""All operators that the generator has a lowering for, listed once."""

from kws_codegen.lower.add import ADD
from kws_codegen.lower.average_pool import AVERAGE_POOL_2D
from kws_codegen.lower.conv import CONV_2D
from kws_codegen.lower.depthwise import DEPTHWISE_CONV_2D
from kws_codegen.lower.fully_connected import FULLY_CONNECTED
from kws_codegen.lower.views import EXPAND_DIMS, RESHAPE, SQUEEZE
from kws_codegen.lower.windows import CONCATENATION, SLICE, STRIDED_SLICE

OPERATORS = {
    operator.kind: operator
    for operator in (
        ADD,
        AVERAGE_POOL_2D,
        CONCATENATION,
        CONV_2D,
        DEPTHWISE_CONV_2D,
        EXPAND_DIMS,
        FULLY_CONNECTED,
        RESHAPE,
        SLICE,
        SQUEEZE,
        STRIDED_SLICE,
    )
}

HINTS = {
    "MEAN": "export the average over time as AVERAGE_POOL_2D",
    "SOFTMAX": "export the logits, the detector computes the posteriors",
    "QUANTIZE": "export tensors that share scale and zero point",
    **dict.fromkeys(
        ("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"),
        "kws-codegen adopt makes a state of the variable",
    ),
    "PAD": "export convolutions over a state with VALID padding",
}
"""What to do instead of operators without a lowering."""
