"""A progress bar for work that takes its time."""

import sys
import time

from kws_reference.cli import log


class Progress:
    """A progress bar on stderr for work of over two seconds; plain lines where stderr is no terminal; none with -q."""

    def __init__(self, what: str, total: int):
        """Args: what: shown before the bar. total: value of `update` that means done, > 0."""
        self._what, self._total = what, max(total, 1)
        self._start = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._silent = log.is_quiet()

    def update(self, done: int) -> None:
        """Shows that `done` of the total are done; cheap enough for every item."""
        now = time.monotonic()
        last = done >= self._total
        if self._silent or now - self._start < 2 or now - self._shown < (0.2 if self._terminal else 15) and not last:
            return
        self._shown = now
        share = min(done / self._total, 1.0)
        left = (now - self._start) * (1 - share) / share if share else 0.0
        text = (
            f"{self._what} [{'#' * int(24 * share):<24}] {100 * share:3.0f} %  {done}/{self._total}  {left:4.0f} s left"
        )
        print(
            f"\r{text}" if self._terminal else text,
            end="\n" if last or not self._terminal else "",
            file=sys.stderr,
            flush=True,
        )
