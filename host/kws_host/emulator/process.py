"""Emulators that belong to this process: behind a TCP port, or in the foreground to their end."""

import dataclasses
import os
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from kws_reference.cli.program import termination_waits
from kws_reference.errors import KwsError

from kws_host.emulator import tcp_ports
from kws_host.emulator.qemu import EmulatorConfig, command_line, reason_in

START_TIMEOUT_S = 10.0
"""How long QEMU may take until its serial port listens."""


class Emulator:
    """A running emulator that belongs to this process. Use as a context manager.

    Attributes:
      config: as given, with the real port number.
      process: the emulator; its exit status is the firmware's exit code.
    """

    def __init__(self, config: EmulatorConfig, timeout_s: float = START_TIMEOUT_S, *, cwd: Path | None = None) -> None:
        """Starts the emulator and returns when its serial port listens.

        Args:
          config: what to run; `config.port` must not be `None` (see `run` for a foreground emulator).
          timeout_s: how long QEMU may take to listen.
          cwd: folder that the firmware's file names are relative to; None: the current one.

        Raises:
          KwsError: see `command_line`; the port is taken; QEMU does not start.
        """
        self.config = with_real_port(config)
        line = command_line(self.config)
        handle, name = tempfile.mkstemp(prefix="kws-emulator-", suffix=".log")
        self._log = Path(name)
        try:
            with os.fdopen(handle, "wb") as log, termination_waits():
                self.process = subprocess.Popen(line, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                # Of an emulator that is dropped: a signal may come before `with` has it.
                weakref.finalize(self, _end, self.process, self._log)
            wait_until_listening(self.process, self.config, self._log, timeout_s)
        except BaseException:  # also a signal's
            if hasattr(self, "process"):
                _end(self.process, self._log)
            self._log.unlink(missing_ok=True)
            raise

    @property
    def port(self) -> int:
        """The TCP port."""
        assert self.config.port is not None
        return self.config.port

    @property
    def url(self) -> str:
        """What `serial.serial_for_url` and `--port` take: `socket://host:port`."""
        return f"socket://{self.config.host}:{self.port}"

    def log(self) -> str:
        """What QEMU and the firmware's semihosting wrote to stderr so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait(self, timeout_s: float | None = None) -> int:
        """Waits for the end and returns the exit status. Raises `subprocess.TimeoutExpired`."""
        return self.process.wait(timeout_s)

    def stop(self) -> None:
        """Stops the emulator if it still runs. May be called twice."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.unlink(missing_ok=True)

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _end(process: subprocess.Popen, log: Path) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    log.unlink(missing_ok=True)


def run(
    config: EmulatorConfig,
    timeout_s: float | None = None,
    *,
    on_start: Callable[[subprocess.Popen], None] | None = None,
    cwd: Path | None = None,
    capture_output: bool = False,
    interactive: bool = False,
) -> subprocess.CompletedProcess:
    """Runs to the end in the foreground; the serial port's output goes to stdout.

    Args:
      config: what to run; its port does not matter.
      timeout_s: stop it after so long.
      on_start: gets the process, for who may want to kill it from another thread.
      cwd: folder that the firmware's file names are relative to; None: the current one.
      capture_output: keep what is written to stdout and stderr.
      interactive: let the serial port read stdin; else nothing comes in.

    Returns:
      QEMU's result; `returncode` is the firmware's exit code, `stdout` and `stderr` are bytes when captured.

    Raises:
      KwsError: see `command_line`; the firmware was still running after `timeout_s` (the emulator is stopped).
    """
    line = command_line(dataclasses.replace(config, port=None))
    stdin = None if interactive else subprocess.DEVNULL
    output = subprocess.PIPE if capture_output else None
    process = None
    try:
        with termination_waits():
            process = subprocess.Popen(line, cwd=cwd, stdin=stdin, stdout=output, stderr=output)
        if on_start:
            on_start(process)
        written = process.communicate(timeout=timeout_s)
    except BaseException as error:
        if process is not None:
            process.kill()
            process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            reason = f"the firmware was still running after {timeout_s:g} s; the emulator was stopped"
            raise KwsError(reason) from error
        raise
    return subprocess.CompletedProcess(line, process.returncode, *written)


def with_real_port(config: EmulatorConfig) -> EmulatorConfig:
    """The same emulator with a free port in the place of 0.

    Raises:
      KwsError: the port is taken.
    """
    if config.port is None:
        raise ValueError("an emulator behind a TCP port needs its number (0 chooses one). Received: None")
    return dataclasses.replace(config, port=tcp_ports.require_free(config.host, config.port))


def wait_until_listening(process: subprocess.Popen, config: EmulatorConfig, log: Path, timeout_s: float) -> None:
    """Waits until the emulator listens on its port.

    Args:
      process: the emulator.
      config: of it, with a real port.
      log: file that its output goes to.
      timeout_s: how long it may take; then it is killed.

    Raises:
      KwsError: it ended, or does not listen in time.
    """
    assert config.port is not None
    deadline = time.monotonic() + timeout_s
    while not (process.poll() is None and tcp_ports.is_listening(config.port)):
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace")
            reason = reason_in(said) or f"status {process.returncode}"
            if "Address already in use" in said:
                reason = f"TCP port {config.port} is in use; choose another port"
            raise KwsError(f"the emulator stopped at once: {reason}")
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise KwsError(f"the emulator did not listen on {config.host}:{config.port} within {timeout_s:g} s")
        time.sleep(tcp_ports.POLL_S)
