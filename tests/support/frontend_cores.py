"""The C++ front end on emulated cores: what it gives, and what a frame of it takes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.frontend.kinds import AnyFrontendConfig

from tests.support import cores
from tests.support.frontend_native import DEFAULT_DETECTOR, SOURCES, generate


def run_on(
    board: str, config: AnyFrontendConfig, pcm: np.ndarray, folder: Path, flags: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Features int8 [frames, coefficients] and instructions [frames] of one recording on an emulated board."""
    tables = generate(config, DEFAULT_DETECTOR)
    own = [
        "tests/integration/boards/frontend_runner.cc",
        *SOURCES,
        tables / "frontend_tables.cc",
        tables / "detector_config.cc",
    ]
    image = cores.compile_for(board, own, folder, includes=[tables], flags=flags)
    out = cores.run(board, image, pcm.astype("<i2").tobytes(), folder)
    record = np.dtype([("features", np.int8, (config.coefficients,)), ("instructions", "<u4")])
    records = np.frombuffer(out, record)
    return records["features"], records["instructions"]
