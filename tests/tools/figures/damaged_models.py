"""Damaged models that were read, the last long run of ``python -m tests.tools.mutate_models``."""

import functools
import json

from tests.support.damaged_models import MODELS
from tests.support.paths import ROOT

RECORD = ROOT / "codegen" / "damaged_models.json"


@functools.cache
def _kinds() -> dict[str, dict]:
    found = json.loads(RECORD.read_text(encoding="utf-8"))["kinds"]
    assert set(found) == set(MODELS), f"{RECORD} is of other kinds of models: run its command again"
    return found


def kinds() -> str:
    """How many kinds of models there are."""
    return f"{len(_kinds())}"


def files_of_a_kind() -> str:
    """Files of each kind, at least."""
    return f"{min(kind['files'] for kind in _kinds().values()):,}"


def faults() -> str:
    """Ends that were neither a result nor a line, or took too long."""
    return f"{sum(kind['faults'] for kind in _kinds().values()):,}"


def slowest() -> str:
    """Seconds of the file that took longest."""
    return f"{max(kind['slowest_s'] for kind in _kinds().values()):.1f}"


def memory() -> str:
    """Megabytes of the process at most."""
    return f"{max(kind['memory_mb'] for kind in _kinds().values())}"
