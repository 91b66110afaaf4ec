"""PlatformIO `pre:` script: shows the user's TensorFlow Lite for Microcontrollers tree to PlatformIO as a library.

The tree is what that project's own tensorflow/lite/micro/tools/project_generation/create_tflm_tree.py writes, with or
without OPTIMIZED_KERNEL_DIR=cmsis_nn; the environment variable KWS_TFLM_TREE names its folder. Nothing is written into
it: a manifest and a link in the build folder point there, and PlatformIO's dependency finder does the rest.
"""

import json
import os
import sys
from pathlib import Path

Import("env")  # noqa: F821  (given by SCons)

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


def fail(message: str) -> None:
    """Ends the build with one clear line."""
    sys.stderr.write(f"error: {message}\n")
    env.Exit(1)  # noqa: F821


def find_tree() -> Path:
    """Folder of the tree, checked."""
    value = os.environ.get("KWS_TFLM_TREE", "")
    if not value:
        fail(f"KWS_TFLM_TREE is not set: it names a TensorFlow Lite Micro tree; {HOW}")
    tree = Path(value).expanduser()
    if not tree.is_absolute():
        tree = Path(env.subst("$PROJECT_DIR")) / tree  # noqa: F821
    if not (tree / "tensorflow" / "lite" / "micro" / "micro_interpreter.h").is_file():
        fail(f"KWS_TFLM_TREE={value} holds no tensorflow/lite/micro/micro_interpreter.h; {HOW}")
    if not (tree / "third_party" / "flatbuffers" / "include").is_dir():
        fail(f"KWS_TFLM_TREE={value} holds no third_party/flatbuffers/include: the tree is not complete; {HOW}")
    if not (tree / "tensorflow" / "lite" / "micro" / "micro_profiler_interface.h").is_file():
        fail(
            f"KWS_TFLM_TREE={value} holds no tensorflow/lite/micro/micro_profiler_interface.h: the tree is too old; "
            f"from a current checkout, {HOW}"
        )
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


def main() -> None:
    """Adds the library and what its headers need to the build."""
    tree = find_tree()
    # As the tree's own Makefile has them; kernels for speed are its default.
    defines = ["TF_LITE_STATIC_MEMORY", "TF_LITE_DISABLE_X86_NEON", "KERNELS_OPTIMIZED_FOR_SPEED"]
    if (tree / "tensorflow" / "lite" / "micro" / "kernels" / "cmsis_nn").is_dir():
        defines.append("CMSIS_NN")
    includes = include_folders(tree)
    env.Append(CPPDEFINES=defines)  # noqa: F821
    # After our own folders, and as system headers: the tree's warnings are not ours to fix.
    env.Append(CCFLAGS=[part for folder in includes for part in ("-isystem", folder)])  # noqa: F821

    manifest = {
        "name": "TensorFlowLiteMicroTree",
        "version": "0.0.0",
        "build": {
            "srcDir": "tree",
            "includeDir": "tree",
            "srcFilter": SOURCE_FILTER,
            "flags": ["-w"],
            "libLDFMode": "off",
        },
    }
    libraries = Path(env.subst("$BUILD_DIR")) / "tflm_library"  # noqa: F821
    folder = libraries / manifest["name"]
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest, indent=2) + "\n"
    path = folder / "library.json"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    link = folder / "tree"
    if not link.is_symlink() or Path(os.readlink(link)) != tree:
        link.unlink(missing_ok=True)
        link.symlink_to(tree, target_is_directory=True)
    env.Append(LIBSOURCE_DIRS=[str(libraries)])  # noqa: F821


main()
