"""QEMU's command line for one emulated board, and what its log says."""

import dataclasses
import os
import re
import shutil
from pathlib import Path

from kws_reference.errors import KwsError

from kws_host.emulator.boards import board_facts

DEFAULT_QEMU = "qemu-system-arm"
_NO_ESCAPE = "0x100"
"""No byte: a multiplexed port would take one as the beginning of a command."""


@dataclasses.dataclass(frozen=True)
class EmulatorConfig:
    """One emulated board.

    Attributes:
      board: name of the board or of a PlatformIO environment, see `board_facts`.
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


def command_line(config: EmulatorConfig) -> list[str]:
    """Words of QEMU's command line. `config.port` must be a real port number or `None` here.

    Raises:
      KwsError: unknown board, no such firmware, no QEMU, an argument with white space.
    """
    facts = board_facts(config.board)
    if not config.elf.is_file():
        raise KwsError(f"no firmware at {config.elf}: build it first (pio run -e {config.board})")
    line = [_executable(config), "-M", facts.machine, "-display", "none", "-monitor", "none"]
    # The whole path: without arguments it is the firmware's command line, which a file of the name "bulk" must not be.
    line += ["-semihosting-config", _semihosting(config.arguments), "-kernel", str(config.elf.absolute())]
    if config.icount:
        line += ["-icount", f"shift={facts.icount_shift},align=off,sleep=off"]
    line += ["-serial", "null"] * facts.serial_index
    line += ["-chardev", _serial_device(config), "-serial", "chardev:serial", "-echr", _NO_ESCAPE]
    return [*line, *config.extra]


def _executable(config: EmulatorConfig) -> str:
    name = config.qemu or os.environ.get("KWS_QEMU") or DEFAULT_QEMU
    path = shutil.which(name)
    if path is None:
        raise KwsError(
            f"{name} is not on PATH: install it (Debian: apt-get install qemu-system-arm) or name it by KWS_QEMU"
        )
    return os.path.abspath(path)  # it may be started in another folder


def _semihosting(arguments: tuple[str, ...]) -> str:
    option = "enable=on,target=native"
    for argument in arguments:
        if not argument or argument.split() != [argument]:
            raise KwsError(f"a semihosting argument must be one word without white space. Received: {argument!r}.")
        option += ",arg=" + argument.replace(",", ",,")
    return option


def _serial_device(config: EmulatorConfig) -> str:
    if config.port is None:
        return "stdio,id=serial,signal=on"
    wait = "on" if config.wait else "off"
    # A UART has room for one byte, for each of which QEMU's two threads would wake each other. A multiplexer, here with
    # one user, keeps 32 bytes ready: a third of the processor time.
    return f"socket,id=serial,host={config.host},port={config.port},server=on,wait={wait},nodelay=on,mux=on"


def reason_in(log: str) -> str:
    """The line of a log that says why: QEMU's own first one, which registers and hints may follow, else the first."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith("qemu") and not re.search(r": (info|warning): ", line)]
    return next(iter(own or lines), "")
