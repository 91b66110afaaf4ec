"""The generator reserves what CMSIS-NN asks for, on each kind of core, for whatever geometry it may generate."""

import numpy as np
import pytest
from kws_firmware import sources
from kws_firmware.boards import FIRMWARE

from tests.support import boards, cores, engines
from tests.support.cmsis_geometries import geometries, reserved

pytestmark = pytest.mark.qemu
ORDER = ["in_h", "in_w", "in_c", "kernel_h", "kernel_w", "out_h", "out_w", "out_c", "stride_h", "stride_w", "pad_h"]
ORDER += ["pad_w", "dilation_h", "dilation_w", "depth_multiplier"]


def ask(board, folder, shapes):
    """CMSIS-NN's own answers on an emulated board."""
    kernels, includes, _ = engines.cmsis_nn()
    sizes = [path for path in kernels if "int32_t arm_" in path.read_text() and "_get_buffer_size(" in path.read_text()]
    own = ["tests/integration/boards/cmsis_scratch_runner.cc", FIRMWARE / sources.CMSIS_NN_WRAPPER]
    # The kernels themselves are not called, and left out.
    link = ["-Wl,--unresolved-symbols=ignore-all"]
    image = cores.compile_for(board, own, folder, includes=includes, third_party=sizes, link=link)
    records = np.array([[getattr(shape, name) for name in ORDER] for shape in shapes], "<i4")
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
