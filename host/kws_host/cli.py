"""``kws-host``: flash, monitor, check and measure keyword-spotting firmware over a serial port."""

import sys
from collections.abc import Sequence

from kws_reference.cli import program

from kws_host.commands import (
    bench,
    capture,
    check,
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

COMMANDS = (info, check, live, microphone, monitor, bench, emulate, flash, evaluate, tune, record, capture, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program. Returns the exit status: 0 ok, 1 a check failed, 2 usage or environment."""
    return program.run("kws-host", __doc__.strip(), COMMANDS, sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
