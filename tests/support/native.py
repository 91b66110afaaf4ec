"""Compiles portable firmware code for the host, with the firmware's warnings as errors and with sanitizers."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.paths import ROOT

BUILD = ROOT / "build" / "native"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


def build(
    name: str,
    sources: Sequence[str | Path],
    *,
    includes: Sequence[str | Path] = (),
    defines: Sequence[str] = (),
    flags: Sequence[str] = (),
    sanitize: bool = True,
    shared: bool = False,
    compiler: str | None = None,
) -> Path:
    """Compiles C and C++ sources into one host executable or shared library.

    Args:
      name: file name of the result.
      sources: paths, absolute or relative to the repository root; ``.c`` files are compiled as C11.
      includes: include folders besides ``firmware/include``.
      defines: macros as ``NAME`` or ``NAME=VALUE``.
      flags: further compiler flags, for example ``["-O2"]``.
      sanitize: adds AddressSanitizer and UndefinedBehaviorSanitizer. Use ``False`` for libraries that Python loads.
      shared: builds a shared library instead of an executable.
      compiler: C++ compiler; default ``$CXX`` or ``g++``.

    Returns:
      Path of the result. Rebuilt only when a source, header or flag changed.

    Raises:
      RuntimeError: the compiler is missing, or failed; the message holds its output.
    """
    cxx = compiler or os.environ.get("CXX", "g++")
    if shutil.which(cxx) is None:
        raise RuntimeError(
            f"no C++ compiler for the host: {cxx} is not on PATH. Install g++ (make test does) or set CXX."
        )
    cc = {"g++": "gcc", "clang++": "clang"}.get(cxx, "cc")
    paths = [ROOT / source for source in sources]
    folders = [ROOT / "firmware" / "include", *(ROOT / folder for folder in includes)]
    common = ["-g", "-O1", *WARNINGS, *flags, *(SANITIZERS if sanitize else []), *(["-fPIC"] if shared else [])]
    common += [f"-I{folder}" for folder in folders] + [f"-D{define}" for define in defines]
    digest = hashlib.sha256(repr([cxx, common, shared, [str(path) for path in paths]]).encode())
    headers = [header for folder in folders for header in sorted(folder.rglob("*.h"))]
    for path in [*paths, *headers]:
        digest.update(path.read_bytes())
    folder = BUILD / f"{name}-{digest.hexdigest()[:16]}"
    target = folder / (name + (".so" if shared else ""))
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:  # tests may run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        return target if target.exists() else _compile(target, paths, (cxx, cc), common, ["-shared"] if shared else [])


def _compile(
    target: Path, paths: Sequence[Path], compilers: tuple[str, str], flags: list[str], link: list[str]
) -> Path:
    cxx, cc = compilers
    objects = []
    for index, path in enumerate(paths):
        is_c = path.suffix == ".c"
        output = target.parent / f"{index}_{path.stem}.o"
        language = "-std=gnu11" if is_c else "-std=gnu++17"
        _run([cc if is_c else cxx, language, *flags, "-c", str(path), "-o", str(output)])
        objects.append(str(output))
    partial = target.with_name(target.name + ".partial")
    _run([cxx, *flags, *link, *objects, "-o", str(partial)])
    partial.replace(target)
    return target


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
