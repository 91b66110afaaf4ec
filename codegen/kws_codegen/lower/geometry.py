"""Shapes of convolutions and pools, checked against what the file says of their outputs."""

from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import INT8_OR_INT16, check_rank, check_same_quantization, output_range, refuse
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.output_range import OutputRange


def padding(graph: Graph, op: Op, size: int, kernel: int, stride: int, dilation: int, out: int) -> int:
    """Rows or columns that an operator adds before its input, along one axis.

    Args:
      size, out: rows or columns of input and output.

    Raises:
      KwsError: the input gives another size of output.
    """
    extent = (kernel - 1) * dilation + 1
    same = op.options["padding"] == "SAME"
    expected = (size + stride - 1) // stride if same else (size - extent) // stride + 1
    if expected != out:
        refuse(graph, op, f"{size} rows or columns give {expected}, the output says {out}")
    return max((out - 1) * stride + extent - size, 0) // 2 if same else 0


def conv_geometry(
    graph: Graph, op: Op, x: Tensor, y: Tensor, kernel: tuple[int, int], depth_multiplier: int = 0
) -> ConvGeometry:
    """Geometry of a convolution from `x` to `y`.

    Args:
      kernel: rows and columns.
      depth_multiplier: 0 for a full convolution.

    Raises:
      KwsError: shapes and options contradict each other.
    """
    options = op.options
    if min(options["stride_h"], options["stride_w"], options["dilation_h"], options["dilation_w"]) < 1:
        refuse(graph, op, "strides and dilations must be at least 1")
    # A kernel of one tap has no dilation, whatever the file says: CMSIS-NN would take a slower way for it.
    dilations = [options[f"dilation_{axis}"] if taps > 1 else 1 for axis, taps in zip("hw", kernel, strict=True)]
    return _geometry(graph, op, x, y, kernel, dilations, depth_multiplier)


def pool_geometry(graph: Graph, op: Op) -> tuple[ConvGeometry, OutputRange]:
    """Geometry and output range of a pool of int8 or int16: its filter is the kernel of a convolution of each channel.

    Raises:
      KwsError: shapes and options contradict each other, or input and output have different scales.
    """
    x, y = (checks.activation(graph, op, index, INT8_OR_INT16) for index in (op.inputs[0], op.outputs[0]))
    o = op.options
    check_same_quantization(graph, op, x, y)
    if min(o["filter_h"], o["filter_w"], o["stride_h"], o["stride_w"]) < 1:
        refuse(graph, op, "windows and strides must be at least 1")
    geometry = _geometry(graph, op, x, y, (o["filter_h"], o["filter_w"]), [1, 1], depth_multiplier=1)
    if y.shape[3] != x.shape[3]:
        refuse(graph, op, f"{x.shape[3]} channels cannot become {y.shape[3]}")
    return geometry, output_range(graph, op, y)


def _geometry(
    graph: Graph, op: Op, x: Tensor, y: Tensor, kernel: tuple[int, int], dilations: list[int], depth_multiplier: int
) -> ConvGeometry:
    for tensor in (x, y):
        check_rank(graph, op, tensor, 4)
    strides = (op.options["stride_h"], op.options["stride_w"])
    pad_h, pad_w = (
        padding(graph, op, x.shape[1 + i], kernel[i], strides[i], dilations[i], y.shape[1 + i]) for i in range(2)
    )
    return ConvGeometry(
        in_h=x.shape[1],
        in_w=x.shape[2],
        in_c=x.shape[3],
        kernel_h=kernel[0],
        kernel_w=kernel[1],
        out_h=y.shape[1],
        out_w=y.shape[2],
        out_c=y.shape[3],
        stride_h=strides[0],
        stride_w=strides[1],
        pad_h=pad_h,
        pad_w=pad_w,
        dilation_h=dilations[0],
        dilation_w=dilations[1],
        depth_multiplier=depth_multiplier,
    )
