"""Makes the web page with the firmware in WebAssembly: static files for any web host.

    python -m kws_firmware.web --out build/web                  host/web with the released models
    python -m kws_firmware.web --out build/web bundles/mine     with models of one's own

Needs Debian's clang, lld, wasi-libc and libc++-dev-wasm32 (``.ci/system_packages.sh web``), or a clang that
KWS_WASM_CXX names and that has headers for wasm32-wasi. The same bundle gives the same bytes, wherever it is built.
"""

import argparse
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from kws_host.demo_words import RATE_HZ, WORDS
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.cli.log import set_up
from kws_reference.cli.program import OK, status_of
from kws_reference.errors import KwsError
from kws_reference.labels import Kind
from kws_reference.system.files import remedy

from kws_firmware import sources
from kws_firmware.boards import FIRMWARE

ROOT = FIRMWARE.parent
PAGE = ROOT / "host" / "web"
RELEASED = (ROOT / "training" / "zoo" / "matchbox", ROOT / "training" / "zoo" / "matchbox_int4")
MODELS, INDEX = "models", "index.json"
MADE_BY = "kws_firmware.web"  # in the index: such a folder may be replaced
DEMO = "demo.flac"
DEMO_WORDS = ("no/slt", "left/rms", "_unknown_/marvin_slt", "yes/rms", "go/gina")
"""Clips of the demo that the page plays where a model knows the word: few, since they weigh more than the model."""
COMPILER_FLAGS = (
    "--target=wasm32-wasi",
    "-msimd128",  # every browser since 2023
    "-mbulk-memory",
    "-O2",
    "-DNDEBUG",
    "-fno-common",
    "-ffunction-sections",
    "-fdata-sections",
    "-Wall",
    "-Wextra",
)
CXX_FLAGS = ("-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-Werror")
LINKER_FLAGS = (
    "-mexec-model=reactor",  # no main(): the page calls what is exported
    "-nodefaultlibs",  # no sums or products of 128 bits: the compiler's own library is not needed
    "-lc",
    "-Wl,--gc-sections",
    "-Wl,--strip-all",
    "-Wl,-z,stack-size=65536",
)


def compiler() -> str:
    """The C++ compiler for WebAssembly.

    Raises:
      KwsError: there is none, or it lacks headers or linker.
    """
    name = os.environ.get("KWS_WASM_CXX", "clang++")
    if shutil.which(name) is None:
        raise KwsError(
            f"no compiler for WebAssembly. Received: {name}, which is not on PATH. Run .ci/system_packages.sh web, or "
            "name one in KWS_WASM_CXX."
        )
    probe = "#include <algorithm>\n#include <cstring>\n"
    command = [name, "--target=wasm32-wasi", "-fsyntax-only", "-x", "c++", "-"]
    if subprocess.run(command, input=probe, capture_output=True, text=True).returncode:
        raise KwsError(f"{name} has no C++ library for wasm32-wasi. Run .ci/system_packages.sh web.")
    return name


def compile_module(generated: Path, out: Path) -> None:
    """Compiles the pipeline with a generated model.

    Args:
      generated: folder that ``kws-codegen generate`` wrote.
      out: the module, for example ``matchbox.wasm``.

    Raises:
      KwsError: the compiler is missing, or refuses something: its first error.
    """
    cxx = compiler()
    includes = [FIRMWARE / "include", FIRMWARE / "src", generated]
    macros: dict[str, str] = {}
    if sources.uses_cmsis_nn(generated):
        includes += sources.cmsis_nn_includes()
        macros = sources.HOST_CMSIS_NN_MACROS
        if not (includes[-2] / "arm_nnfunctions.h").is_file():
            raise KwsError("the model calls CMSIS-NN, which is not unpacked. Run make sources.")
    flags = [*COMPILER_FLAGS, *(f"-D{key}={value}" for key, value in macros.items())]
    flags += [f"-I{folder}" for folder in includes]
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for index, source in enumerate(sources.web_files(generated)):
            objects.append(str(Path(folder) / f"{index}.o"))
            language = ["-x", "c", "-std=gnu11"] if source.suffix == ".c" else [*CXX_FLAGS]
            _run([cxx, *flags, *language, "-c", str(source), "-o", objects[-1]])
        _run([cxx, "--target=wasm32-wasi", *objects, *LINKER_FLAGS, "-o", str(out)])


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        errors = [line for line in result.stderr.splitlines() if "error:" in line] or result.stderr.splitlines() or [""]
        raise KwsError(f"{command[0]} failed. Received: {errors[0]}")


def generate(bundle: Path, out: Path) -> None:
    """Lets the code generator, which is a program of its own, write a bundle's C++.

    Raises:
      KwsError: it refuses the bundle, and has said why.
    """
    command = [sys.executable, "-m", "kws_codegen.cli", "-q", "generate", str(bundle), "--out", str(out)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        said = result.stderr.strip().splitlines() or [f"kws-codegen ended with status {result.returncode}"]
        raise KwsError(said[-1].removeprefix("error: "))


def facts(bundle: Bundle) -> dict[str, Any]:
    """What the page has to know of a model besides its module."""
    clock = bundle.clock
    return {
        "name": bundle.name,
        "model_sha256": bundle.model_sha256,
        "labels": list(bundle.labels),
        "sample_rate_hz": clock.sample_rate_hz,
        "window_samples": clock.window_samples,
        "hop_samples": clock.hop_samples,
        "frames_per_step": clock.frames_per_step,
        "feature_count": math.prod(bundle.features.shape) // clock.frames_per_step,
        "smoothing_steps": bundle.detector.smoothing_steps,
        "thresholds_q15": list(bundle.detector.threshold_q15),
    }


def demo_pcm(entries: list[dict[str, Any]]) -> np.ndarray:
    """Spoken words that at least one of the models has as labels, int16 at 16 kHz; nothing where there is none."""
    labels = {label for entry in entries for label in entry["labels"]}
    words = [name for name in DEMO_WORDS if name.split("/")[0] in labels]
    if not any(Kind.of(name.split("/")[0]) is Kind.KEYWORD for name in words):
        return np.zeros(0, np.int16)
    return np.concatenate([read_wav(WORDS / f"{name}.wav") for name in words])


def build_models(bundles: list[Path], out: Path) -> list[dict[str, Any]]:
    """Builds the modules of some bundles, a few spoken words, and the list of them that the page reads: ``index.json``.

    Args:
      bundles: their folders, in the order of the page's list.
      out: folder, made when missing.

    Returns:
      The list's entries: `facts` and ``module``, the module's file name, which changes with its contents, so that no
      browser keeps an old one.

    Raises:
      KwsError: a bundle or the compiler is at fault.
    """
    entries = []
    out.mkdir(parents=True, exist_ok=True)
    for path in bundles:
        bundle = Bundle.load(path)
        with tempfile.TemporaryDirectory() as folder:
            generate(path, Path(folder) / "generated")
            built = Path(folder) / "module.wasm"
            compile_module(Path(folder) / "generated", built)
            module = built.read_bytes()
        short = re.sub(r"[^A-Za-z0-9_-]", "_", bundle.name)[:40]
        name = f"{short}-{hashlib.sha256(module).hexdigest()[:8]}.wasm"
        (out / name).write_bytes(module)
        entries.append({"module": name, **facts(bundle)})
    index: dict[str, Any] = {"made_by": MADE_BY, "models": entries}
    words = demo_pcm(entries)
    if len(words):
        index["demo"] = DEMO
        soundfile.write(out / DEMO, words, RATE_HZ)
    (out / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return entries


def build(bundles: list[Path], out: Path) -> list[dict[str, Any]]:
    """Makes the folder of the page. A page that was there is replaced; any other folder is left alone.

    Raises:
      KwsError: see `build_models`; or `out` holds something else.
    """
    if out.is_dir() and any(out.iterdir()) and not _is_page(out):
        raise KwsError(f"{out} holds something that is no page. Choose another --out, or empty it.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".web-") as folder:
            fresh = Path(folder) / "page"
            shutil.copytree(PAGE, fresh, ignore=shutil.ignore_patterns(MODELS, ".*"))
            entries = build_models(bundles, fresh / MODELS)
            old = Path(folder) / "old"
            if out.is_dir():
                out.rename(old)
            try:
                fresh.rename(out)
            except OSError:
                if old.is_dir():
                    old.rename(out)
                raise
    except OSError as error:
        raise KwsError(f"cannot write to {out}: {error.strerror}. {remedy(error, 'choose another --out')}") from None
    return entries


def _is_page(folder: Path) -> bool:
    """Whether `build` made a folder."""
    try:
        return json.loads((folder / MODELS / INDEX).read_text(encoding="utf-8"))["made_by"] == MADE_BY
    except (OSError, ValueError, KeyError, TypeError):
        return False


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; 0 is done, 2 a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE", help="default: the released models")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder of the page")
    options = parser.parse_args(arguments)
    set_up(0, "kws_firmware")
    return status_of(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    entries = build(options.bundles or list(RELEASED), options.out)
    for entry in entries:
        size = (options.out / MODELS / entry["module"]).stat().st_size
        print(f"{entry['name']}: {size:,} bytes of WebAssembly, {len(entry['labels'])} labels")
    print(f"The page is in {options.out}. To look at it: python -m http.server --directory {options.out} 8000")
    return OK


if __name__ == "__main__":
    sys.exit(main())
