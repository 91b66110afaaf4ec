"""Hours that an emulated board heard by its microphone without a break (firmware/long_run.json)."""

import functools
import json
from typing import Any

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from tests.support.paths import ROOT
from tests.tools.figures.records import RELEASED

RECORD = ROOT / "firmware" / "long_run.json"


@functools.cache
def _record() -> dict[str, Any]:
    """What `kws-host microphone --json` said, and ``command``, ``commit`` and ``firmware_sha256`` of the run."""
    found = json.loads(RECORD.read_text(encoding="utf-8"))
    if found["bundle"]["model_sha256"] != Bundle.load(RELEASED).model_sha256:
        raise KwsError(f"{RELEASED} is another model than {RECORD} is of. Run its command again.")
    return found


def count(key: str) -> str:
    """One of the record's counts."""
    return f"{_record()[key]:,}"


def hours() -> str:
    """Of audio."""
    return f"{_record()['heard_samples'] / Bundle.load(RELEASED).clock.sample_rate_hz / 3600:.1f}"


def awake() -> str:
    """Share of the time in which the core did not sleep."""
    return f"{100 * _record()['awake']:.1f} %"
