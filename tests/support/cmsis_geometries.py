"""Convolutions of all shapes, and the working memory that the generator reserves for CMSIS-NN on them."""

import numpy as np
from kws_codegen.kernels import cmsis_nn
from kws_codegen.kernels.geometry import ConvGeometry


def geometries(count: int) -> list[ConvGeometry]:
    """Random geometries of convolutions (depth multiplier 0) and depthwise ones."""
    rng = np.random.default_rng(17)
    result = []
    for number in range(count):
        g = {"in_c": int(rng.choice([1, 2, 3, 4, 7, 8, 12, 40, 64, 124, 125, 128, 200]))}
        for axis in ("h", "w"):
            g[f"kernel_{axis}"] = int(rng.choice([1, 1, 2, 3, 5]))
            g[f"stride_{axis}"], g[f"dilation_{axis}"] = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 3]))
            g[f"pad_{axis}"] = int(rng.choice([0, 0, 1, 2])) if g[f"kernel_{axis}"] > 1 else 0
            extent = (g[f"kernel_{axis}"] - 1) * g[f"dilation_{axis}"] + 1
            g[f"out_{axis}"] = int(rng.choice([1, 2, 4, 8]))
            g[f"in_{axis}"] = max(1, (g[f"out_{axis}"] - 1) * g[f"stride_{axis}"] + extent - 2 * g[f"pad_{axis}"])
        g["depth_multiplier"] = int(rng.choice([1, 2, 3])) if number % 2 else 0
        g["out_c"] = g["in_c"] * g["depth_multiplier"] if number % 2 else int(rng.integers(1, 20))
        result.append(ConvGeometry(**g))
    return result


def reserved(geometry: ConvGeometry) -> int:
    """Bytes of working memory."""
    if geometry.depth_multiplier == 0:
        return cmsis_nn.convolve_scratch_bytes(geometry)
    return cmsis_nn.depthwise_scratch_bytes(geometry)
