"""Shapes of a two-dimensional convolution."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvGeometry:
    """A convolution over ``[in_h, in_w, in_c]`` with batch 1, as ``aot::CmsisGeometry`` has it.

    Attributes:
      pad_h, pad_w: rows above, columns to the left.
      depth_multiplier: outputs for each channel of a depthwise convolution; 0 for a full convolution.
    """

    in_h: int
    in_w: int
    in_c: int
    kernel_h: int
    kernel_w: int
    out_h: int
    out_w: int
    out_c: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int
    dilation_h: int
    dilation_w: int
    depth_multiplier: int = 0

    @classmethod
    def pointwise(cls, frames: int, inputs: int, outputs: int) -> "ConvGeometry":
        """Dot products of whole frames with each row of weights."""
        sizes = dict(in_h=frames, in_w=1, in_c=inputs, out_h=frames, out_w=1, out_c=outputs)
        ones = dict.fromkeys(("kernel_h", "kernel_w", "stride_h", "stride_w", "dilation_h", "dilation_w"), 1)
        return cls(**sizes, **ones, pad_h=0, pad_w=0)

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kernel_h * self.kernel_w

    @property
    def frames(self) -> int:
        """Positions of the output."""
        return self.out_h * self.out_w

    @property
    def reads_one_piece(self) -> bool:
        """Whether what one output reads lies one behind the other: rows of one column, or one tap without strides."""
        rows_only = self.in_w == 1 and self.kernel_w == 1 and self.dilation_h == 1
        one_tap = self.taps == 1 and self.stride_h == self.stride_w == 1
        return (rows_only or one_tap) and not self.padded_h and not self.padded_w

    @property
    def padded_h(self) -> bool:
        """Whether the kernel reaches beyond the rows."""
        return (self.out_h - 1) * self.stride_h + (self.kernel_h - 1) * self.dilation_h + 1 > self.in_h

    @property
    def padded_w(self) -> bool:
        """Whether the kernel reaches beyond the columns."""
        return self.columns > self.in_w

    @property
    def columns(self) -> int:
        """Columns that a row of outputs covers, with their padding: ``aot::PlaneColumns``."""
        return (self.out_w - 1) * self.stride_w + (self.kernel_w - 1) * self.dilation_w + 1
