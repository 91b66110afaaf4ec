"""Instructions of a frame of each front end on emulated cores, and the bytes of its tables and of its state.

    python -m tests.tools.measure_frontends        writes firmware/frontends.json

QEMU counts the instructions while two seconds that sound like speech are heard; every frame is compared with the
reference's. `make figures` makes the table of it.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.frontend import micro_tables, tables
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.kinds import AnyFrontendConfig, whole
from kws_reference.frontend.micro_config import MicroFrontendConfig

from tests.support.frontend_cores import run_on
from tests.support.paths import ROOT
from tests.support.signals import speech_like

RECORD = ROOT / "firmware" / "frontends.json"
BOARDS = ("mps2_an386", "mps2_an500", "mps3_an547")
_LOW_RATE: dict[str, Any] = {
    "sample_rate_hz": 8000,
    "window_samples": 240,
    "hop_samples": 80,
    "fft_size": 256,
    "mel_high_hz": 3800.0,
}
CONFIGS: dict[str, AnyFrontendConfig] = {
    "mfcc": FrontendConfig(),
    "mfcc_40": FrontendConfig(mel_bands=40),
    "log_mel": FrontendConfig("log_mel", mel_bands=40, coefficients=40),
    "log_mel_preemphasis": FrontendConfig("log_mel", mel_bands=40, coefficients=40, preemphasis=0.97),
    "log_mel_8k": FrontendConfig("log_mel", mel_bands=32, coefficients=32, **_LOW_RATE),
    "log_mel_8k_preemphasis": FrontendConfig("log_mel", mel_bands=32, coefficients=32, preemphasis=0.97, **_LOW_RATE),
    "micro": MicroFrontendConfig(),
}


def main() -> int:
    """Compiles, runs, writes. Returns 0."""
    pcm = speech_like(2.0)
    record = {}
    for name, config in CONFIGS.items():
        expected, instructions = whole(config).frames(pcm), {}
        for board in BOARDS:
            with tempfile.TemporaryDirectory() as folder:
                features, counts = run_on(board, config, pcm, Path(folder))
            np.testing.assert_array_equal(features, expected, err_msg=f"{name} on {board}")
            instructions[board] = round(float(counts.mean()))
        record[name] = {"instructions": instructions, **_bytes(config)}
        print(name, json.dumps(record[name]), flush=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    return 0


def _bytes(config: AnyFrontendConfig) -> dict[str, int]:
    if isinstance(config, MicroFrontendConfig):
        made = micro_tables.micro_tables(config)
        return {"table_bytes": made.table_bytes, "ram_bytes": micro_tables.ram_bytes(config)}
    return {"table_bytes": tables.tables_of(config).table_bytes, "ram_bytes": tables.ram_bytes(config)}


if __name__ == "__main__":
    sys.exit(main())
