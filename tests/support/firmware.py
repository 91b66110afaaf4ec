"""The firmware as a host program (board `native`), and a wire that damages what passes through it."""

import contextlib
import itertools
import random
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from kws_firmware import sources
from kws_firmware.boards import load_board

from tests.support import boards, native

FAKE = "tests/integration/native/fake_model"


def fake_firmware(fault: str = "") -> Path:
    """The application and the link with tiny made-up stages, under ASan and UBSan.

    Args:
      fault: ``FAKE_INIT_FAILS`` or ``FAKE_STEP_FAILS``, for an engine that does so.
    """
    board = load_board("native")
    defines = [*(f"{name}={value}" for name, value in board.macros.items()), *([fault] if fault else [])]
    ours = sources.files(sources.application_folder("app"), "src/link", *(f"boards/{name}" for name in board.folders))
    files = [*ours, f"{FAKE}/fake_model.cc"]
    return native.build(
        "firmware_fake" + fault.lower(), files, includes=["firmware/boards", "firmware/src", FAKE], defines=defines
    )


class Running:
    """A native firmware that listens.

    Attributes:
      process: the program.
      port: its TCP port.
      url: what ``--port`` takes.
    """

    def __init__(self, program: Path, command_line: str = "", cwd: Path | None = None, port: int = 0):
        words = [program, "--port", str(port), *(["--command-line", command_line] if command_line else [])]
        self.process = subprocess.Popen(words, cwd=cwd, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "listening on" not in line:
            raise RuntimeError(f"the native firmware did not start: {line}{self.process.stderr.read()}")
        self.port = int(line.rsplit(":", 1)[1])
        self.url = f"socket://127.0.0.1:{self.port}"

    def stop(self) -> str:
        """Stops it and returns what it wrote to stderr since."""
        self.process.kill()
        return self.process.communicate()[1]


@contextlib.contextmanager
def running(program: Path, command_line: str = "", cwd: Path | None = None, port: int = 0) -> Iterator[Running]:
    """Runs a native firmware; afterwards asserts that no sanitizer complained.

    Args:
      program: the firmware.
      command_line: that semihosting tells it.
      cwd: folder that file names of it are relative to.
      port: of TCP; 0 chooses one.
    """
    firmware = Running(program, command_line, cwd, port)
    try:
        yield firmware
    finally:
        errors = firmware.stop()
        assert "ERROR: AddressSanitizer" not in errors and "runtime error" not in errors, errors


class Proxy:
    """A TCP wire in front of a device that passes bytes through two functions.

    Attributes:
      url: what ``--port`` takes.
      device: its end, for what somebody else sends there; while a host is connected.
    """

    device: socket.socket

    def __init__(self, device_port: int, to_device: Callable[[bytes], bytes], to_host: Callable[[bytes], bytes]):
        self._to_device, self._to_host = to_device, to_host
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._device_port = device_port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._listener.settimeout(0.2)
        while not self._stop.is_set():
            try:
                host, _ = self._listener.accept()
            except OSError:
                continue
            with host, socket.create_connection(("127.0.0.1", self._device_port)) as device:
                self.device = device
                self._pump(host, device)

    def _pump(self, host: socket.socket, device: socket.socket) -> None:
        while not self._stop.is_set():
            for ready in select.select([host, device], [], [], 0.2)[0]:
                try:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (device if ready is host else host).sendall(
                        self._to_device(data) if ready is host else self._to_host(data)
                    )
                except OSError:
                    return

    def close(self) -> None:
        """Ends the wire."""
        self._stop.set()
        self._thread.join()
        self._listener.close()


@contextlib.contextmanager
def proxy(
    device_port: int,
    to_device: Callable[[bytes], bytes] = lambda data: data,
    to_host: Callable[[bytes], bytes] = lambda data: data,
) -> Iterator[Proxy]:
    """A wire that changes bytes."""
    wire = Proxy(device_port, to_device, to_host)
    try:
        yield wire
    finally:
        wire.close()


def in_the_middle(act: Callable[[], None]) -> Callable[[bytes], bytes]:
    """Returns a function for a wire that does something in the middle of a long recording: a moment without a clock.

    That is at the twentieth piece of bytes to the device: the handshake has fewer, the recording many more.
    """
    passed = itertools.count(1)

    def watch(data: bytes) -> bytes:
        if next(passed) == 20:
            act()
        return data

    return watch


def noise(seed: int, one_in: int, kinds: Sequence[str] = ("flip", "drop", "repeat")) -> Callable[[bytes], bytes]:
    """Returns a function that damages about one of ``one_in`` bytes."""
    rng = random.Random(seed)

    def damage(data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if rng.randrange(one_in):
                out.append(byte)
                continue
            kind = rng.choice(kinds)
            if kind == "flip":
                out.append(byte ^ (1 << rng.randrange(8)))
            elif kind == "repeat":
                out += bytes([byte, byte])
        return bytes(out)

    return damage


def real_firmware(generated: str | Path = "firmware/generated", name: str = "firmware_native") -> Path:
    """The whole firmware with a generated model, as PlatformIO's environment `native` builds it: fast, no sanitizers.

    Args:
      generated: folder that `kws-codegen generate` wrote.
      name: of the folder in which it is built.

    Raises:
      RuntimeError: something does not compile.
    """
    pytest.importorskip("platformio", reason="PlatformIO is missing (pip install .[host])")
    model, folder = native.ROOT / generated, native.BUILD / name
    result = boards.pio("run", "-e", "native", build_dir=folder, environment={"KWS_GENERATED": str(model)})
    if result.returncode:
        raise RuntimeError(f"{result.stdout}{result.stderr}")
    return folder / "native" / "firmware"
