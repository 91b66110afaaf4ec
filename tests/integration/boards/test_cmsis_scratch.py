"""The generator reserves what CMSIS-NN asks for, on each kind of core, for whatever geometry it may generate."""

import numpy as np
import pytest
from kws_codegen import cmsis
from kws_firmware import sources
from kws_firmware.boards import FIRMWARE

from tests.support import boards, cores, engines

pytestmark = pytest.mark.qemu
ORDER = ["in_h", "in_w", "in_c", "kernel_h", "kernel_w", "out_h", "out_w", "out_c", "stride_h", "stride_w", "pad_h"]
ORDER += ["pad_w", "dilation_h", "dilation_w", "depth_multiplier"]


def geometries(count):
    """Random geometries of convolutions (depth multiplier 0) and depthwise ones, in the order of CmsisGeometry."""
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
        result.append(g)
    return result


def reserved(geometry):
    multiplier = geometry["depth_multiplier"]
    if multiplier == 0:
        return cmsis.conv_scratch_bytes(geometry)
    return cmsis.depthwise_scratch_bytes(geometry, multiplier)


def ask(board, folder, shapes):
    """CMSIS-NN's own answers on an emulated board."""
    kernels, includes, _ = engines.cmsis_nn()
    sizes = [path for path in kernels if "int32_t arm_" in path.read_text() and "_get_buffer_size(" in path.read_text()]
    own = ["tests/integration/boards/cmsis_scratch_runner.cc", FIRMWARE / sources.CMSIS_NN_WRAPPER]
    # The kernels themselves are not called, and left out.
    link = ["-Wl,--unresolved-symbols=ignore-all"]
    image = cores.compile_for(board, own, folder, includes=includes, third_party=sizes, link=link)
    records = np.array([[shape[name] for name in ORDER] for shape in shapes], "<i4")
    return np.frombuffer(cores.run(board, image, records.tobytes(), folder), "<i4").tolist()


def test_cmsis_scratch_of_any_geometry_is_reserved(tmp_path):
    boards.require_tools()
    shapes = geometries(3000)
    wanted = []
    for board in ("mps2_an386", "mps3_an547"):
        (tmp_path / board).mkdir()
        wanted.append(ask(board, tmp_path / board, shapes))
    for shape, *sizes in zip(shapes, *wanted, strict=True):
        # Equal, not only enough: nothing is reserved that no core asks for.
        assert reserved(shape) == max(sizes), (shape, sizes)
    assert len({size for sizes in wanted for size in sizes}) > 100
