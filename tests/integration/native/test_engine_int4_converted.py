"""4-bit weights as TensorFlow's converter writes them, from fake quantization to the generated engine."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen.generator import build  # noqa: E402
from kws_codegen.kernels.depthwise import Depthwise, DepthwiseInt4  # noqa: E402
from kws_codegen.kernels.linear import LinearCall  # noqa: E402
from kws_codegen.kernels.pointwise import PointwiseInt4  # noqa: E402

from tests.support import engines, int4_matchbox  # noqa: E402


@pytest.mark.parametrize("depthwise_bits", [8, 4])
def test_engine_of_converted_int4_matchbox_equals_interpreter(depthwise_bits, tmp_path):
    bundle = int4_matchbox.write(tmp_path / "bundle", depthwise_bits=depthwise_bits)
    graph, program, _ = build(bundle)
    types = {op.kind: graph.tensors[op.inputs[1]].dtype for op in graph.ops if len(op.inputs) == 3}
    assert types == {
        "CONV_2D": "INT4",
        "FULLY_CONNECTED": "INT4",
        "DEPTHWISE_CONV_2D": "INT4" if depthwise_bits == 4 else "INT8",
    }
    kernels = {type(call) for call in program.calls if isinstance(call, LinearCall)}
    assert kernels == {PointwiseInt4, DepthwiseInt4 if depthwise_bits == 4 else Depthwise}
    engine = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, engine, engines.random_features(bundle, 150))
