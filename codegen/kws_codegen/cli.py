"""``kws-codegen``: generate C++ from a bundle, or print what would be generated."""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from kws_codegen import report
from kws_codegen.generator import ENGINES, build, generate
from kws_codegen.passes import KERNELS
from kws_codegen.version import GENERATOR_ABI, GENERATOR_VERSION


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kws-codegen", description=__doc__)
    parser.add_argument("--version", action="version", version=f"kws-codegen {GENERATOR_VERSION} (ABI {GENERATOR_ABI})")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder with model.tflite and model.json")
    common.add_argument(
        "--kernels",
        choices=KERNELS,
        default="auto",
        help="auto: own kernels where they fit, CMSIS-NN elsewhere; cmsis: CMSIS-NN wherever it has one (default: auto)",
    )
    common.add_argument(
        "--window-steps",
        type=int,
        default=4,
        metavar="N",
        help="steps between two moves of a sliding window: more is faster and takes more RAM (default: 4)",
    )
    common.add_argument("-v", "--verbose", action="count", default=0, help="-vv prints tracebacks")

    make = commands.add_parser("generate", parents=[common], help="write the C++ files of a bundle")
    make.add_argument("--out", type=Path, metavar="DIR", help="folder of the generated files, made when missing")
    make.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file in DIR differs")
    make.add_argument("--list-outputs", action="store_true", help="print the file names and stop")
    make.add_argument(
        "--engine",
        choices=ENGINES,
        default="all",
        help="all, or only the files that engine tflm needs, for models that engine aot refuses (default: all)",
    )

    look = commands.add_parser("inspect", parents=[common], help="print layers, states and the memory plan")
    look.add_argument("--json", action="store_true", help="for machines")
    return parser


def _generate(arguments: argparse.Namespace) -> int:
    if not arguments.list_outputs and arguments.out is None:
        raise KwsError("generate needs --out DIR (or --list-outputs).")
    bundle = Bundle.load(arguments.bundle)
    files = generate(bundle, engine=arguments.engine, kernels=arguments.kernels, window_steps=arguments.window_steps)
    if arguments.list_outputs:
        print("\n".join(files))
        return 0
    if arguments.check:
        return _check(arguments.out, files, arguments.bundle)
    write_files(arguments.out, files)
    print(f"{len(files)} files of {bundle.name} ({bundle.model_sha256[:12]}) in {arguments.out}")
    return 0


def _check(folder: Path, files: dict[str, str], bundle: Path) -> int:
    faults = []
    for name, text in files.items():
        try:
            found = (folder / name).read_bytes()
        except OSError as error:
            faults.append(f"{folder / name}: {error.strerror}")
            continue
        if found != text.encode():
            faults.append(f"{folder / name}: {_first_difference(found, text.encode())}")
    for fault in faults:
        print(f"differs: {fault}", file=sys.stderr)
    if faults:
        print(f"error: regenerate with: kws-codegen generate {bundle} --out {folder}", file=sys.stderr)
        return 1
    print(f"{len(files)} files in {folder} are up to date")
    return 0


def _first_difference(found: bytes, wanted: bytes) -> str:
    have, want = found.split(b"\n"), wanted.split(b"\n")
    pairs = zip(have, want, strict=False)
    line = next((number for number, (a, b) in enumerate(pairs, 1) if a != b), min(len(have), len(want)) + 1)
    return f"first different line is {line}"


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Writes text files, each one atomically; files that are equal already keep their time stamps.

    Raises:
      KwsError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path, data = folder / name, text.encode()
            if path.is_file() and path.read_bytes() == data:
                continue
            descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
            try:
                with os.fdopen(descriptor, "wb") as out:
                    out.write(data)
                os.chmod(temporary, 0o644)
                os.replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another --out.") from None


def _inspect(arguments: argparse.Namespace) -> int:
    bundle = Bundle.load(arguments.bundle)
    graph, program, plan = build(bundle, kernels=arguments.kernels, window_steps=arguments.window_steps)
    facts = report.facts(bundle, graph, program, plan)
    print(json.dumps(facts, indent=1) if arguments.json else report.text(facts))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns 0, 1 (``--check`` found a difference) or 2 (usage, or a bundle that cannot be generated)."""
    arguments = _parser().parse_args(argv)
    try:
        return {"generate": _generate, "inspect": _inspect}[arguments.command](arguments)
    except KwsError as error:
        if arguments.verbose >= 2:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
