"""PlatformIO `pre:` script: what every environment of this project adds to a build.

Chooses the engine, the folder of the generated C++ (custom_kws_model, or the environment variable KWS_GENERATED for one
build) and the third-party kernels; leaves the application out of test builds, which bring a main() of their own.
"""

import os
import sys
from pathlib import Path

Import("env")  # noqa: F821  (given by SCons)

project_dir = Path(env["PROJECT_DIR"])  # noqa: F821
firmware = project_dir / "firmware"
third_party = firmware / "third_party"


def fail(message: str) -> None:
    """Ends the build with one clear line."""
    sys.stderr.write(f"error: {message}\n")
    env.Exit(1)  # noqa: F821


def check_folders(env: object, model: Path) -> None:
    """Refuses what SCons cannot name: it takes a dollar sign for a variable of its own."""
    for what, folder in (("build", env["PROJECT_BUILD_DIR"]), ("generated model's", model)):
        if "$" in str(folder):
            fail(f"the {what} folder must hold no dollar sign in its name. Received: {folder}. Rename or move it.")


def setup(env: object) -> None:
    """Adds sources, include folders and macros to the environment."""
    sys.path.insert(0, str(firmware / "tools"))
    from command_words import quote_paths, word

    quote_paths(env)
    engine = env.GetProjectOption("custom_kws_engine")
    if engine not in ("aot", "tflm"):
        fail(f"custom_kws_engine is 'aot' or 'tflm'; received {engine!r}")
    option = os.environ.get("KWS_GENERATED") or env.GetProjectOption("custom_kws_model")
    model = (project_dir / Path(option).expanduser()).resolve()
    check_folders(env, model)
    if not (model / "model_info.h").is_file():
        fail(f"no generated model in {model}: run kws-codegen generate BUNDLE --out {model}")

    if not model.is_relative_to(project_dir):  # the same image whatever the place, as for the project's folder
        env.Append(CCFLAGS=[word(f"-ffile-prefix-map={model}=model")])
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

    # The generated C++ is held to our own warnings, unless it includes the interpreter. CPPFLAGS: nothing else uses it,
    # and it stands behind CXXFLAGS, in which a framework may set another C++ standard.
    warnings = ["-Wall", "-Wextra", *(["-Werror"] if engine == "aot" else ["-Wno-unused-parameter"])]
    env.Replace(KWS_GENERATED_FLAGS=[*warnings, *env.get("KWS_TFLM_FLAGS", [])])
    other = "tflm_model.cc" if engine == "aot" else "aot_model.cc"
    for node in env.CollectBuildFiles("$BUILD_DIR/generated", str(model), f"+<*.cc> -<{other}>"):
        env.Append(PIOBUILDFILES=[env.Object(node, CPPFLAGS="$KWS_GENERATED_FLAGS")])
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
