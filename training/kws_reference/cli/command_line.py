"""What the kit's three command line tools share: subcommands, exit statuses, one-line errors, progress."""

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from types import ModuleType

from kws_reference.errors import KwsError
from kws_reference.system.file_names import printable

OK, CHECK_FAILED, USAGE = 0, 1, 2


@contextlib.contextmanager
def termination_cleans_up() -> Iterator[None]:
    """Lets SIGTERM unwind the program as Ctrl-C does, so that what it started (emulators) does not outlive it.

    Raises:
      SystemExit: status 143, when the signal comes.
    """

    def leave(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough; a second one must not cut the cleaning short
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def print_anything() -> None:
    """Lets output hold any text: what the terminal's encoding does not know is written as an escape (`\\xb1`).

    Without it a table's `±` or a file's name ends a command with UnicodeEncodeError where the locale is ASCII or
    Latin-1, and a name that is not UTF-8 does so anywhere.
    """
    for stream in (sys.stdout, sys.stderr):
        encoding, errors = getattr(stream, "encoding", None), getattr(stream, "errors", None)
        if errors == "strict" or (errors == "surrogateescape" and encoding != "utf-8"):
            stream.reconfigure(errors="backslashreplace")


def run(program: str, description: str, commands: Sequence[ModuleType], argv: Sequence[str]) -> int:
    """Parses the command line and runs one subcommand.

    Args:
      program: name of the tool.
      description: one line for ``--help``.
      commands: modules with ``add_parser(subparsers) -> ArgumentParser`` and ``run(args) -> int``.
      argv: arguments without the program's name.

    Returns:
      The exit status: 0 ok, 1 a check failed, 2 usage or environment. Errors are one line on stderr; the traceback
      is shown with ``-vv`` before the subcommand.
    """
    print_anything()
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more; twice: tracebacks of errors")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands:
        command.add_parser(subparsers).set_defaults(run=command.run)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what a terminal cannot show must not end the program
            stream.reconfigure(errors="backslashreplace")
    args = parser.parse_args(argv)
    try:
        with termination_cleans_up():
            status = args.run(args)
            sys.stdout.flush()  # here its errors are told
            return status
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
    except BrokenPipeError:
        pass  # the reader of our output went away: nobody to tell
    except (KwsError, OSError) as error:
        if args.verbose >= 2:
            traceback.print_exc()
        print(f"error: {printable(' '.join(str(error).split()))}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        drop_output()
    return USAGE


def drop_output() -> None:
    """Sends what is still printed to nowhere: stdout takes nothing more, and Python would say so again at its end."""
    with contextlib.suppress(OSError, ValueError):  # no file behind it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def say(line: str) -> None:
    """Logs a line to stderr."""
    print(line, file=sys.stderr, flush=True)


class Progress:
    """A progress bar on stderr for work of over two seconds; plain lines where stderr is not a terminal."""

    def __init__(self, what: str, total: int):
        """Args: what: shown before the bar. total: value of `update` that means done, > 0."""
        self._what, self._total = what, max(total, 1)
        self._start = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def update(self, done: int) -> None:
        """Shows that `done` of the total are done; cheap enough for every item."""
        now = time.monotonic()
        last = done >= self._total
        if now - self._start < 2 or now - self._shown < (0.2 if self._terminal else 15) and not last:
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
