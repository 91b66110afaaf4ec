"""One writer at a time in a folder that takes minutes to fill: a run, synthetic voices."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kws_reference.errors import KwsError


def require_writable(path: str | os.PathLike) -> None:
    """Finds before the work, not at its end, that a folder cannot be made or written to.

    Raises:
      KwsError: it cannot.
    """
    existing = Path(path).absolute()
    while not existing.exists():
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise KwsError(f"cannot write to {path}: {error.strerror}. Free space or choose another --out.") from None


@contextlib.contextmanager
def only_writer(path: str | os.PathLike) -> Iterator[None]:
    """Keeps other processes from writing into a folder, and tells at once when it cannot be written.

    The folder is made if it is missing, and removed behind the block if nothing came into it.

    Raises:
      KwsError: another process writes into it, or it cannot be written.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise KwsError(f"cannot write to {path}: {error.strerror}. Free space or choose another --out.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however it ends
        except BlockingIOError:
            raise KwsError(f"another kws-train writes to {path}. Wait for its end, or choose another --out.") from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.rmdir()
