"""Compilers of the boards: GCC for Arm, or the development machine's own for board `native`."""

import os
import shutil
from pathlib import Path
from typing import Any

from kws_firmware.boards import Board
from kws_firmware.build.command_words import quote_paths, word


def configure(env: Any, board: Board, program: str, ldscripts: Path) -> None:
    """Sets compilers and flags.

    Args:
      env: SCons's default environment.
      board: what is built for.
      program: name of the image without its ending.
      ldscripts: folder of the linker scripts.
    """
    quote_paths(env)
    project, build = Path(env.subst("$PROJECT_DIR")), Path(env.subst("$BUILD_DIR"))
    env.Replace(ARFLAGS=["rcD"], PROGNAME=program)
    env.Append(
        CFLAGS=["-std=gnu11"],
        CCFLAGS=[
            *board.arch_flags,
            "-O2",
            "-g",
            "-ffunction-sections",
            "-fdata-sections",
            "-fno-common",
            # Same binary whatever the place: no build-time path reaches the objects.
            word(f"-ffile-prefix-map={build}=build"),
            word(f"-ffile-prefix-map={project}=."),
        ],
        CPPDEFINES=["NDEBUG"],
        LINKFLAGS=[*board.arch_flags, "-Wl,--gc-sections"],
    )
    if board.toolchain == "host":
        _host(env)
    else:
        _arm(env, board, ldscripts)


def _host(env: Any) -> None:
    cxx = os.environ.get("CXX", "g++")
    cc = {"g++": "gcc", "clang++": "clang"}.get(cxx, "cc")
    env.Replace(AR="ar", AS=cc, CC=cc, CXX=cxx, LINK=cxx, RANLIB="ranlib", SIZETOOL="size", PROGSUFFIX="")
    env.Replace(SIZEPRINTCMD="$SIZETOOL -A -d $SOURCES")
    env.Append(CXXFLAGS=["-std=gnu++17"], LIBS=["m"])


def _arm(env: Any, board: Board, ldscripts: Path) -> None:
    from SCons.Script import Builder

    env.Replace(
        AR="arm-none-eabi-gcc-ar",
        AS="arm-none-eabi-gcc",
        CC="arm-none-eabi-gcc",
        CXX="arm-none-eabi-g++",
        OBJCOPY="arm-none-eabi-objcopy",
        RANLIB="arm-none-eabi-gcc-ranlib",
        SIZETOOL="arm-none-eabi-size",
        GDB=next((name for name in ("arm-none-eabi-gdb", "gdb-multiarch") if shutil.which(name)), "arm-none-eabi-gdb"),
        SIZEPROGREGEXP=r"^(?:\.text|\.rodata|\.init_array|\.data|\.ARM\.exidx|\.ARM\.extab)\s+(\d+).*",
        SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.noinit|\.stack|\.handler_stack)\s+(\d+).*",
        SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
        SIZEPRINTCMD="$SIZETOOL -A -d $SOURCES",
        PROGSUFFIX=".elf",
    )
    env.Append(
        ASFLAGS=list(board.arch_flags),
        ASPPFLAGS=["-x", "assembler-with-cpp"],
        CCFLAGS=["-fno-unwind-tables", "-fno-asynchronous-unwind-tables"],
        CXXFLAGS=["-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"],
        LINKFLAGS=[
            "-nostartfiles",
            "--specs=nano.specs",
            "-Wl,--no-warn-rwx-segments",
            "-Wl,-Map=%.map",  # the linker puts its output's name there; a name with a % would be taken for that sign
        ],
        LIBS=["m", "c", "gcc"],
        LIBPATH=[str(ldscripts)],
        BUILDERS={
            "ElfToBin": Builder(
                action=env.VerboseAction("$OBJCOPY -O binary $SOURCES $TARGET", "Building $TARGET"), suffix=".bin"
            )
        },
    )
    if not env.get("LDSCRIPT_PATH"):
        env.Replace(LDSCRIPT_PATH=board.linker_script)
