"""What `kws-host live` and an emulated board cost, of the record that `tests.tools.measure_live` writes."""

import json
from collections.abc import Callable, Mapping

from tests.tools.measure_live import RECORD


def _of(text: Callable[[dict], str]) -> Callable[[], str]:
    return lambda: text(json.loads(RECORD.read_text(encoding="utf-8")))


FIGURES: Mapping[str, Callable[[], str]] = {
    "live cost": _of(lambda r: f"{r['server_seconds_per_second'] + r['emulator_seconds_per_second']:.2f}"),
    "live server": _of(lambda r: f"{r['server_seconds_per_second']:.2f}"),
    "live seconds": _of(lambda r: f"{r['audio_seconds']:g}"),
    "live dropped": _of(lambda r: f"{r['dropped_samples']:,}"),
    "live latency": _of(lambda r: f"{r['latency_ms_median']:.0f}"),
}
