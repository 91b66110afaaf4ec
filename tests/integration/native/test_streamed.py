"""Models of whole windows, made to stream: their engines equal TFLite Micro's interpreter."""

import pytest

from tests.support import engines
from tests.support.published import Published
from tests.support.whole_windows import dense_rows, sliced

BUILDERS = {
    "dense_kept": lambda: dense_rows(True, "conv"),
    "dense_flat": lambda: dense_rows(False, "flat"),
    "slice_late": lambda: sliced(3, 15, "SLICE"),
    "slice_one_row": lambda: sliced(9, 10, "STRIDED_SLICE"),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_engine_of_a_streamed_window_equals_interpreter(name, tmp_path):
    model = Published(BUILDERS[name], coefficients=8, frames_per_step=2, streaming=True)
    bundle = model.bundle(tmp_path / name)
    features = engines.random_features(bundle, 60)
    engines.assert_bit_exact(bundle, engines.build(bundle, tmp_path / "generated"), features)
