"""PlatformIO's `post:` script of every environment: our sources and the tree's library get the interpreter's flags."""

from SCons.Script import COMMAND_LINE_TARGETS

Import("env")  # noqa: F821  (given by SCons)

if "KWS_TFLM_FLAGS" in env and "nobuild" not in COMMAND_LINE_TARGETS:  # noqa: F821
    from kws_firmware.build import tflm_tree  # pre.py has said where it is

    Import("projenv")  # noqa: F821
    tflm_tree.add_flags(env["KWS_TFLM_FLAGS"], projenv, env.GetLibBuilders())  # noqa: F821
