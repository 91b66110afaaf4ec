"""The log of the command line tools: lines on stderr, from the standard `logging` of the kit's modules.

A module tells through its own logger, ``log = logging.getLogger(__name__)``; results are printed on stdout instead.

| Level | Shown | As | For |
|---|---|---|---|
| ``log.error`` | always | ``error: ...`` | why the work ended, with the next step |
| ``log.warning`` | always | ``warning: ...`` | what the user would not expect of the result |
| ``log.info`` | unless ``-q`` | as it is | what is done and with what |
| ``log.debug`` | with ``-v`` | after the module's name | what helps to find a fault |
"""

import contextlib
import logging
import sys
from collections.abc import Iterator

from kws_reference.system.file_names import printable

_KIT = __name__.partition(".")[0]
_PREFIXES = {logging.ERROR: "error: ", logging.WARNING: "warning: "}


class _Handler(logging.Handler):
    """Writes to what is `sys.stderr` at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = f"{record.name}: " if record.levelno < logging.INFO else _PREFIXES.get(record.levelno, "")
        # A message may hold what came from a file's name or a device, and a terminal would obey.
        text = "\n".join(map(printable, record.getMessage().split("\n")))
        print(f"{prefix}{text}", file=sys.stderr, flush=True)


_handler = _Handler()


def set_up(verbosity: int = 0, *packages: str) -> None:
    """Shows the log of `kws_reference`, the main module and further packages on stderr; a program calls it first.

    Args:
      verbosity: count of ``-v`` less that of ``-q``: below 0 warnings and errors alone, 0 what is done too, above 0
        everything.
      packages: names of top level packages of the program.
    """
    level = logging.INFO if verbosity == 0 else logging.DEBUG if verbosity > 0 else logging.WARNING
    for name in (_KIT, "__main__", *packages):  # a module that is run by `python -m` is called so
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False  # TensorFlow's converter makes a handler of the root's, which would say it again
        if _handler not in logger.handlers:
            logger.addHandler(_handler)


def is_quiet() -> bool:
    """Whether ``-q`` asked for warnings and errors alone."""
    return logging.getLogger(_KIT).level > logging.INFO


@contextlib.contextmanager
def each_line_once() -> Iterator[None]:
    """Within the block a line that was shown is not shown again: what two splits of one folder have to say."""
    shown: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if line in shown:
            return False
        shown.add(line)
        return True

    _handler.addFilter(is_new)
    try:
        yield
    finally:
        _handler.removeFilter(is_new)


@contextlib.contextmanager
def hushed(name: str) -> Iterator[None]:
    """Within the block a package shows warnings and errors alone: of what is done for another's sake."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
