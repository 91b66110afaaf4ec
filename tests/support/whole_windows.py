"""Made-up models of whole windows, for `kws-codegen stream`."""

import numpy as np

from tests.support.models import STEPS_PER_STD, GraphBuilder


def dense_rows(keep: bool, behind: str) -> GraphBuilder:
    """A dense layer of each frame, with a convolution over its rows behind it, or all of them in one."""
    b = GraphBuilder(9)
    x = b.reshape("rows", b.input("features", (1, 20, 1, 8), 1 / STEPS_PER_STD), (1, 20, 8))
    x = b.dense_of_rows("each", x, 6, keep=keep)
    if behind == "conv":
        x = b.conv("conv", b.reshape("plane", x, (1, 20, 1, 6)), 4, kernel=3, activation="RELU")
    b.scores(b.dense("scores", b.reshape("flat", x, (1, b.tensors[x].size)), 3))
    return b


def sliced(begin: int, end: int, kind: str, *, drop: bool = False) -> GraphBuilder:
    """Rows of a layer cut out of the window, and the layers behind it; `drop`: one row, without the axis."""
    b = GraphBuilder(10)
    x = b.conv("conv", b.input("features", (1, 20, 1, 8), 1 / STEPS_PER_STD), 6, kernel=3, activation="RELU")
    first, last = [0, begin, 0, 0], [1, end, 1, 6]
    shape = (1, 1, 6) if drop else (1, end - begin, 1, 6)
    if kind == "SLICE":
        sizes = [1, end - begin, -1, 6]
        x = b.moved("SLICE", "cut", [x, b.constant("b", np.int32(first)), b.constant("s", np.int32(sizes))], shape, x)
    else:
        bounds = [b.constant("b", np.int32(first)), b.constant("e", np.int32(last)), b.constant("s", np.int32([1] * 4))]
        masks = dict(begin_mask=0b1101, end_mask=0b1101, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=2 * drop)
        x = b.moved("STRIDED_SLICE", "cut", [x, *bounds], shape, x, **masks)
    if shape[1] > 4:
        x = b.depthwise("depthwise", x, 3, activation="RELU")
    b.scores(b.dense("scores", b.reshape("flat", x, (1, b.tensors[x].size)), 3))
    return b
