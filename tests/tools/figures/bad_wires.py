"""How hard the link is to break: checks over bad wires, by how often a byte is damaged, and fuzzed inputs."""

import collections
import functools
import json
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT
from tests.tools.figures.records import table

RECORD = ROOT / "host" / "bad_wires.json"
FUZZED = ROOT / "host" / "fuzzed.json"
VERDICTS = ("right", "refused", "mismatch", "hang", "crash")


@functools.cache
def _record(path: Path = RECORD) -> dict[str, Any]:
    return json.loads(path.read_text())


def bad_wires() -> str:
    """A row for each kind of day, one for wires that were pulled, and the sum."""
    found, rows = _record(), []
    left = collections.Counter(found["verdicts"])  # of wires that were pulled
    for mean, counts in found["by_bytes_between_damages"].items():
        left.subtract({verdict: counts.get(verdict, 0) for verdict in VERDICTS})
        name = f"one damage in {int(mean):,} bytes" if int(mean) else "no damage, but pieces cut, joined and late"
        rows.append([name, *(str(counts.get(verdict, 0)) for verdict in VERDICTS)])
    rows.append(["any of them, and pulled after up to 30,000 bytes", *(str(left[verdict]) for verdict in VERDICTS)])
    rows.append(["all", *(str(found["verdicts"][verdict]) for verdict in VERDICTS)])
    return table("On the wire, both ways | right | refused | wrong integer | hang | crash", "lrrrrr", *rows)


def longest() -> str:
    """Seconds of the check that took longest."""
    return f"{_record()['longest_s']:.0f}"


def streamed_again() -> str:
    """Checks that were right after a recording was streamed more than once."""
    return f"{_record()['streamed_again']}"


def fuzzed_inputs() -> str:
    """Inputs of the fuzzed application, the last long run."""
    return f"{_record(FUZZED)['inputs']:,}"


def fuzzed_last() -> str:
    """Those of them that had every check of today."""
    return f"{_record(FUZZED)['runs'][-1]['inputs']:,}"


def fuzzing_minutes() -> str:
    """Of processor time that they took."""
    return f"{_record(FUZZED)['processor_s'] / 60:.0f}"
