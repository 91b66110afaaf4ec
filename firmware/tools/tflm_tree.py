"""PlatformIO `pre:` script: shows the user's TensorFlow Lite for Microcontrollers tree to PlatformIO as a library.

`KWS_TFLM_FLAGS` holds what the library and whatever includes it are compiled with. project.py gives it to the generated
C++, tflm_flags.py to our own sources and the library: not to a framework, which may need another C++ standard.

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


def knows_dense_layers_per_channel(tree: Path) -> bool:
    """Whether the tree's kernels for dense layers know one scale per channel, as the released models have.

    Kernels that do not (before TensorFlow Lite Micro's commit 47b54507 of 2024-09-27) take the first channel's scale
    for all, without a word. Those that do read the field is_per_channel, which the layers' shared header declares.
    """
    kernels = tree / "tensorflow" / "lite" / "micro" / "kernels"
    sources = [path for ending in ("cc", "cpp") for path in kernels.rglob(f"fully_connected.{ending}")]
    files = [kernels / "fully_connected.h", *sources]
    return bool(sources) and all("is_per_channel" in path.read_text("utf-8", "replace") for path in files)


def find_tree() -> Path:
    """Folder of the tree, checked."""
    value = os.environ.get("KWS_TFLM_TREE", "")
    if not value:
        fail(f"KWS_TFLM_TREE is not set: it names a TensorFlow Lite Micro tree; {HOW}")
    tree = Path(value).expanduser()
    if not tree.is_absolute():
        tree = Path(env["PROJECT_DIR"]) / tree  # noqa: F821
    if not (tree / "tensorflow" / "lite" / "micro" / "micro_interpreter.h").is_file():
        fail(f"KWS_TFLM_TREE={value} holds no tensorflow/lite/micro/micro_interpreter.h; {HOW}")
    if not (tree / "third_party" / "flatbuffers" / "include").is_dir():
        fail(f"KWS_TFLM_TREE={value} holds no third_party/flatbuffers/include: the tree is not complete; {HOW}")
    if not (tree / "tensorflow" / "lite" / "micro" / "micro_profiler_interface.h").is_file():
        fail(
            f"KWS_TFLM_TREE={value} holds no tensorflow/lite/micro/micro_profiler_interface.h: the tree is too old; "
            f"from a current checkout, {HOW}"
        )
    if not (tree / "tensorflow" / "lite" / "micro" / "kernels" / "fully_connected.h").is_file():
        fail(f"KWS_TFLM_TREE={value} holds no tensorflow/lite/micro/kernels/fully_connected.h: not complete; {HOW}")
    if not knows_dense_layers_per_channel(tree):
        fail(
            f"KWS_TFLM_TREE={value} is too old: its kernels of dense layers (kernels/**/fully_connected.*) do not know "
            "one scale per channel and would compute wrong scores; TensorFlow Lite Micro has that since 2024-09-27 "
            f"(commit 47b54507). From a current checkout, {HOW}"
        )
    if "$" in str(tree.resolve()):
        fail(f"the tree's folder must hold no dollar sign. Received: KWS_TFLM_TREE={value}. Rename or move it.")
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
    sys.path.insert(0, str(Path(env["PROJECT_DIR"]) / "firmware" / "tools"))  # noqa: F821
    from command_words import word

    # After our own folders, and as system headers: the tree's warnings are not ours to fix.
    includes = [part for folder in include_folders(tree) for part in ("-isystem", word(folder))]
    flags = ["-std=gnu++17", word(f"-ffile-prefix-map={tree}=tflm"), *[f"-D{name}" for name in defines], *includes]
    env.Replace(KWS_TFLM_FLAGS=flags)  # noqa: F821

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
