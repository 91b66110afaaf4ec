"""A command line tool: its subcommands, its exit status, one line for an error, and how it ends when it is told to."""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType, ModuleType

from kws_reference.cli.log import set_up
from kws_reference.cli.output import drop_output, print_anything
from kws_reference.errors import KwsError
from kws_reference.system.file_names import printable

OK, CHECK_FAILED, USAGE = 0, 1, 2

log = logging.getLogger(__name__)


def run(program: str, description: str, commands: Sequence[ModuleType], argv: Sequence[str]) -> int:
    """Parses the command line and runs one subcommand.

    ``-v`` and ``-q`` are every command's, before or after its name (`kws_reference.cli.log` says what they show).

    Args:
      program: name of the tool.
      description: one line for ``--help``.
      commands: modules with ``add_parser(subparsers) -> ArgumentParser`` and ``run(args) -> int``.
      argv: arguments without the program's name.

    Returns:
      The exit status: 0 ok, 1 a check failed, 2 usage or environment. Errors are one line on stderr; the traceback
      is shown with ``-vv``.
    """
    print_anything()
    args = parser_of(program, description, commands).parse_args(argv)
    verbosity = args.verbose_before + args.verbose_after - args.quiet_before - args.quiet_after
    set_up(verbosity, *{command.__name__.partition(".")[0] for command in commands})
    began = time.monotonic()
    status = status_of(lambda: args.run(args), tracebacks=verbosity >= 2)
    log.debug(f"{program} {args.command} took {time.monotonic() - began:.1f} s")
    return status


def parser_of(program: str, description: str, commands: Sequence[ModuleType]) -> argparse.ArgumentParser:
    """The parser of a tool. Args: as of `run`."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    _add_verbosity(parser, "before")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands:
        subparser = command.add_parser(subparsers)
        subparser.set_defaults(run=command.run)
        _add_verbosity(subparser, "after")
    return parser


def _add_verbosity(parser: argparse.ArgumentParser, place: str) -> None:
    """Adds the flags; a place has names of its own, since a subcommand's parser overwrites what was counted before."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        dest=f"verbose_{place}",
        help="say more; twice: tracebacks of errors",
    )
    parser.add_argument(
        "-q", "--quiet", action="count", default=0, dest=f"quiet_{place}", help="say warnings and errors alone"
    )


def status_of(work: Callable[[], int], *, tracebacks: bool = False) -> int:
    """Does a program's work, lets SIGTERM unwind it, and tells an expected error in one line.

    Args:
      work: returns an exit status, or raises: KwsError and OSError are expected, others are faults of the program.
      tracebacks: whether an expected error shows where it came from.

    Returns:
      The work's status, or 2 after an error.
    """
    try:
        with termination_cleans_up():
            status = work()
            sys.stdout.flush()  # here its errors are told
            return status
    except KeyboardInterrupt:
        log.error("interrupted")
    except BrokenPipeError:
        pass  # the reader of our output went away: nobody to tell
    except (KwsError, OSError) as error:
        if tracebacks:
            traceback.print_exc()
        log.error(printable(" ".join(str(error).split())))
    try:
        sys.stdout.flush()
    except OSError:
        drop_output()
    return USAGE


@contextlib.contextmanager
def termination_cleans_up() -> Iterator[None]:
    """Lets SIGTERM unwind the program as Ctrl-C does, so that what it started (emulators) does not outlive it.

    Raises:
      SystemExit: status 143, when the signal comes.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        if try_again.__code__ in _codes(frame):
            send_later()
            return
        signal.signal(number, signal.SIG_IGN)  # once is enough; a second one must not cut the cleaning short
        raise SystemExit(128 + number)

    def try_again(lost: "sys.UnraisableHookArgs") -> None:
        """Leaves a moment later: Python drops what is raised in a destructor or a callback, as imports have them."""
        if not isinstance(lost.exc_value, SystemExit):
            hook_before(lost)
            return
        signal.signal(signal.SIGTERM, leave)
        send_later()

    def send_later() -> None:
        later = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM))
        later.daemon = True
        later.start()

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    before, hook_before = signal.signal(signal.SIGTERM, leave), sys.unraisablehook
    sys.unraisablehook = try_again
    try:
        yield
    finally:
        sys.unraisablehook = hook_before
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def _codes(frame: FrameType | None) -> Iterator[CodeType]:
    """What runs, from the innermost function on."""
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


@contextlib.contextmanager
def termination_waits() -> Iterator[None]:
    """Puts SIGTERM off until the block ends: what it starts must be known before it can be cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
        if came:
            signal.raise_signal(came[0])
