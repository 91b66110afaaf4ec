"""PlatformIO's `post:` script of every environment: our sources and the tree's library get the interpreter's flags."""

Import("env", "projenv")  # noqa: F821  (given by SCons)

from kws_firmware.build import tflm_tree  # noqa: E402  (pre.py has said where it is)

if "KWS_TFLM_FLAGS" in env:  # noqa: F821
    tflm_tree.add_flags(env["KWS_TFLM_FLAGS"], projenv, env.GetLibBuilders())  # noqa: F821
