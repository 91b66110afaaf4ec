"""A pseudo-terminal in front of a board's TCP port, for programs that open a serial device and no URL."""

import contextlib
import os
import select
import socket
import threading
import time

from kws_reference.errors import KwsError

POLL_MS = 20
"""How often it is looked whether somebody has opened the terminal."""
_CHUNK_BYTES = 4096


class PseudoTerminal:
    """Passes bytes between a pseudo-terminal and a TCP port. Use as a context manager; Linux only.

    As on a cable, what the board says while nobody has the terminal open is lost: its greeting does not wait for the
    first reader.

    Attributes:
      device: path of the terminal, for example ``/dev/pts/3``; takes any baud rate.
      lost: the last of what the board said while nobody had the terminal open.
    """

    def __init__(self, host: str, port: int) -> None:
        """Connects and makes the terminal.

        Args:
          host: where the board listens.
          port: its TCP port.

        Raises:
          KwsError: nobody listens there, or this system has no such terminals.
        """
        try:
            self._board = socket.create_connection((host, port))
        except OSError as error:
            raise KwsError(f"cannot connect to {host}:{port}: {error.strerror or error}") from error
        try:
            import tty

            self._control, terminal = os.openpty()
            tty.setraw(terminal)
            self.device = os.ttyname(terminal)
            os.close(terminal)  # from now on the control end tells whether somebody has it open
        except (ImportError, OSError) as error:
            self._board.close()
            raise KwsError(f"this system has no pseudo-terminals: {error}. Use the TCP port.") from error
        os.set_blocking(self._control, False)
        self.lost = b""
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def skip_greeting(self, silence_s: float = 0.3, timeout_s: float = 3.0) -> None:
        """Waits until the board has said something and then been silent, for who opens the terminal at once.

        Args:
          silence_s: how long.
          timeout_s: a board that has said nothing by then says nothing at its start.
        """
        heard, since = self.lost, time.monotonic()
        while time.monotonic() - since < (silence_s if heard else timeout_s):
            time.sleep(POLL_MS / 1000)
            if self.lost != heard:
                heard, since = self.lost, time.monotonic()

    def close(self) -> None:
        """Ends both ends. May be called twice."""
        if not self._ends.is_set():
            self._ends.set()
            self._thread.join()
            self._board.close()
            os.close(self._control)

    def __enter__(self) -> "PseudoTerminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_open(self) -> bool:
        """Whether somebody has the terminal open."""
        poll = select.poll()
        poll.register(self._control, 0)  # a hang-up is always told
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    def _pass_on(self) -> None:
        """Until the board or `close` ends it."""
        while not self._ends.is_set():
            # A closed terminal is always ready: then only the board is waited for.
            sources = [self._board.fileno(), *([self._control] if self._is_open() else [])]
            ready = select.select(sources, [], [], POLL_MS / 1000)[0]
            try:
                if self._control in ready:
                    with contextlib.suppress(BlockingIOError):
                        self._board.sendall(os.read(self._control, _CHUNK_BYTES))
                if self._board.fileno() in ready:
                    said = self._board.recv(_CHUNK_BYTES)
                    if not said:
                        return
                    self._tell(said)
            except ConnectionError:
                return
            except OSError:  # the terminal was closed in between
                continue

    def _tell(self, said: bytes) -> None:
        """Writes to the terminal, while somebody has it open; what is left then is lost."""
        while said and self._is_open() and not self._ends.is_set():
            if select.select([], [self._control], [], POLL_MS / 1000)[1]:
                with contextlib.suppress(BlockingIOError):
                    said = said[os.write(self._control, said) :]
        self.lost = (self.lost + said)[-_CHUNK_BYTES:]
