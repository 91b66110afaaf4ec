"""Runs the programs that speak."""

import subprocess
from collections.abc import Sequence

from kws_reference.errors import KwsError


def output_of(command: list[str], text: str = "", allowed: Sequence[int] = (0,)) -> str:
    """Runs a program and returns what it prints.

    Args:
      command: program and arguments.
      text: its standard input.
      allowed: exit statuses that are no failure.

    Raises:
      KwsError: it is missing, hangs or fails.
    """
    try:
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KwsError(f"{command[0]} does not run ({error}). Install it: apt-get install espeak-ng flite") from None
    if result.returncode not in allowed:
        raise KwsError(f"{' '.join(command)} failed: {result.stderr.strip() or result.returncode}")
    return result.stdout
