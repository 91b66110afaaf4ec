"""PlatformIO's `pre:` script of every environment: the firmware's sources and, for engine `tflm`, the user's tree."""

import sys
from pathlib import Path

Import("env")  # noqa: F821  (given by SCons)

# This checkout's package, also where PlatformIO runs under a Python of its own.
sys.path.insert(0, str(Path(env["PROJECT_DIR"]) / "firmware"))  # noqa: F821

from kws_firmware.build import project, tflm_tree  # noqa: E402

if env.GetProjectOption("custom_kws_engine") == "tflm":  # noqa: F821
    tflm_tree.add_library(env)  # noqa: F821
project.add_firmware(env)  # noqa: F821
