"""Work that a process of its own does because it may die of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence


def run(command: Sequence[str], given: bytes, seconds: float) -> str | None:
    """Runs a program of the kit and tells how it went.

    Args:
      command: of ``sys.executable``; it finds the modules that this process finds.
      given: its standard input.
      seconds: how long it may take.

    Returns:
      None if it ended well, else what it said, how it was ended, or that it did not end.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        result = subprocess.run(command, input=given, capture_output=True, env=environment, timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"it did not end within {seconds:g} s"
    if result.returncode == 0:
        return None
    lines = [line for line in result.stderr.decode(errors="replace").splitlines() if not line.startswith("INFO: ")]
    said = " ".join(" ".join(lines).split())
    if result.returncode > 0:
        return said or f"status {result.returncode}"
    return f"it ended with {_name(-result.returncode)}" + (f" after: {said}" if said else "")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
