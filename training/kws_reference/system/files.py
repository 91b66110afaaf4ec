"""Files that appear, or change, as a whole: whoever stops or unplugs a program finds the old one or the new one."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Gives a file to write; when the block ends it takes the place of `path`, and is on the disk before it does.

    When the block raises, `path` is as it was and nothing is left beside it. Only a process that is killed leaves its
    unfinished ``.<name>.<pid>.partial`` behind, which nobody reads.

    A symbolic link stays one; what is no file, such as a pipe, is written to as it is.

    Raises:
      OSError: the file cannot be written.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(path.parent)


def replace(path: str | os.PathLike, data: bytes) -> None:
    """Writes a whole file, see `replacing`."""
    with replacing(path) as file:
        file.write(data)


def remedy(error: OSError, otherwise: str) -> str:
    """What to do about an error of writing.

    Args:
      error: of the system.
      otherwise: what helps always, for example ``choose another folder``.
    """
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"Free space or {otherwise}." if is_full else f"{otherwise[:1].upper()}{otherwise[1:]}."


def _sync_folder(folder: Path) -> None:
    """Lets the new name outlast a loss of power, where the file system can; the file itself is there already."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
