"""SCons script of the platform: the program, its image, and the targets of `kws_firmware.build.targets`."""

import sys
from pathlib import Path

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
# This checkout's package, also where PlatformIO runs under a Python of its own.
sys.path.insert(0, str(Path(env["PROJECT_DIR"]) / "firmware"))
from kws_firmware.boards import Board  # noqa: E402
from kws_firmware.build import targets, toolchain  # noqa: E402

board = Board.from_manifest(env.subst("$BOARD"), env.BoardConfig().manifest)
program = "test_firmware" if "__test" in COMMAND_LINE_TARGETS else "firmware"
toolchain.configure(env, board, program, Path(env.PioPlatform().get_dir()) / "ldscripts")

built = "$PROGPATH" if "nobuild" in COMMAND_LINE_TARGETS else env.BuildProgram()
targets.add_size(env, built)
if board.toolchain == "host":  # a program of this machine: nothing to upload
    Default(built)
else:
    image = "$BUILD_DIR/${PROGNAME}.bin"
    if "nobuild" not in COMMAND_LINE_TARGETS:
        image = env.ElfToBin("$BUILD_DIR/${PROGNAME}", built)
    AlwaysBuild(env.Alias("nobuild", image))
    targets.add_upload(env, board, built, image)
    Default([built, image])
