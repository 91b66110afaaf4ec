"""Single keys of the terminal, without Enter, while something else goes on."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator


class Keys:
    """Keys that the user pressed. Without a terminal on stdin, or on a system without termios, there are none."""

    def __init__(self, is_there: bool):
        """Args: is_there: whether there is a keyboard; see `keys`."""
        self.is_there = is_there

    def pressed(self, wait_s: float = 0.0) -> str:
        """Returns the next key, in lower case; "" when none was pressed within that time."""
        if not self.is_there or not select.select([sys.stdin], [], [], wait_s)[0]:
            return ""
        # Not by sys.stdin, whose buffer would take further keys out of the reach of select.
        return os.read(sys.stdin.fileno(), 1).decode("utf-8", "replace").lower()


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
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
