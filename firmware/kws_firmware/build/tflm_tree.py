"""Shows the user's TensorFlow Lite for Microcontrollers tree to PlatformIO as a library, for engine `tflm`.

`KWS_TFLM_FLAGS` holds what the library and whatever includes it are compiled with. `project` gives it to the generated
C++, `add_flags` to our own sources and the library: not to a framework, which may need another C++ standard.

The tree is what that project's own tensorflow/lite/micro/tools/project_generation/create_tflm_tree.py writes, with or
without OPTIMIZED_KERNEL_DIR=cmsis_nn; the environment variable KWS_TFLM_TREE names its folder. Nothing is written into
it: a manifest and a link in the build folder point there, and PlatformIO's dependency finder does the rest.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kws_firmware.build.command_words import fail, word

LIBRARY = "TensorFlowLiteMicroTree"
MICRO = Path("tensorflow", "lite", "micro")
HOW = (
    "make one in a checkout of tflite-micro: python3 tensorflow/lite/micro/tools/project_generation/"
    "create_tflm_tree.py --makefile_options='TARGET=cortex_m_generic TARGET_ARCH=cortex-m4+fp "
    "OPTIMIZED_KERNEL_DIR=cmsis_nn' FOLDER"
)
# Sources that every tree needs on a Cortex-M; examples, tests, host tools and the signal library stay out, and so do
# the platform functions: log and start-up are ours, and the clock (micro_time.cc, which differs from TARGET to TARGET
# and may want a vendor's headers) serves only the tree's own profiler, in whose place tflm_runtime.cc has another.
SOURCE_FILTER = [
    "-<*>",
    "+<tensorflow/>",
    "+<third_party/cmsis*/>",
    "-<tensorflow/lite/experimental/>",
    "-<**/examples/>",
    "-<**/benchmarks/>",
    "-<**/testing/>",
    "-<**/integration_tests/>",
    "-<**/python/>",
    "-<**/tools/>",
    "-<**/*_test.*>",
    "-<**/*_test_*.*>",
    "-<**/debug_log.*>",
    "-<**/micro_time.*>",
    "-<**/cortex_m_generic/>",
    "-<**/cortex_m_corstone_300/>",
    "-<**/system_setup.*>",
    "-<third_party/**/Device/>",
]


def knows_dense_layers_per_channel(tree: Path) -> bool:
    """Whether the tree's kernels for dense layers know one scale per channel, as the released models have.

    Kernels that do not (before TensorFlow Lite Micro's commit 47b54507 of 2024-09-27) take the first channel's scale
    for all, without a word. Those that do read the field is_per_channel, which the layers' shared header declares.
    """
    kernels = tree / "tensorflow" / "lite" / "micro" / "kernels"
    sources = [path for ending in ("cc", "cpp") for path in kernels.rglob(f"fully_connected.{ending}")]
    files = [kernels / "fully_connected.h", *sources]
    return bool(sources) and all("is_per_channel" in path.read_text("utf-8", "replace") for path in files)


def fault_of(tree: Path) -> str:
    """What is wrong with a tree, in a few words that follow its name; "" if nothing is."""
    if not (tree / MICRO / "micro_interpreter.h").is_file():
        return f"holds no {MICRO / 'micro_interpreter.h'}; {HOW}"
    if not (tree / "third_party" / "flatbuffers" / "include").is_dir():
        return f"holds no third_party/flatbuffers/include: the tree is not complete; {HOW}"
    if not (tree / MICRO / "micro_profiler_interface.h").is_file():
        return f"holds no {MICRO / 'micro_profiler_interface.h'}: the tree is too old; from a current checkout, {HOW}"
    if not (tree / MICRO / "kernels" / "fully_connected.h").is_file():
        return f"holds no {MICRO / 'kernels' / 'fully_connected.h'}: not complete; {HOW}"
    if not knows_dense_layers_per_channel(tree):
        return (
            "is too old: its kernels of dense layers (kernels/**/fully_connected.*) do not know one scale per channel "
            "and would compute wrong scores; TensorFlow Lite Micro has that since 2024-09-27 (commit 47b54507). From a "
            f"current checkout, {HOW}"
        )
    if "$" in str(tree.resolve()):
        return "must hold no dollar sign in its folder's name. Rename or move it."
    return ""


def find_tree(env: Any) -> Path:
    """Folder of the tree that `KWS_TFLM_TREE` names, checked."""
    value = os.environ.get("KWS_TFLM_TREE", "")
    if not value:
        fail(env, f"KWS_TFLM_TREE is not set: it names a TensorFlow Lite Micro tree; {HOW}")
    tree = Path(env["PROJECT_DIR"]) / Path(value).expanduser()
    fault = fault_of(tree)
    if fault:
        fail(env, f"KWS_TFLM_TREE={value} {fault}")
    return tree.resolve()


def include_folders(tree: Path) -> list[str]:
    """Folders that headers and sources include from: the root, all third parties, and each one's own root."""
    folders = [tree, tree / "third_party"]
    for party in sorted((tree / "third_party").iterdir()):
        if party.is_dir():
            folders += [party, party / "include"]
            if party.name.startswith("cmsis"):
                folders += sorted(path for path in party.rglob("Include") if path.is_dir())
    return [str(folder) for folder in folders if folder.is_dir()]


def defines(tree: Path) -> list[str]:
    """Macros that the tree's own Makefile sets; kernels for speed are its default."""
    found = ["TF_LITE_STATIC_MEMORY", "TF_LITE_DISABLE_X86_NEON", "KERNELS_OPTIMIZED_FOR_SPEED"]
    return [*found, "CMSIS_NN"] if (tree / MICRO / "kernels" / "cmsis_nn").is_dir() else found


def write_library(folder: Path, tree: Path) -> None:
    """Writes a library of PlatformIO, a manifest and a link to the tree, where it is not there yet."""
    manifest = {
        "name": LIBRARY,
        "version": "0.0.0",
        "build": {
            "srcDir": "tree",
            "includeDir": "tree",
            "srcFilter": SOURCE_FILTER,
            "flags": ["-w"],
            "libLDFMode": "off",
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest, indent=2) + "\n"
    path = folder / "library.json"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    link = folder / "tree"
    if not link.is_symlink() or Path(os.readlink(link)) != tree:
        link.unlink(missing_ok=True)
        link.symlink_to(tree, target_is_directory=True)


def add_library(env: Any) -> None:
    """Before the framework's script: adds the library to the build, and says what its headers need."""
    tree = find_tree(env)
    # After our own folders, and as system headers: the tree's warnings are not ours to fix.
    includes = [part for folder in include_folders(tree) for part in ("-isystem", word(folder))]
    macros = [f"-D{name}" for name in defines(tree)]
    env.Replace(
        KWS_TFLM_FLAGS=["-std=gnu++17", word(f"-ffile-prefix-map={tree}=tflm"), *macros, *includes],
    )
    libraries = Path(env.subst("$BUILD_DIR")) / "tflm_library"
    write_library(libraries / LIBRARY, tree)
    env.Append(LIBSOURCE_DIRS=[str(libraries)])


def add_flags(flags: Iterable[Any], ours: Any, libraries: Iterable[Any]) -> None:
    """Behind the framework's script, where these environments exist: compiles our sources and the library with flags.

    Args:
      flags: `KWS_TFLM_FLAGS`.
      ours: environment of our own sources.
      libraries: PlatformIO's builders of libraries.
    """
    flags = list(flags)
    standard = [flag for flag in flags if str(flag).startswith("-std=")]  # the library has sources in C, too
    others = [flag for flag in flags if flag not in standard]
    for environment in (ours, *(builder.env for builder in libraries if builder.name == LIBRARY)):
        environment.Append(CXXFLAGS=standard, CCFLAGS=others)
