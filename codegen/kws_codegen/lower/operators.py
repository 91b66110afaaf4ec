"""All operators that the generator has a lowering for, listed once."""

from kws_codegen.lower.add import ADD, SUB
from kws_codegen.lower.average_pool import AVERAGE_POOL_2D
from kws_codegen.lower.batch_matmul import BATCH_MATMUL
from kws_codegen.lower.conv import CONV_2D
from kws_codegen.lower.depthwise import DEPTHWISE_CONV_2D
from kws_codegen.lower.fully_connected import FULLY_CONNECTED
from kws_codegen.lower.lookup import ELU, HARD_SWISH, LEAKY_RELU, LOGISTIC, QUANTIZE, RELU, RELU6, TANH
from kws_codegen.lower.lstm import UNIDIRECTIONAL_SEQUENCE_LSTM
from kws_codegen.lower.max_pool import MAX_POOL_2D
from kws_codegen.lower.minimum_maximum import MAXIMUM, MINIMUM
from kws_codegen.lower.move import PAD, PADV2, SPLIT, SPLIT_V, TRANSPOSE
from kws_codegen.lower.mul import MUL
from kws_codegen.lower.prelu import PRELU
from kws_codegen.lower.reduce import MEAN, SUM
from kws_codegen.lower.reduce_max import REDUCE_MAX
from kws_codegen.lower.softmax import SOFTMAX
from kws_codegen.lower.svdf import SVDF
from kws_codegen.lower.views import EXPAND_DIMS, RESHAPE, SQUEEZE
from kws_codegen.lower.windows import CONCATENATION, SLICE, STRIDED_SLICE

OPERATORS = {
    operator.kind: operator
    for operator in (
        ADD,
        AVERAGE_POOL_2D,
        BATCH_MATMUL,
        CONCATENATION,
        CONV_2D,
        DEPTHWISE_CONV_2D,
        ELU,
        EXPAND_DIMS,
        FULLY_CONNECTED,
        HARD_SWISH,
        LEAKY_RELU,
        LOGISTIC,
        MAXIMUM,
        MAX_POOL_2D,
        MEAN,
        MINIMUM,
        MUL,
        PAD,
        PADV2,
        PRELU,
        QUANTIZE,
        REDUCE_MAX,
        RELU,
        RELU6,
        RESHAPE,
        SLICE,
        SOFTMAX,
        SPLIT,
        SPLIT_V,
        SQUEEZE,
        STRIDED_SLICE,
        SUB,
        SUM,
        SVDF,
        TANH,
        TRANSPOSE,
        UNIDIRECTIONAL_SEQUENCE_LSTM,
    )
}

HINTS = {
    "DEQUANTIZE": "export inputs, outputs and everything between them as int8 or int16",
    "RELU_N1_TO_1": "TFLite Micro knows it only as the activation of the layer before",
    **dict.fromkeys(
        ("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"),
        "kws-codegen adopt makes a state of the variable",
    ),
}
"""What to do instead of operators without a lowering."""
