"""What every environment of this project adds to a build, whatever its platform.

Chooses the engine, the application, the folder of the generated C++ (custom_kws_model, or the environment variable
KWS_GENERATED for one build) and the third-party kernels; leaves the application out of test builds, which bring a main() of their own.

A framework (Arduino) has flags, an optimisation and headers of CMSIS of its own: what is ours is compiled as for a board
without one (`FRAMEWORK_STANDARD`, `FRAMEWORK_FLAGS`), and the headers that CMSIS-NN brings are shown to CMSIS-NN alone.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kws_firmware import sources
from kws_firmware.boards import Board
from kws_firmware.build.command_words import fail, macro, quote_paths, word

FRAMEWORK_STANDARD = "-std=gnu++17"
FRAMEWORK_FLAGS = ("-O2",)


def add_firmware(env: Any) -> None:
    """Adds the firmware's sources, include folders and macros to an environment."""
    quote_paths(env)
    project = Path(env["PROJECT_DIR"])
    firmware, engine = project / "firmware", env.GetProjectOption("custom_kws_engine")
    if engine not in sources.ENGINES:
        fail(env, f"custom_kws_engine is {' or '.join(map(repr, sources.ENGINES))}. Received: {engine!r}")
    application = env.GetProjectOption("custom_kws_application")
    if application not in sources.APPLICATIONS:
        fail(
            env, f"custom_kws_application is {' or '.join(map(repr, sources.APPLICATIONS))}. Received: {application!r}"
        )
    model = _model_folder(env, project)
    if not model.is_relative_to(project):  # the same image whatever the place, as for the project's folder
        env.Append(CCFLAGS=[word(f"-ffile-prefix-map={model}=model")])
    board = _board(env, firmware)
    env.Append(
        CPPPATH=[str(folder) for folder in sources.include_folders(board, model, firmware)],
        CCFLAGS=[macro(name, value) for name, value in board.macros.items()],
    )
    has_framework = bool(env.GetProjectOption("framework", []))
    kernels = engine == "aot" and sources.uses_cmsis_nn(model)
    parts = sources.folders(board, engine, None if "test" in env["BUILD_TYPE"] else application)
    without = () if kernels and not has_framework else (sources.CMSIS_NN_WRAPPER,)
    env.Replace(SRC_FILTER=sources.source_filter(parts, without))
    _add_generated(env, engine, model, has_framework)
    if kernels and has_framework:
        _add_cmsis_nn_apart(env, firmware)
    elif kernels:
        _add_cmsis_nn(env, board, firmware)


def add_framework_flags(ours: Any) -> None:
    """Behind the framework's script: our own sources as they are compiled for a board without one.

    Args:
      ours: environment of our own sources.
    """
    ours.Append(CXXFLAGS=[FRAMEWORK_STANDARD], CCFLAGS=list(FRAMEWORK_FLAGS))


def _board(env: Any, firmware: Path) -> Board:
    """The board, with the folder that it is made of checked: `custom_kws_board` names that of another platform's."""
    name, folder = env.subst("$BOARD"), env.GetProjectOption("custom_kws_board", "")
    board = Board.from_manifest(name, env.BoardConfig().manifest, folder)
    if folder not in sources.FRAMEWORK_BOARDS and not (not folder and (firmware / "boards" / name).is_dir()):
        known = " or ".join(map(repr, sources.FRAMEWORK_BOARDS))
        fail(
            env,
            f"board {name!r} has no folder in firmware/boards: custom_kws_board names the one that all boards of its "
            f"framework are made of, {known}. Received: {folder!r}",
        )
    return board


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


def _add_generated(env: Any, engine: str, model: Path, has_framework: bool) -> None:
    """The generated C++, held to our own warnings unless it includes the interpreter or the compiler is not ours."""
    # CPPFLAGS: nothing else uses it, and it stands behind CXXFLAGS, in which a framework may set another C++ standard.
    warnings = ["-Wall", "-Wextra"]
    if engine != "aot":
        warnings.append("-Wno-unused-parameter")
    elif not has_framework:
        warnings.append("-Werror")
    framework = [FRAMEWORK_STANDARD, *FRAMEWORK_FLAGS] if has_framework else []
    env.Replace(KWS_GENERATED_FLAGS=[*warnings, *framework, *env.get("KWS_TFLM_FLAGS", [])])
    for node in env.CollectBuildFiles("$BUILD_DIR/generated", str(model), sources.generated_filter(engine)):
        env.Append(PIOBUILDFILES=[env.Object(node, CPPFLAGS="$KWS_GENERATED_FLAGS")])


def _add_cmsis_nn(env: Any, board: Board, firmware: Path) -> None:
    """CMSIS-NN as a static library: only the kernels that the model calls reach the image."""
    env.Append(CPPPATH=_cmsis_nn_includes(env, firmware))
    if board.toolchain == "host":
        env.Append(CCFLAGS=[macro(name, value) for name, value in sources.HOST_CMSIS_NN_MACROS.items()])
    library = env.BuildLibrary("$BUILD_DIR/cmsis_nn", str(sources.cmsis_nn_folder(firmware)), "+<*>")
    env.Prepend(LIBS=[library])


def _add_cmsis_nn_apart(env: Any, firmware: Path) -> None:
    """The same, and what calls it, beside a framework: no other file finds the headers, which the framework may have, too."""
    includes = [word(f"-I{folder}") for folder in _cmsis_nn_includes(env, firmware)]
    # A vendor's file says which Cortex-M its board has; the headers are of those, and plain C elsewhere.
    is_arm = str(env.BoardConfig().get("build.cpu", "")).startswith("cortex-m")
    macros = [] if is_arm else [macro(name, value) for name, value in sources.HOST_CMSIS_NN_MACROS.items()]
    env.Replace(KWS_CMSIS_NN_FLAGS=[*FRAMEWORK_FLAGS, *macros, *includes])
    wrapper = firmware / sources.CMSIS_NN_WRAPPER
    caller = env.CollectBuildFiles("$BUILD_DIR/cmsis_nn_wrapper", str(wrapper.parent), f"-<*> +<{wrapper.name}>")
    flags = "$KWS_GENERATED_FLAGS $KWS_CMSIS_NN_FLAGS"
    env.Append(PIOBUILDFILES=[env.Object(node, CPPFLAGS=flags) for node in caller])
    nodes = env.CollectBuildFiles("$BUILD_DIR/cmsis_nn", str(sources.cmsis_nn_folder(firmware)), "+<*>")
    objects = [env.Object(node, CPPFLAGS="$KWS_CMSIS_NN_FLAGS") for node in nodes]
    env.Prepend(LIBS=[env.StaticLibrary("$BUILD_DIR/cmsis_nn", objects)])


def _cmsis_nn_includes(env: Any, firmware: Path) -> Sequence[str]:
    """Folders that CMSIS-NN and what calls it include from; ends the build where they are missing."""
    includes = sources.cmsis_nn_includes(firmware)
    if not (includes[0] / "arm_nnfunctions.h").is_file():
        fail(env, "the model calls CMSIS-NN, which is not unpacked: run make sources")
    return [str(folder) for folder in includes]
