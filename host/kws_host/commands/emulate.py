"""``kws-host emulate``: an emulated board whose serial port is a TCP socket."""

import argparse
from pathlib import Path

from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host import emulator, options


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
    return parser


def run(args: argparse.Namespace) -> int:
    """Starts, or stops."""
    if args.stop:
        if not emulator.stop_background(args.tcp_port):
            raise KwsError(f"no emulator of ours runs on port {args.tcp_port}")
        print(f"stopped the emulator on port {args.tcp_port}")
        return program.OK
    elf = args.elf or options.firmware_of(args.board)
    config = emulator.EmulatorConfig(board=args.board, elf=elf, port=args.tcp_port)
    if args.background:
        pid, port = emulator.start_background(config)
        print(f"{args.board} is up (process {pid}): socket://{config.host}:{port}")
        return program.OK
    with emulator.Emulator(config) as running:
        print(
            f"{args.board} waits on {running.url} (kws-host monitor --port {running.url}); Ctrl-C stops it", flush=True
        )
        try:
            status = running.wait()
        except KeyboardInterrupt:
            return program.OK
        if status:
            said = emulator.first_line(running.log())
            raise KwsError(f"the emulator ended with status {status}: {said or 'no reason given'}")
    return program.OK
