"""SCons script of the platform: compiler flags, linking, and the targets size, upload, emulate and stop."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Builder, Default, DefaultEnvironment

env = DefaultEnvironment()
sys.path.insert(0, str(Path(env["PROJECT_DIR"]) / "firmware" / "tools"))
from command_words import quote_paths, word  # noqa: E402

board = env.BoardConfig()
board_name = env.subst("$BOARD")
project_dir = Path(env.subst("$PROJECT_DIR"))
build_dir = Path(env.subst("$BUILD_DIR"))
quote_paths(env)
arch_flags = list(board.get("build.arch_flags"))
# Same binary whatever the place: no build-time path reaches the objects.
prefix_maps = [word(f"-ffile-prefix-map={build_dir}=build"), word(f"-ffile-prefix-map={project_dir}=.")]
program = "test_firmware" if "__test" in COMMAND_LINE_TARGETS else "firmware"

env.Replace(
    AR="arm-none-eabi-gcc-ar",
    AS="arm-none-eabi-gcc",
    CC="arm-none-eabi-gcc",
    CXX="arm-none-eabi-g++",
    OBJCOPY="arm-none-eabi-objcopy",
    RANLIB="arm-none-eabi-gcc-ranlib",
    SIZETOOL="arm-none-eabi-size",
    ARFLAGS=["rcD"],
    SIZEPROGREGEXP=r"^(?:\.text|\.rodata|\.init_array|\.data|\.ARM\.exidx|\.ARM\.extab)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.noinit|\.stack|\.handler_stack)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -A -d $SOURCES",
    # pio test links another program beside the firmware
    PROGNAME=program,
    PROGSUFFIX=".elf",
)
env.Append(
    ASFLAGS=arch_flags,
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CFLAGS=["-std=gnu11"],
    CCFLAGS=[
        *arch_flags,
        "-O2",
        "-g",
        "-ffunction-sections",
        "-fdata-sections",
        "-fno-common",
        "-fno-unwind-tables",
        "-fno-asynchronous-unwind-tables",
        *prefix_maps,
    ],
    CXXFLAGS=["-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"],
    CPPDEFINES=["NDEBUG"],
    LINKFLAGS=[
        *arch_flags,
        "-nostartfiles",
        "--specs=nano.specs",
        "-Wl,--gc-sections",
        "-Wl,--no-warn-rwx-segments",
        "-Wl,-Map=%.map",  # the linker puts its output's name there; a name with a % would be taken for that sign
    ],
    LIBS=["m", "c", "gcc"],
    LIBPATH=[str(Path(env.PioPlatform().get_dir()) / "ldscripts")],
    BUILDERS={
        "ElfToBin": Builder(
            action=env.VerboseAction("$OBJCOPY -O binary $SOURCES $TARGET", "Building $TARGET"), suffix=".bin"
        )
    },
)
if not env.get("LDSCRIPT_PATH"):
    env.Replace(LDSCRIPT_PATH=board.get("build.ldscript"))

if "nobuild" in COMMAND_LINE_TARGETS:
    elf = os.path.join("$BUILD_DIR", "${PROGNAME}.elf")
    image = os.path.join("$BUILD_DIR", "${PROGNAME}.bin")
else:
    elf = env.BuildProgram()
    image = env.ElfToBin(os.path.join("$BUILD_DIR", "${PROGNAME}"), elf)
AlwaysBuild(env.Alias("nobuild", image))

launcher = project_dir / "host" / "kws_host" / "emulator.py"
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


def launch(action: str, *words: object) -> Callable[..., int]:
    """Action that runs the emulator launcher."""
    return run(env.subst("$PYTHONEXE"), launcher, action, *words)


this_firmware = ("--board", board_name, "--elf", build_dir / f"{program}.elf")
upload_actions = {
    "qemu": launch("start", *this_firmware, "--port", port or 0),
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
        env.VerboseAction(launch("run", *this_firmware), "Starting the emulator"),
        "Run in the emulator on this terminal",
    )
    env.AddPlatformTarget(
        "stop",
        None,
        env.VerboseAction(launch("stop", "--port", port or 0), "Stopping the emulator"),
        "Stop the emulator",
    )

Default([elf, image])
