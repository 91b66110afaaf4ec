"""PlatformIO's `post:` script of every environment: our sources get flags that a framework or a tree makes needed."""

from SCons.Script import COMMAND_LINE_TARGETS

Import("env")  # noqa: F821  (given by SCons)

has_framework, has_tree = bool(env.GetProjectOption("framework", [])), "KWS_TFLM_FLAGS" in env  # noqa: F821
if (has_framework or has_tree) and "nobuild" not in COMMAND_LINE_TARGETS:
    from kws_firmware.build import project, tflm_tree  # pre.py has said where it is

    Import("projenv")  # noqa: F821
    if has_framework:
        project.add_framework_flags(projenv)  # noqa: F821
    if has_tree:
        tflm_tree.add_flags(env["KWS_TFLM_FLAGS"], projenv, env.GetLibBuilders())  # noqa: F821
