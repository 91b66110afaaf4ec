"""The firmware as a host program (board `native`), and a wire that damages what passes through it."""

import contextlib
import random
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.support import native

APP = [f"firmware/src/app/{name}.cc" for name in ("main", "session", "bulk", "fault_log", "link_audio_source")]
LINK = [f"firmware/src/link/{name}.cc" for name in ("crc32", "cobs", "frame", "messages", "payload_reader", "link")]
FAKE = "tests/native/fake_model"


def fake_firmware(fault: str = "") -> Path:
    """The application and the link with a tiny made-up model, under ASan and UBSan.

    Args:
      fault: ``FAKE_INIT_FAILS`` or ``FAKE_STEP_FAILS``, for an engine that does so.
    """
    defines = ["KWS_BOARD_HAS_MAIN", *([fault] if fault else [])]
    sources = [*APP, *LINK, f"{FAKE}/fake_model.cc", "firmware/boards/native/native.cc"]
    return native.build("firmware_fake" + fault.lower(), sources, includes=["firmware/src", FAKE], defines=defines)


class Running:
    """A native firmware that listens.

    Attributes:
      process: the program.
      port: its TCP port.
      url: what ``--port`` takes.
    """

    def __init__(self, program: Path):
        self.process = subprocess.Popen([program, "--port", "0"], stderr=subprocess.PIPE, text=True)
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
def running(program: Path) -> Iterator[Running]:
    """Runs a native firmware; afterwards asserts that no sanitizer complained."""
    firmware = Running(program)
    try:
        yield firmware
    finally:
        errors = firmware.stop()
        assert "ERROR: AddressSanitizer" not in errors and "runtime error" not in errors, errors


class Proxy:
    """A TCP wire in front of a device that passes bytes through two functions.

    Attributes:
      url: what ``--port`` takes.
    """

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
    """The whole firmware with a generated model, optimised and without sanitizers: fast enough for many clips.

    Args:
      generated: folder that `kws-codegen generate` wrote.
      name: of the program.

    Raises:
      RuntimeError: something does not compile.
    """
    folder = native.ROOT / generated
    sources = [*APP, *LINK, "firmware/src/app/pipeline.cc", "firmware/boards/native/native.cc"]
    for part in ("frontend", "detector", "engine/aot"):
        sources += sorted((native.ROOT / "firmware/src" / part).glob("*.cc"))
    sources += [path for path in sorted(folder.glob("*.cc")) if path.name != "tflm_model.cc"]
    includes: list[str | Path] = [folder, "firmware/src"]
    defines = ["KWS_BOARD_HAS_MAIN"]
    if "cmsis_nn.h" in (folder / "aot_model.cc").read_text():
        from tests.support import engines

        kernels, folders, macros = engines.cmsis_nn()
        sources, includes, defines = [*sources, *kernels], [*includes, *folders], [*defines, *macros]
    else:
        sources = [source for source in sources if Path(source).name != "cmsis_nn.cc"]
    return native.build(
        name,
        sources,
        includes=includes,
        defines=defines,
        flags=["-O2", "-g0", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"],
        sanitize=False,
    )
