"""Events as lines of JSON in a file that is turned over when it is full."""

import datetime
import json
import logging
import logging.handlers
import sys
from pathlib import Path

from kws_reference.errors import KwsError

MOST_BYTES = 10_000_000
FILES_KEPT = 5


class EventLog:
    """Appends lines to ``FILE``; ``FILE.1`` is the one before, up to ``FILE.5``."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES):
        """Args: path: the file. most_bytes: after which it is turned over.

        Raises:
          KwsError: it cannot be written.
        """
        self._path = path
        try:
            self._handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=most_bytes, backupCount=FILES_KEPT, encoding="utf-8", errors="backslashreplace"
            )
        except OSError as error:
            raise KwsError(f"cannot write {path}: {error.strerror}. Choose another file.") from None
        self._handler.handleError = self._fail  # type: ignore[method-assign]
        self._error: BaseException | None = None

    def write(self, event: str, **fields: object) -> None:
        """Appends a line: when, what, and its fields.

        Raises:
          KwsError: the disk is full, or the file cannot be written any more.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **fields}, ensure_ascii=False)
        self._handler.emit(logging.LogRecord("kws-host", logging.INFO, "", 0, "%s", (line,), None))
        if self._error is not None:
            raise KwsError(f"cannot write {self._path}: {self._error}. Free space or choose another file.")

    def _fail(self, record: logging.LogRecord) -> None:
        self._error = sys.exc_info()[1]

    def close(self) -> None:
        """Closes the file."""
        self._handler.close()
