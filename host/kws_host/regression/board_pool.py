"""The boards of a test run: each of its processes takes one that no other process has."""

import contextlib
import dataclasses
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from kws_reference.errors import KwsError

from kws_host.port import DEFAULT_BAUD
from kws_host.target import Target

LOCKS = Path(tempfile.gettempdir()) / f"kws-ports-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
"""Folder of this user's locks, one file a port; what is locked ends with the process."""


@dataclasses.dataclass(frozen=True)
class BoardPool:
    """What the tests may use.

    Attributes:
      ports: serial ports or URLs, each for one process at a time.
      boards: boards or environments to emulate; every process starts one of its own.
      baud: bits per second of a hardware port.
    """

    ports: tuple[str, ...] = ()
    boards: tuple[str, ...] = ()
    baud: int = DEFAULT_BAUD

    def check(self, workers: int) -> None:
        """Refuses what cannot work.

        Args:
          workers: processes that will want a board at once.

        Raises:
          KwsError: ports and boards are given, or there are fewer ports than workers.
        """
        if self.ports and self.boards:
            raise KwsError("--kws-port and --kws-board name two kinds of boards: give one of them.")
        if len(set(self.ports)) < len(self.ports):
            raise KwsError(f"--kws-port must name each port once. Received: {', '.join(self.ports)}.")
        if self.ports and workers > len(self.ports):
            raise KwsError(
                f"{workers} workers need a board each, but --kws-port names {len(self.ports)}: give -n "
                f"{len(self.ports)}, or more ports, divided by commas."
            )

    @contextlib.contextmanager
    def take(self, worker: int) -> Iterator[Target]:
        """A board for this process, until the block ends.

        Args:
          worker: index of the process, 0 where there is only one.

        Raises:
          KwsError: all ports are taken.
        """
        if self.boards:
            yield Target(emulate=self.boards[worker % len(self.boards)], baud=self.baud)
            return
        with contextlib.ExitStack() as stack:
            start = worker % len(self.ports)
            for port in (*self.ports[start:], *self.ports[:start]):
                lock = _lock(port)
                if lock is not None:
                    stack.enter_context(lock)
                    break
            else:
                raise KwsError(
                    f"every board is taken by another worker or test run: {', '.join(self.ports)}. Wait for its end, "
                    "or give other ports by --kws-port."
                )
            yield Target(port=port, baud=self.baud)


def split(values: Sequence[str]) -> tuple[str, ...]:
    """Names of an option that may be given several times, and hold several names divided by commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _lock(port: str) -> IO[bytes] | None:
    """An open file that holds the port's lock; None: another process has it.

    Raises:
      KwsError: the folder of the locks is not this user's own.
    """
    _require_own_folder()
    name = os.path.realpath(port) if "://" not in port else port  # /dev/serial/by-id/... are links to the device
    path = LOCKS / hashlib.sha256(name.encode()).hexdigest()[:24]
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600), "r+b")
    except OSError as error:
        raise KwsError(f"cannot lock {port} by {path}: {error.strerror}. Remove it.") from None
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # no such locks here: each worker begins at a port of its own, and serial ports are exclusive
        pass
    except OSError:
        file.close()
        return None
    return file


def _require_own_folder() -> None:
    """Makes the folder of the locks; anybody may have made one of its name before, and put links into it."""
    try:
        LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = LOCKS.lstat()
    except OSError as error:
        raise KwsError(f"cannot make the folder of locks {LOCKS}: {error.strerror}. Set TMPDIR to another.") from None
    is_own = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
    if not (stat.S_ISDIR(found.st_mode) and is_own):
        raise KwsError(
            f"the folder of locks {LOCKS} is not this user's alone. Received: owner {found.st_uid}, mode "
            f"{stat.filemode(found.st_mode)}. Remove it, or set TMPDIR to a folder of your own."
        )
