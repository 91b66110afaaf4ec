"""PlatformIO `pre:` script: what every environment of this project adds to a build.

Chooses the engine, the folder of the generated C++ (custom_kws_model, or the environment variable KWS_GENERATED for one
build) and the third-party kernels; leaves the application out of test builds, which bring a main() of their own.
"""

import os
import sys
from pathlib import Path

Import("env")  # noqa: F821  (given by SCons)

project_dir = Path(env.subst("$PROJECT_DIR"))  # noqa: F821
firmware = project_dir / "firmware"
third_party = firmware / "third_party"


def fail(message: str) -> None:
    """Ends the build with one clear line."""
    sys.stderr.write(f"error: {message}\n")
    env.Exit(1)  # noqa: F821


def setup(env: object) -> None:
    """Adds sources, include folders and macros to the environment."""
    engine = env.GetProjectOption("custom_kws_engine")
    if engine not in ("aot", "tflm"):
        fail(f"custom_kws_engine is 'aot' or 'tflm'; received {engine!r}")
    option = os.environ.get("KWS_GENERATED") or env.GetProjectOption("custom_kws_model")
    model = (project_dir / option).resolve()
    if not (model / "model_info.h").is_file():
        fail(f"no generated model in {model}: run kws-codegen generate BUNDLE --out {model}")

    board_folder = env.BoardConfig().get("build.board_folder", env.subst("$BOARD"))
    env.Append(
        CPPPATH=[
            str(firmware / "include"),
            str(firmware / "boards" / board_folder),
            str(firmware / "boards"),
            str(firmware / "src"),
            str(model),
        ],
    )
    sources = f"{env.subst('$SRC_FILTER')} +<src/engine/{engine}/>"
    if "test" in env["BUILD_TYPE"]:
        sources += " -<src/app/>"
    env.Replace(SRC_FILTER=sources)

    # The generated C++ is held to our own warnings, unless it includes the interpreter. CPPFLAGS: nothing else uses it.
    warnings = ["-Wall", "-Wextra", *(["-Werror"] if engine == "aot" else ["-Wno-unused-parameter"])]
    other = "tflm_model.cc" if engine == "aot" else "aot_model.cc"
    for node in env.CollectBuildFiles("$BUILD_DIR/generated", str(model), f"+<*.cc> -<{other}>"):
        env.Append(PIOBUILDFILES=[env.Object(node, CPPFLAGS=warnings)])
    if engine == "aot":
        add_cmsis_nn(env)


def add_cmsis_nn(env: object) -> None:
    """CMSIS-NN as a static library: only the kernels that the model calls reach the image."""
    sources = third_party / "cmsis_nn"
    if not (sources / "Include" / "arm_nnfunctions.h").is_file():
        fail("the CMSIS-NN sources are not unpacked: run 'make sources' (or python3 firmware/tools/fetch_sources.py)")
    includes = [str(sources / "Include"), str(third_party / "cmsis_core" / "Include")]
    env.Append(CPPPATH=includes)
    env.Prepend(LIBS=[env.BuildLibrary("$BUILD_DIR/cmsis_nn", str(sources / "Source"), "+<*>")])


setup(env)  # noqa: F821
