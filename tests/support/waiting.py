"""Waiting for what comes by itself. A deadline only ends what would hang."""

import time
from collections.abc import Callable

POLL_S = 0.05


def until(condition: Callable[[], bool], what: str, deadline_s: float = 60.0) -> None:
    """Looks again and again until something holds. Args: what: is said when it never does.

    Raises:
      TimeoutError: it did not hold in time.
    """
    end_s = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(what)
        time.sleep(POLL_S)
