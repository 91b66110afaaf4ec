"""Emulators that outlive the command that started them (`pio run -t upload`, `kws-host emulate --background`).

Each is known by its TCP port: a record in `RECORDS` names its process and its command line.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from kws_host import project
from kws_host.emulator import tcp_ports
from kws_host.emulator.process import START_TIMEOUT_S, wait_until_listening, with_real_port
from kws_host.emulator.qemu import EmulatorConfig, command_line

RECORDS = project.ROOT / "build" / "emulators"
STOP_TIMEOUT_S = 3.0


def start(config: EmulatorConfig, timeout_s: float = START_TIMEOUT_S) -> tuple[int, int]:
    """Starts an emulator that stays when this process ends, in the place of the one on the same port.

    Args:
      config: what to run; `config.port` must not be `None`.
      timeout_s: how long QEMU may take to listen.

    Returns:
      Process id and TCP port.

    Raises:
      KwsError: see `command_line`; another program listens on the port; QEMU does not start.
    """
    with _lock():
        if config.port:
            _stop(config.port)
        config = with_real_port(config)
        assert config.port is not None
        line = command_line(config)
        log_path = RECORDS / f"{config.port}.log"
        with open(log_path, "wb") as log:
            process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True
            )
        wait_until_listening(process, config, log_path, timeout_s)
        record = {"pid": process.pid, "port": config.port, "board": config.board, "command": line}
        _record_of(config.port).write_text(json.dumps(record) + "\n", encoding="utf-8")
        process.returncode = 0  # it is not ours to wait for; silences the interpreter's warning at exit
        return process.pid, config.port


def stop(port: int) -> bool:
    """Stops the background emulator on `port`. Returns whether one was running."""
    with _lock():
        return _stop(port)


def _record_of(port: int) -> Path:
    return RECORDS / f"{port}.json"


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One start or stop at a time."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    with open(RECORDS / "lock", "w", encoding="ascii") as handle:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        except ImportError:  # no such locks here; two starts at once end in "port in use"
            pass
        yield


def _stop(port: int) -> bool:
    path = _record_of(port)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    was_running = _is_running(record)
    if was_running:
        os.kill(record["pid"], signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while _is_running(record):
            if time.monotonic() > deadline:
                os.kill(record["pid"], signal.SIGKILL)
                break
            with contextlib.suppress(ChildProcessError):
                os.waitpid(record["pid"], os.WNOHANG)
            time.sleep(tcp_ports.POLL_S)
        tcp_ports.wait_until_free("127.0.0.1", record["port"])
    path.unlink(missing_ok=True)
    return was_running


def _is_running(record: dict) -> bool:
    """True when the recorded process is alive and still the emulator that was started."""
    try:
        words = Path(f"/proc/{record['pid']}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    line = [os.fsdecode(word) for word in words[:-1]]  # as the names in the record: they need not be UTF-8
    return line[-len(record["command"]) :] == record["command"]  # an interpreter may stand before a script
