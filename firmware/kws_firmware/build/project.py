"""What every environment of this project adds to a build, whatever its platform.

Chooses the engine, the application, the folder of the generated C++ (custom_kws_model, or the environment variable
KWS_GENERATED for one build) and the third-party kernels; leaves the application out of test builds, which bring a main() of their own.
"""

import os
import re
from pathlib import Path
from typing import Any

from kws_firmware import sources
from kws_firmware.boards import Board
from kws_firmware.build.command_words import fail, macro, quote_paths, word


def add_firmware(env: Any) -> None:
    """Adds the firmware's sources, include folders and macros to an environment."""
    quote_paths(env)
    project = Path(env["PROJECT_DIR"])
    firmware, engine = project / "firmware", env.GetProjectOption("custom_kws_engine")
    if engine not in sources.ENGINES:
        fail(env, f"custom_kws_engine is {' or '.join(map(repr, sources.ENGINES))}. Received: {engine!r}")
    application = env.GetProjectOption("custom_kws_application")
    if application not in sources.APPLICATIONS:
        fail(env, f"custom_kws_application is {' or '.join(map(repr, sources.APPLICATIONS))}. Received: {application!r}")
    model = _model_folder(env, project)
    if not model.is_relative_to(project):  # the same image whatever the place, as for the project's folder
        env.Append(CCFLAGS=[word(f"-ffile-prefix-map={model}=model")])
    board = Board.from_manifest(env.subst("$BOARD"), env.BoardConfig().manifest)
    env.Append(
        CPPPATH=[str(folder) for folder in sources.include_folders(board, model, firmware)],
        CCFLAGS=[macro(name, value) for name, value in board.macros.items()],
    )
    kernels = engine == "aot" and sources.uses_cmsis_nn(model)
    parts = sources.folders(board, engine, None if "test" in env["BUILD_TYPE"] else application)
    env.Replace(SRC_FILTER=sources.source_filter(parts, () if kernels else (sources.CMSIS_NN_WRAPPER,)))
    _add_generated(env, engine, model)
    if kernels:
        _add_cmsis_nn(env, board, firmware)


def _model_folder(env: Any, project: Path) -> Path:
    """The generated model's folder, checked. SCons takes a dollar sign in a name for a variable of its own."""
    option = os.environ.get("KWS_GENERATED") or env.GetProjectOption("custom_kws_model")
    model = (project / Path(option).expanduser()).resolve()
    for what, folder in (("build", env["PROJECT_BUILD_DIR"]), ("generated model's", model)):
        if "$" in str(folder):
            fail(env, f"the {what} folder must hold no dollar sign in its name. Received: {folder}. Rename or move it.")
    if not (model / "model_info.h").is_file():
        fail(env, f"no generated model in {model}: run kws-codegen generate BUNDLE --out {model}")
    if not follows_contract(model, project / "firmware"):
        fail(
            env,
            f"the generated model in {model} is of another version of the kit: run kws-codegen generate BUNDLE "
            f"--out {model} again",
        )
    return model


def follows_contract(model: Path, firmware: Path) -> bool:
    """Whether generated C++ was made for this firmware.

    Its `#error` says so too, but only if the compiler finds every header that the files name before it.

    Args:
      model: folder of the generated C++.
      firmware: the project's folder of that name.
    """
    wanted, made_for = (
        re.search(r"KWS_CONTRACT_VERSION(?: !=)? (\d+)", path.read_text(encoding="utf-8"))
        for path in (firmware / "include" / "kws" / "version.h", model / "model_info.h")
    )
    return wanted is not None and made_for is not None and wanted[1] == made_for[1]


def _add_generated(env: Any, engine: str, model: Path) -> None:
    """The generated C++, held to our own warnings unless it includes the interpreter."""
    # CPPFLAGS: nothing else uses it, and it stands behind CXXFLAGS, in which a framework may set another C++ standard.
    warnings = ["-Wall", "-Wextra", *(["-Werror"] if engine == "aot" else ["-Wno-unused-parameter"])]
    env.Replace(KWS_GENERATED_FLAGS=[*warnings, *env.get("KWS_TFLM_FLAGS", [])])
    for node in env.CollectBuildFiles("$BUILD_DIR/generated", str(model), sources.generated_filter(engine)):
        env.Append(PIOBUILDFILES=[env.Object(node, CPPFLAGS="$KWS_GENERATED_FLAGS")])


def _add_cmsis_nn(env: Any, board: Board, firmware: Path) -> None:
    """CMSIS-NN as a static library: only the kernels that the model calls reach the image."""
    includes = sources.cmsis_nn_includes(firmware)
    if not (includes[0] / "arm_nnfunctions.h").is_file():
        fail(env, "the model calls CMSIS-NN, which is not unpacked: run make sources")
    env.Append(CPPPATH=[str(folder) for folder in includes])
    if board.toolchain == "host":
        env.Append(CCFLAGS=[macro(name, value) for name, value in sources.HOST_CMSIS_NN_MACROS.items()])
    library = env.BuildLibrary("$BUILD_DIR/cmsis_nn", str(sources.cmsis_nn_folder(firmware)), "+<*>")
    env.Prepend(LIBS=[library])
