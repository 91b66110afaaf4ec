"""SCons script of the platform: compiler flags, linking, and the targets size, upload, emulate and stop."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Default, DefaultEnvironment, Return

env = DefaultEnvironment()
# This checkout's package, also where PlatformIO runs under a Python of its own.
sys.path.insert(0, str(Path(env["PROJECT_DIR"]) / "firmware"))
from kws_firmware.boards import Board  # noqa: E402
from kws_firmware.build import emulation, toolchain  # noqa: E402

board = env.BoardConfig()
board_name = env.subst("$BOARD")
project_dir = Path(env.subst("$PROJECT_DIR"))
build_dir = Path(env.subst("$BUILD_DIR"))
program = "test_firmware" if "__test" in COMMAND_LINE_TARGETS else "firmware"
our_board = Board.from_manifest(board_name, board.manifest)
toolchain.configure(env, our_board, program, Path(env.PioPlatform().get_dir()) / "ldscripts")

if our_board.toolchain == "host":  # a program of this machine: nothing to upload or to emulate
    host_program = env.BuildProgram()
    size = env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE")
    env.AddPlatformTarget("size", host_program, size, "Program size")
    Default(host_program)
    Return()

if "nobuild" in COMMAND_LINE_TARGETS:
    elf = os.path.join("$BUILD_DIR", "${PROGNAME}.elf")
    image = os.path.join("$BUILD_DIR", "${PROGNAME}.bin")
else:
    elf = env.BuildProgram()
    image = env.ElfToBin(os.path.join("$BUILD_DIR", "${PROGNAME}"), elf)
AlwaysBuild(env.Alias("nobuild", image))

port = (env.subst("$UPLOAD_PORT") or str(env.GetProjectOption("upload_port", ""))).rpartition(":")[2]
protocol = env.subst("$UPLOAD_PROTOCOL") or board.get("upload.protocol")


def run(*words: object) -> Callable[..., int]:
    """Action that runs a program without a shell."""

    def action(target: list, source: list, env: object) -> int:
        try:
            return subprocess.run([str(word) for word in words], env=env["ENV"], check=False).returncode
        except FileNotFoundError:
            sys.stderr.write(f"error: {words[0]} is not on PATH: install it\n")
            return 2

    return action


def emulate(*words: object) -> Callable[..., int]:
    """Action that runs `kws-host emulate`."""

    def action(target: list, source: list, env: object) -> int:
        try:
            command = emulation.emulate_command(*words)
        except emulation.NotInstalled as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
        return run(*command)(target, source, env)

    return action


this_firmware = ("--board", board_name, "--elf", build_dir / f"{program}.elf")
upload_actions = {
    "qemu": emulate("--background", *this_firmware, "--tcp-port", port or 0),
    # The chip's own USB boot loader: hold the board's button while it is plugged in.
    "dfu": run("dfu-util", "-a", "0", "-s", "0x08000000:leave", "-D", build_dir / "firmware.bin"),
    "stlink": run("st-flash", "--reset", "write", build_dir / "firmware.bin", "0x08000000"),
}
if protocol not in upload_actions or protocol not in board.get("upload.protocols"):
    raise SystemExit(
        f"error: upload_protocol {protocol!r} is not one of {board_name}'s: {', '.join(board.get('upload.protocols'))}"
    )

env.AddPlatformTarget("size", elf, env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE"), "Program size")
env.AddPlatformTarget(
    "upload", [elf, image], env.VerboseAction(upload_actions[protocol], "Uploading $SOURCE"), "Upload or start emulator"
)
if board.get("emulator", None):
    env.AddPlatformTarget(
        "emulate",
        elf,
        env.VerboseAction(emulate("--terminal", *this_firmware), "Starting the emulator"),
        "Run in the emulator on this terminal",
    )
    env.AddPlatformTarget(
        "stop",
        None,
        env.VerboseAction(emulate("--stop", "--if-running", "--tcp-port", port or 0), "Stopping the emulator"),
        "Stop the emulator",
    )

Default([elf, image])
