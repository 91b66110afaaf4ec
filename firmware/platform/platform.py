"""PlatformIO development platform of the bare-metal boards, usable without PlatformIO's registry."""

import importlib.util
import shutil
from pathlib import Path

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
