"""TCP ports of this machine, looked at without connecting: an emulated core starts with its first connection."""

import errno
import os
import socket
import time
from pathlib import Path

from kws_reference.errors import KwsError

POLL_S = 0.01


def require_free(host: str, port: int) -> int:
    """Returns `port`, or a free one for 0. Raises KwsError where it is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise KwsError(
                    f"TCP port {port} is in use: stop what listens there "
                    f"(an emulator: kws-host emulate --stop --tcp-port {port}) or choose another port"
                ) from error
            raise KwsError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
        except OverflowError as error:
            raise KwsError(f"a TCP port is 0 to 65535. Received: {port}.") from error
        return probe.getsockname()[1]


def wait_until_free(host: str, port: int, timeout_s: float = 3.0) -> None:
    """Waits until nobody listens on a port: a process that ends gives up its memory first and its sockets later."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            require_free(host, port)
            return
        except KwsError:
            time.sleep(POLL_S)


def is_listening(port: int) -> bool:
    """Whether a socket listens on a port."""
    if not os.path.exists("/proc/net/tcp"):  # not Linux: a bind that fails tells
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return True
        return False
    return any(_listens(table, port) for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")))


def _listens(table: Path, port: int) -> bool:
    """Looks a port up in one of Linux's tables of sockets (proc(5)): local address in hexadecimal, state 0A listens."""
    try:
        rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return False
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)
