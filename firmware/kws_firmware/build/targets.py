"""The targets of a board's environment besides the build: size, upload, emulate and stop."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kws_firmware.boards import Board
from kws_firmware.build import emulation
from kws_firmware.build.command_words import fail

Action = Callable[..., int]


def add_size(env: Any, program: Any) -> None:
    """Adds target `size`, which prints the sections of a program."""
    action = env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE")
    env.AddPlatformTarget("size", program, action, "Program size")


def add_upload(env: Any, board: Board, elf: Any, image: Any) -> None:
    """Adds target `upload`, by the protocol that the environment chose, and for an emulated board `emulate` and `stop`.

    Args:
      env: SCons's default environment.
      board: what is built for.
      elf: node of the program.
      image: node of its binary.
    """
    build = Path(env.subst("$BUILD_DIR"))
    firmware = build / env.subst("${PROGNAME}")
    upload_port = env.subst("$UPLOAD_PORT") or str(env.GetProjectOption("upload_port", ""))
    port = upload_port.rpartition(":")[2] or "0"
    this = ("--board", board.name, "--elf", firmware.with_suffix(".elf"))
    binary, facts = firmware.with_suffix(".bin"), env.BoardConfig()
    offset = facts.get("upload.offset_address", "")
    actions = {
        "qemu": _emulate("--background", *this, "--tcp-port", port),
        # The chip's own USB boot loader: hold the board's button while it is plugged in.
        "dfu": _run("dfu-util", "-a", "0", "-s", f"{offset}:leave", "-D", binary),
        "stlink": _run("st-flash", "--reset", "write", binary, offset),
        "jlink": _jlink(str(facts.get("debug.jlink_device", "")), binary, offset),
        "pyocd": _run("pyocd", "load", *_pyocd_words(facts), "-a", offset, binary),
        "openocd": _openocd(str(facts.get("debug.openocd_board", "")), firmware.with_suffix(".elf")),
        # Arduino's boot loader, which adds the offset itself: press the board's button twice.
        "bossac": _bossac(upload_port, binary),
    }
    known = facts.get("upload.protocols")
    protocol = env.subst("$UPLOAD_PROTOCOL") or facts.get("upload.protocol")
    if protocol not in actions or protocol not in known:
        fail(env, f"upload_protocol {protocol!r} is not one of {board.name}'s: {', '.join(known)}")
    upload = env.VerboseAction(actions[protocol], "Uploading $SOURCE")
    env.AddPlatformTarget("upload", [elf, image], upload, "Upload or start emulator")
    if board.is_emulated:
        emulate = env.VerboseAction(_emulate("--terminal", *this), "Starting the emulator")
        env.AddPlatformTarget("emulate", elf, emulate, "Run in the emulator on this terminal")
        stop = env.VerboseAction(_emulate("--stop", "--if-running", "--tcp-port", port), "Stopping the emulator")
        env.AddPlatformTarget("stop", None, stop, "Stop the emulator")


def _pyocd_words(facts: Any) -> list[str]:
    """Target and options of pyOCD that a board's file names."""
    options = [word for option in facts.get("debug.pyocd_options", []) for word in ("-O", option)]
    return ["-t", facts.get("debug.pyocd_target", ""), *options]


def _run(*words: object, folder: Path | None = None) -> Action:
    """Action that runs a program without a shell, in a folder, or where PlatformIO runs."""

    def action(target: Any, source: Any, env: Any) -> int:
        try:
            command = [str(word) for word in words]
            return subprocess.run(command, env=env["ENV"], cwd=folder, check=False).returncode
        except FileNotFoundError:
            sys.stderr.write(f"error: {words[0]} is not on PATH: install it\n")
            return 2

    return action


def _jlink(device: str, binary: Path, offset: str) -> Action:
    """Action that writes an image by SEGGER's J-Link and starts it."""
    script = binary.with_suffix(".jlink")

    def action(target: Any, source: Any, env: Any) -> int:
        script.write_text(f'loadbin "{binary}", {offset}\nr\ng\nexit\n', encoding="utf-8")
        options = ("-if", "SWD", "-speed", "4000", "-autoconnect", "1", "-ExitOnError", "1", "-NoGui", "1")
        return _run("JLinkExe", "-device", device, *options, "-CommanderScript", script)(target, source, env)

    return action


def _openocd(board: str, elf: Path) -> Action:
    """Action that writes an image by OpenOCD. Its own words name the image: in its folder, without what Tcl might read."""
    write = f"program {elf.name} verify reset exit"
    return _run("openocd", "-f", f"board/{board}.cfg", "-c", write, folder=elf.parent)


def _bossac(port: str, binary: Path) -> Action:
    """Action that writes an image by a boot loader of the SAM-BA kind, through the serial port that it offers."""

    def action(target: Any, source: Any, env: Any) -> int:
        if not port:
            sys.stderr.write(
                "error: bossac needs the serial port of the boot loader: press the board's button twice, then give the "
                "port that appears as --upload-port /dev/ttyACM0\n"
            )
            return 2
        return _run("bossac", "-d", f"--port={port}", "-U", "-i", "-e", "-w", binary, "-R")(target, source, env)

    return action


def _emulate(*words: object) -> Action:
    """Action that runs `kws-host emulate`."""

    def action(target: Any, source: Any, env: Any) -> int:
        try:
            command = emulation.emulate_command(*words)
        except emulation.NotInstalled as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
        return _run(*command)(target, source, env)

    return action
