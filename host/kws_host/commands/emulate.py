"""``kws-host emulate``: an emulated board whose serial port is a TCP socket, a pseudo-terminal, or this terminal."""

import argparse
from pathlib import Path

from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host.emulator import Emulator, EmulatorConfig, background
from kws_host.emulator import run as run_to_its_end
from kws_host.emulator.pseudo_terminal import PseudoTerminal
from kws_host.emulator.qemu import reason_in
from kws_host.project import firmware_of

INTERRUPTED = 130


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("emulate", help="start or stop an emulated board", description=__doc__)
    parser.add_argument(
        "--board", default="mps2_an386", help="board or environment of platformio.ini (default: %(default)s)"
    )
    parser.add_argument("--elf", type=Path, help="firmware (default: .pio/build/BOARD/firmware.elf)")
    parser.add_argument("--tcp-port", type=int, default=5550, metavar="N", help="0 chooses one (default: %(default)s)")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--background", action="store_true", help="return at once and leave it running")
    action.add_argument("--stop", action="store_true", help="stop the background one on --tcp-port")
    action.add_argument(
        "--terminal",
        action="store_true",
        help="serial port on this terminal in the place of --tcp-port; the exit status is the firmware's",
    )
    action.add_argument(
        "--pty",
        action="store_true",
        help="serial port on a pseudo-terminal in the place of --tcp-port, for programs that open a device",
    )
    parser.add_argument("--if-running", action="store_true", help="with --stop: none to be stopped is no error")
    parser.add_argument("--timeout", type=float, metavar="S", help="with --terminal: stop it after so many seconds")
    group = parser.add_argument_group("emulator")
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    group.add_argument("--no-wait", action="store_true", help="do not hold the core until somebody connects")
    group.add_argument("--no-icount", action="store_true", help="do not count instructions")
    group.add_argument(
        "--arg", action="append", default=[], metavar="WORD", help="of the semihosting command line, repeatable"
    )
    group.add_argument(
        "--qemu-option", action="append", default=[], metavar="OPTION", help="handed on to QEMU, repeatable"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Starts, or stops."""
    if args.stop:
        return _stop(args.tcp_port, none_is_an_error=not args.if_running)
    config = EmulatorConfig(
        board=args.board,
        elf=args.elf or firmware_of(args.board),
        port=args.tcp_port,
        host=args.host,
        wait=not args.no_wait,
        icount=not args.no_icount,
        arguments=tuple(args.arg),
        extra=tuple(args.qemu_option),
    )
    if args.terminal:
        return _run_on_this_terminal(config, args.timeout)
    if args.background:
        pid, port = background.start(config)
        print(f"{config.board} is up (process {pid}): socket://{config.host}:{port}")
        return program.OK
    if args.pty:
        return _run_behind_a_terminal(config)
    return _run_behind_a_port(config)


def _stop(port: int, *, none_is_an_error: bool) -> int:
    if background.stop(port):
        print(f"stopped the emulator on port {port}")
    elif none_is_an_error:
        raise KwsError(f"no emulator of ours runs on port {port}")
    else:
        print("no emulator was running there")
    return program.OK


def _run_on_this_terminal(config: EmulatorConfig, timeout_s: float | None) -> int:
    try:
        return run_to_its_end(config, timeout_s, interactive=True).returncode
    except KeyboardInterrupt:
        return INTERRUPTED


def _run_behind_a_port(config: EmulatorConfig) -> int:
    with Emulator(config) as emulator:
        url = emulator.url
        print(f"{config.board} waits on {url} (kws-host monitor --port {url}); Ctrl-C stops it", flush=True)
        return _wait_for(emulator)


def _run_behind_a_terminal(config: EmulatorConfig) -> int:
    with Emulator(config) as emulator, PseudoTerminal(config.host, emulator.port) as terminal:
        terminal.skip_greeting()
        print(f"{config.board} runs on {terminal.device}; Ctrl-C stops it", flush=True)
        return _wait_for(emulator)


def _wait_for(emulator: Emulator) -> int:
    try:
        status = emulator.wait()
    except KeyboardInterrupt:
        return program.OK
    if status:
        raise KwsError(f"the emulator ended with status {status}: {reason_in(emulator.log()) or 'no reason given'}")
    return program.OK
