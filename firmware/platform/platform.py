"""PlatformIO development platform of the bare-metal boards, usable without PlatformIO's registry."""

import importlib.util
import shutil
from pathlib import Path

import click
from platformio.platform.base import PlatformBase


class Kws_barePlatform(PlatformBase):  # noqa: N801 (PlatformIO derives this name from the platform's)
    """Takes the compiler from PATH and SCons from pip where they are; only else from the registry."""

    def configure_default_packages(self, options: dict, targets: list) -> object:
        """See `PlatformBase`."""
        if not shutil.which("arm-none-eabi-g++"):
            self.packages["toolchain-gccarmnoneeabi"]["optional"] = False
        if importlib.util.find_spec("SCons"):
            folder = Path(self.get_dir()) / "tool-scons"
            self.packages["tool-scons"] = {"owner": "platformio", "version": f"symlink://{folder}"}
        return super().configure_default_packages(options, targets)

    def is_embedded(self) -> bool:
        """Whether PlatformIO takes the program for a chip's: where it debugs, so that gdb goes to the server.

        Its test runner must not: it would flash a program that `firmware/test/test_custom_runner.py` starts by itself.
        """
        context = click.get_current_context(silent=True)
        return context is not None and context.info_name == "debug"
