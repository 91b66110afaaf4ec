"""A serial port or a socket as a stream of bytes: opening, reading with a timeout, writing, and what goes wrong."""

import contextlib
import io
import select
import time
import urllib.parse

from kws_reference.errors import KwsError
from kws_reference.system.file_names import printable

DEFAULT_BAUD = 921600
READ_BYTES = 65536
_POLL_S = 0.002  # for ports without a descriptor to wait on (loop://, Windows)
_WRITE_TIMEOUT_S = 10.0


BUSY, NOT_PERMITTED, GONE, NOBODY, OTHERWISE = (
    "in use by another program",
    "not permitted",
    "not there",
    "nobody listens",
    "cannot be opened",
)
REASONS = (BUSY, NOT_PERMITTED, GONE, NOBODY, OTHERWISE)
"""Why a port cannot be opened, shortly."""


class PortUnavailable(KwsError):
    """The port cannot be opened. Attributes: reason: one of `REASONS`."""

    def __init__(self, text: str, reason: str):
        super().__init__(text)
        self.reason = reason


class PortBroken(Exception):
    """The port went away while it was open; the text says how."""

    def __init__(self, error: Exception):
        """Args: error: of pyserial or the system."""
        super().__init__(" ".join(str(error).split()) or type(error).__name__)


class Port:
    """An open port. Attributes: name: or URL, for messages."""

    def __init__(self, name: str, baud: int = DEFAULT_BAUD):
        """Opens it.

        Args:
          name: what `serial.serial_for_url` takes: ``/dev/ttyACM0``, ``COM3``, ``socket://host:port``, ``loop://``.
          baud: bits per second of a hardware port.

        Raises:
          PortUnavailable: no such port, no permission, in use, or nobody listens.
        """
        import serial

        self.name = name
        self._failures = (serial.SerialException, OSError)
        # TypeError and ValueError: pyserial's and select's way to say that the descriptor is gone.
        self._read_failures = (*self._failures, TypeError, ValueError)
        try:
            self._serial = serial.serial_for_url(
                name, baud, timeout=0, write_timeout=_WRITE_TIMEOUT_S, do_not_open=True
            )
            if "://" not in name:
                self._serial.exclusive = True
            self._serial.open()
        except Exception as error:  # pyserial's readers of URLs let out what they meet: re.error, KeyError, ...
            text, cause = _explain(name, error)
            raise PortUnavailable(printable(text), cause) from error
        try:
            self._descriptor = self._serial.fileno()
        except (AttributeError, io.UnsupportedOperation, OSError):
            self._descriptor = None

    def close(self) -> None:
        """Closes it. May be called twice."""
        self._serial.close()

    def write(self, data: bytes) -> None:
        """Sends bytes. Raises: PortBroken."""
        try:
            self._serial.write(data)
        except self._failures as error:
            raise PortBroken(error) from error

    def read(self, timeout_s: float) -> bytes:
        """Waits for bytes; empty after the timeout. Raises: PortBroken."""
        try:
            if self._descriptor is not None:
                if not select.select([self._descriptor], [], [], timeout_s)[0]:
                    return b""
                return self._serial.read(READ_BYTES)
            deadline = time.monotonic() + timeout_s
            while not (data := self._serial.read(max(1, self._serial.in_waiting))):
                if time.monotonic() >= deadline:
                    return b""
                time.sleep(_POLL_S)
            return data
        except self._read_failures as error:
            raise PortBroken(error) from error

    def last_words(self) -> bytes:
        """What a broken port still holds."""
        with contextlib.suppress(*self._read_failures):
            return self._serial.read(READ_BYTES)
        return b""


def _explain(name: str, error: Exception) -> tuple[str, str]:
    """Why a port cannot be opened, with the next step; and shortly."""
    text = " ".join(str(error).split())
    if "://" not in name:
        if "lock" in text or "busy" in text.lower() or "Access is denied" in text:
            return f"{name} is in use by another program. Close its monitor, or choose another port.", BUSY
        if "ermission" in text:
            group = "Add your user to the group that owns it (dialout on Debian)."
            return f"no permission to open {name}. {group}", NOT_PERMITTED
        if isinstance(error, ValueError):
            return f"{name} cannot be opened: {text}", OTHERWISE
        return f"no port {name}: {_known_ports()}. Give another by --port or KWS_PORT.", GONE
    if name.lower().startswith("socket://") and not _has_host_and_port(name):
        need = "Expected socket://host:port, a port of 1 to 65535."
        return f"{name} cannot be opened: it names no host and port. {need}", OTHERWISE
    if "refused" in text:
        start = "Start the emulator (kws-host emulate) or give another port by --port."
        return f"nobody listens on {name}. {start}", NOBODY
    return f"{name} cannot be opened: {text}. Expected a port's name or socket://host:port.", OTHERWISE


def _has_host_and_port(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        return bool(parts.hostname and parts.port)
    except ValueError:
        return False


def _known_ports() -> str:
    from serial.tools import list_ports

    names = [port.device for port in list_ports.comports()]
    return f"ports here: {', '.join(names)}" if names else "no serial port is plugged in here"
