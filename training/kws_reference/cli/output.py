"""Standard output and error on every kind of terminal, and after their reader went away."""

import contextlib
import os
import sys


def print_anything() -> None:
    """Lets output hold any text: what the terminal's encoding does not know is written as an escape (`\\xb1`).

    Without it a table's `±` or a file's name ends a command with UnicodeEncodeError where the locale is ASCII or
    Latin-1, and a name that is not UTF-8 does so anywhere.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test's or a notebook's may be no text file
            stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Sends what is still printed to nowhere: stdout takes nothing more, and Python would say so again at its end."""
    with contextlib.suppress(OSError, ValueError):  # no file behind it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
