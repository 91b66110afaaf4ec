"""Runs firmware in QEMU: one launcher for `kws-host emulate`, for PlatformIO's upload target and for the tests.

Standard library only, so that PlatformIO's own Python can run this file as a script:

    python host/kws_host/emulator.py run   --board mps2_an386 --elf firmware.elf [--arg TEXT ...]
    python host/kws_host/emulator.py start --board mps2_an386 --elf firmware.elf --port 5550
    python host/kws_host/emulator.py stop  --port 5550

What QEMU has to know about a board is read from the board's file in `firmware/platform/boards`.
"""

import argparse
import configparser
import contextlib
import dataclasses
import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

try:
    from kws_reference.errors import KwsError
except ImportError:  # run as a script by a Python that has nothing of ours installed

    class KwsError(Exception):  # type: ignore[no-redef]
        """A fault that the user can act on: one line."""


ROOT = Path(__file__).resolve().parents[2]
BOARDS = ROOT / "firmware" / "platform" / "boards"
PROJECT = ROOT / "platformio.ini"
PID_FOLDER = ROOT / "build" / "emulators"
DEFAULT_QEMU = "qemu-system-arm"


@dataclasses.dataclass(frozen=True)
class BoardFacts:
    """What the emulator has to know about a board.

    Attributes:
      name: the board's name, for example `mps2_an386`.
      machine: QEMU's name of the machine.
      serial_index: number of the firmware's serial port among the machine's; the ports before it are left open.
      icount_shift: one instruction takes 2 ** icount_shift nanoseconds of virtual time.
    """

    name: str
    machine: str
    serial_index: int
    icount_shift: int


def boards(folder: Path = BOARDS) -> list[str]:
    """Names of the boards that can be emulated, sorted."""
    names = []
    for path in sorted(folder.glob("*.json")):
        if "emulator" in json.loads(path.read_text(encoding="utf-8")):
            names.append(path.stem)
    return names


def _option(parser: configparser.ConfigParser, section: str, option: str) -> str:
    """An option as PlatformIO finds it: the section's own, else of what it extends (last first), else [env]'s."""
    queue, seen = ["env", section], set()
    while queue:
        section = queue.pop()
        if section in seen or not parser.has_section(section):
            continue
        seen.add(section)
        if parser.has_option(section, option):
            return parser.get(section, option).strip()
        queue += parser.get(section, "extends", fallback="").replace(",", " ").split()
    return ""


def environments(project: Path = PROJECT) -> dict[str, str]:
    """Board of every environment of a platformio.ini; empty where there is none.

    Raises:
      KwsError: the file cannot be parsed.
    """
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(project, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise KwsError(f"cannot read {project}: {error}") from error
    names = (section for section in parser.sections() if section.startswith("env:"))
    return {section.removeprefix("env:"): _option(parser, section, "board") for section in names}


def board_facts(board: str, folder: Path = BOARDS, project: Path = PROJECT) -> BoardFacts:
    """Reads one board's facts.

    Args:
      board: a board, or an environment of the project, which stands for its board.
      folder: of the boards' files.
      project: the platformio.ini.

    Raises:
      KwsError: there is no such board or environment, or it has no emulated machine.
    """
    known = environments(project)
    path = folder / f"{known.get(board) or board}.json"
    emulator = json.loads(path.read_text(encoding="utf-8")).get("emulator") if path.is_file() else None
    if emulator is None:
        emulated = boards(folder)
        names = sorted({*emulated, *(name for name, its_board in known.items() if its_board in emulated)})
        can = ", ".join(names) or f"none: {folder} holds no board files; run from a checkout of the kit"
        if board in known or path.is_file():
            raise KwsError(f"board {board!r} cannot be emulated; boards that can: {can}")
        raise KwsError(f"unknown board {board!r}; boards that can be emulated: {can}")
    return BoardFacts(path.stem, emulator["machine"], int(emulator["serial_index"]), int(emulator["icount_shift"]))


@dataclasses.dataclass(frozen=True)
class EmulatorConfig:
    """One emulated board.

    Attributes:
      board: name of the board, see `boards()`, or of a PlatformIO environment, see `environments()`.
      elf: the firmware.
      port: TCP port on which the serial port listens; 0 chooses a free one; `None` connects it to stdin and stdout.
      host: address to listen on.
      wait: hold the core until somebody connects, so that no output is lost.
      icount: count instructions. Makes `Ticks()` exact and repeatable; runs are about as fast with it.
      arguments: semihosting command line, for example `("bulk", "in.bin", "out.bin")`. No white space inside one.
      qemu: the emulator's executable; default `$KWS_QEMU` or `qemu-system-arm`.
      extra: further QEMU options.
    """

    board: str
    elf: Path
    port: int | None = None
    host: str = "127.0.0.1"
    wait: bool = True
    icount: bool = True
    arguments: tuple[str, ...] = ()
    qemu: str = ""
    extra: tuple[str, ...] = ()


def _qemu(config: EmulatorConfig) -> str:
    name = config.qemu or os.environ.get("KWS_QEMU") or DEFAULT_QEMU
    path = shutil.which(name)
    if path is None:
        raise KwsError(
            f"{name} is not on PATH: install it (Debian: apt-get install qemu-system-arm) or name it by KWS_QEMU"
        )
    return os.path.abspath(path)  # it may be started in another folder


def command(config: EmulatorConfig) -> list[str]:
    """QEMU's command line. `config.port` must be a real port number or `None` here.

    Raises:
      KwsError: unknown board, no such firmware, no QEMU, an argument with white space.
    """
    facts = board_facts(config.board)
    if not config.elf.is_file():
        raise KwsError(f"no firmware at {config.elf}: build it first (pio run -e {config.board})")
    semihosting = "enable=on,target=native"
    for argument in config.arguments:
        if not argument or argument.split() != [argument]:
            raise KwsError(f"a semihosting argument must be one word without white space; received {argument!r}")
        semihosting += ",arg=" + argument.replace(",", ",,")
    line = [_qemu(config), "-M", facts.machine, "-display", "none", "-monitor", "none"]
    # The whole path: without arguments it is the firmware's command line, which a file of the name "bulk" must not be.
    line += ["-semihosting-config", semihosting, "-kernel", str(config.elf.absolute())]
    if config.icount:
        line += ["-icount", f"shift={facts.icount_shift},align=off,sleep=off"]
    line += ["-serial", "null"] * facts.serial_index
    if config.port is None:
        line += ["-chardev", "stdio,id=serial,signal=on", "-serial", "chardev:serial"]
    else:
        wait = "on" if config.wait else "off"
        line += ["-chardev", f"socket,id=serial,host={config.host},port={config.port},server=on,wait={wait},nodelay=on"]
        line += ["-serial", "chardev:serial"]
    return [*line, *config.extra]


def _check_port(host: str, port: int) -> int:
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
                    f"(an emulator: python host/kws_host/emulator.py stop --port {port}) or choose another port"
                ) from error
            raise KwsError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
        except OverflowError as error:
            raise KwsError(f"a TCP port is 0 to 65535; received {port}") from error
        return probe.getsockname()[1]


def first_line(log: str) -> str:
    """The line of a log that says why: QEMU's own first one, which registers and hints may follow, else the first."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith("qemu") and not re.search(r": (info|warning): ", line)]
    return next(iter(own or lines), "")


def _wait_until_listening(process: subprocess.Popen, host: str, port: int, log: Path, timeout_s: float) -> None:
    """Waits until QEMU's port is taken (without connecting: the core starts with the first connection)."""
    deadline = time.monotonic() + timeout_s
    while True:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace")
            reason = first_line(said) or f"status {process.returncode}"
            if "Address already in use" in said:
                reason = f"TCP port {port} is in use; choose another port"
            raise KwsError(f"the emulator stopped at once: {reason}")
        if _is_listening(port):
            return
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise KwsError(f"the emulator did not listen on {host}:{port} within {timeout_s:g} s")
        time.sleep(0.01)


def _is_listening(port: int) -> bool:
    """Looks for a listening socket without connecting to it."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[1].endswith(wanted) and fields[3] == "0A":
                return True
    if not os.path.exists("/proc/net/tcp"):  # not Linux: a bind that fails tells
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return True
    return False


class Emulator:
    """A running emulator that belongs to this process. Use as a context manager.

    Attributes:
      config: as given, with the real port number.
      url: pyserial URL of the serial port (`socket://host:port`), or `None`.
      process: the emulator; its exit status is the firmware's exit code.
    """

    def __init__(self, config: EmulatorConfig, timeout_s: float = 10.0) -> None:
        """Starts the emulator and returns when its serial port listens.

        Args:
          config: what to run; `config.port` must not be `None` (see `run` for a foreground emulator).
          timeout_s: how long QEMU may take to listen.

        Raises:
          KwsError: see `command`; the port is taken; QEMU does not start.
        """
        if config.port is None:
            raise ValueError("Emulator needs a port (0 chooses one). Received: None")
        self.config = dataclasses.replace(config, port=_check_port(config.host, config.port))
        line = command(self.config)
        handle, name = tempfile.mkstemp(prefix="kws-emulator-", suffix=".log")
        self._log = Path(name)
        try:
            with os.fdopen(handle, "wb") as log:
                self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                _wait_until_listening(self.process, self.config.host, self.port, self._log, timeout_s)
            except BaseException:  # also a signal's
                self.process.kill()
                self.process.wait()
                raise
        except BaseException:
            self._log.unlink(missing_ok=True)
            raise

    @property
    def port(self) -> int:
        """The TCP port."""
        assert self.config.port is not None
        return self.config.port

    @property
    def url(self) -> str:
        """What `serial.serial_for_url` and `--port` take."""
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


def run(
    config: EmulatorConfig,
    timeout_s: float | None = None,
    *,
    on_start: Callable[[subprocess.Popen], None] | None = None,
    **popen: object,
) -> subprocess.CompletedProcess:
    """Runs to the end in the foreground; the serial port is stdin and stdout (`popen` redirects them).

    Args:
      config: what to run.
      timeout_s: stop it after so long.
      on_start: gets the process, for who may want to kill it from another thread.
      popen: for `subprocess.Popen`.

    Returns:
      QEMU's result; `returncode` is the firmware's exit code.

    Raises:
      KwsError: see `command`; the firmware was still running after `timeout_s` (the emulator is stopped).
    """
    popen.setdefault("stdin", subprocess.DEVNULL)
    if popen.pop("capture_output", False):
        popen |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    line = command(dataclasses.replace(config, port=None))
    with subprocess.Popen(line, **popen) as process:
        try:
            if on_start:
                on_start(process)
            output = process.communicate(timeout=timeout_s)
        except BaseException as error:
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                reason = f"the firmware was still running after {timeout_s:g} s; the emulator was stopped"
                raise KwsError(reason) from error
            raise
    return subprocess.CompletedProcess(line, process.returncode, *output)


# --- emulators that outlive the command that started them (pio run -t upload, kws-host emulate --background) ---


def _pid_file(port: int) -> Path:
    return PID_FOLDER / f"{port}.json"


def _same_process(record: dict) -> bool:
    """True when the recorded process is alive and still the emulator that was started."""
    try:
        words = Path(f"/proc/{record['pid']}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    line = [os.fsdecode(word) for word in words[:-1]]  # as the names in the record: they need not be UTF-8
    return line[-len(record["command"]) :] == record["command"]  # an interpreter may stand before a script


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One start or stop at a time."""
    PID_FOLDER.mkdir(parents=True, exist_ok=True)
    with open(PID_FOLDER / "lock", "w", encoding="ascii") as handle:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        except ImportError:  # no such locks here; two starts at once end in "port in use"
            pass
        yield


def start_background(config: EmulatorConfig, timeout_s: float = 10.0) -> tuple[int, int]:
    """Starts an emulator that stays when this process ends, in the place of the one on the same port.

    Args:
      config: what to run; `config.port` must not be `None`.
      timeout_s: how long QEMU may take to listen.

    Returns:
      Process id and TCP port.

    Raises:
      KwsError: see `command`; another program listens on the port; QEMU does not start.
    """
    if config.port is None:
        raise ValueError("a background emulator needs a port (0 chooses one). Received: None")
    with _lock():
        if config.port:
            _stop_recorded(config.port)
        config = dataclasses.replace(config, port=_check_port(config.host, config.port))
        assert config.port is not None
        line = command(config)
        log_path = PID_FOLDER / f"{config.port}.log"
        with open(log_path, "wb") as log:
            process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True
            )
        _wait_until_listening(process, config.host, config.port, log_path, timeout_s)
        record = {"pid": process.pid, "port": config.port, "board": config.board, "command": line}
        _pid_file(config.port).write_text(json.dumps(record) + "\n", encoding="utf-8")
        process.returncode = 0  # it is not ours to wait for; silences the interpreter's warning at exit
        return process.pid, config.port


def _stop_recorded(port: int) -> bool:
    path = _pid_file(port)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    running = _same_process(record)
    if running:
        os.kill(record["pid"], signal.SIGTERM)
        for _ in range(300):
            if not _same_process(record):
                break
            with contextlib.suppress(ChildProcessError):
                os.waitpid(record["pid"], os.WNOHANG)
            time.sleep(0.01)
        else:
            os.kill(record["pid"], signal.SIGKILL)
        _wait_until_free(record["port"])
    path.unlink(missing_ok=True)
    return running


def _wait_until_free(port: int, timeout_s: float = 3.0) -> None:
    """Waits until nobody listens on a port: a process that ends gives up its memory first and its sockets later."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with contextlib.suppress(KwsError):
            _check_port("127.0.0.1", port)
            return
        time.sleep(0.01)


def stop_background(port: int) -> bool:
    """Stops the background emulator on `port`. Returns whether one was running."""
    with _lock():
        return _stop_recorded(port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emulator.py", description="Run firmware in QEMU.")
    commands = parser.add_subparsers(dest="action", required=True)
    for name, text in (
        ("run", "run on this terminal; the exit status is the firmware's"),
        ("start", "run in the background, serial port on TCP"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--board", required=True, help="board name")
        sub.add_argument("--elf", required=True, type=Path, help="the firmware")
        sub.add_argument("--no-icount", action="store_true", help="do not count instructions")
        sub.add_argument(
            "--arg", action="append", default=[], metavar="WORD", help="semihosting command line, repeatable"
        )
        sub.add_argument("--qemu", default="", help="the emulator (default: $KWS_QEMU or qemu-system-arm)")
        sub.add_argument("--qemu-option", action="append", default=[], metavar="OPTION", help="handed on, repeatable")
        if name == "run":
            sub.add_argument("--timeout", type=float, metavar="SECONDS", help="stop it after this long")
        else:
            sub.add_argument("--port", type=int, default=0, help="TCP port (default: a free one)")
            sub.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
            sub.add_argument("--no-wait", action="store_true", help="do not hold the core until somebody connects")
    stop = commands.add_parser("stop", help="stop the background emulator", description="stop the background emulator")
    stop.add_argument("--port", type=int, required=True, help="its TCP port")
    commands.add_parser("boards", help="list the boards", description="list the boards")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status: the firmware's for `run`, else 0, or 2 after an error."""
    options = _parser().parse_args(argv)
    try:
        if options.action == "boards":
            print("\n".join(boards()))
            return 0
        if options.action == "stop":
            was_running = stop_background(options.port)
            print(f"stopped the emulator on port {options.port}" if was_running else "no emulator was running there")
            return 0
        config = EmulatorConfig(
            board=options.board,
            elf=options.elf,
            icount=not options.no_icount,
            arguments=tuple(options.arg),
            qemu=options.qemu,
            extra=tuple(options.qemu_option),
        )
        if options.action == "run":
            return run(config, options.timeout, stdin=None).returncode
        config = dataclasses.replace(config, port=options.port, host=options.host, wait=not options.no_wait)
        pid, port = start_background(config)
        print(f"{options.board} is up (process {pid}): socket://{options.host}:{port}")
        return 0
    except KwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
