"""PlatformIO `post:` script: compiles our own sources and the library of tflm_tree.py with its flags.

Only now, behind the framework's script, do their environments exist. The library has sources in C, too: the C++
standard is for the others alone.
"""

Import("env", "projenv")  # noqa: F821  (given by SCons)

LIBRARY = "TensorFlowLiteMicroTree"
environments = [projenv, *[builder.env for builder in env.GetLibBuilders() if builder.name == LIBRARY]]  # noqa: F821
standard = [flag for flag in env["KWS_TFLM_FLAGS"] if str(flag).startswith("-std=")]  # noqa: F821
others = [flag for flag in env["KWS_TFLM_FLAGS"] if flag not in standard]  # noqa: F821
for environment in environments:
    environment.Append(CXXFLAGS=standard, CCFLAGS=others)
