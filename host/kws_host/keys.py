"""Single keys of the terminal, without Enter, while something else goes on."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator

_ESCAPE = b"\x1b"
_ESCAPE_S = 0.1
"""That the rest of an arrow's or function key's bytes may come later, as over a slow network."""
_MOST_BYTES = 64


class Keys:
    """Keys that the user pressed. Without a terminal on stdin, or on a system without termios, there are none."""

    def __init__(self, is_there: bool):
        """Args: is_there: whether there is a keyboard; see `keys`."""
        self.is_there = is_there

    def pressed(self, wait_s: float = 0.0) -> str:
        """Returns the next key, in lower case; "" when none was pressed within that time, "q" of a closed terminal.

        Keys that are more than a character, as arrows are, are none: their last byte may well be a letter.
        """
        if not self.is_there or not _is_waiting(wait_s):
            return ""
        # Not by sys.stdin, whose buffer would take further keys out of the reach of select.
        data = os.read(sys.stdin.fileno(), 1)
        if data == _ESCAPE:
            while _is_waiting(_ESCAPE_S) and os.read(sys.stdin.fileno(), _MOST_BYTES):
                pass
            return ""
        return data.decode("utf-8", "replace").lower() if data else "q"

    def forget(self) -> None:
        """Drops keys that were pressed before: they were meant for what was asked then."""
        if self.is_there:
            import termios

            termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _is_waiting(wait_s: float) -> bool:
    return bool(select.select([sys.stdin], [], [], wait_s)[0])


@contextlib.contextmanager
def keys() -> Iterator[Keys]:
    """Lets the terminal hand over each key at once, until the block ends. Ctrl-C still interrupts."""
    try:
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    except (ImportError, OSError, ValueError):
        before = None
    if before is None:
        yield Keys(False)
        return
    try:
        tty.setcbreak(sys.stdin)
        yield Keys(True)
    finally:
        with contextlib.suppress(OSError, termios.error):  # it may be gone
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
