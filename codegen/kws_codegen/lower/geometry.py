"""Shapes of convolutions and pools, checked against what the file says of their outputs."""

from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen.checks import check_rank, refuse
from kws_codegen.kernels.geometry import ConvGeometry


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
    for tensor in (x, y):
        check_rank(graph, op, tensor, 4)
    strides = (options["stride_h"], options["stride_w"])
    if min(*strides, options["dilation_h"], options["dilation_w"]) < 1:
        refuse(graph, op, "strides and dilations must be at least 1")
    # A kernel of one tap has no dilation, whatever the file says: CMSIS-NN would take a slower way for it.
    dilations = [options[f"dilation_{axis}"] if taps > 1 else 1 for axis, taps in zip("hw", kernel, strict=True)]
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
