"""``kws-host``: flash, hear, check and measure keyword-spotting firmware over a serial port."""

import argparse
import sys
from collections.abc import Sequence

from kws_reference.cli import program

from kws_host.commands import (
    bench,
    capture,
    check,
    completion,
    emulate,
    evaluate,
    flash,
    info,
    live,
    microphone,
    monitor,
    record,
    report,
    tune,
)
from kws_host.commands import (
    list as ports,
)

NAME = "kws-host"
COMMANDS = (
    ports,
    info,
    flash,
    live,
    check,
    report,
    monitor,
    record,
    capture,
    tune,
    bench,
    microphone,
    emulate,
    evaluate,
    completion,
)


def parser() -> argparse.ArgumentParser:
    """Of all commands."""
    return program.parser_of(NAME, __doc__.strip(), COMMANDS)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program. Returns the exit status: 0 ok, 1 a check failed, 2 usage or environment."""
    return program.run(NAME, __doc__.strip(), COMMANDS, sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
