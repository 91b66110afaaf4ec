"""``kws-codegen generate``: writes the C++ of a bundle, or checks that written files are up to date."""

import argparse
import contextlib
import logging
import os
import sys
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.cli.program import CHECK_FAILED, OK
from kws_reference.errors import KwsError
from kws_reference.system.files import PARTIAL, remedy

from kws_codegen.commands.options import add_model_options, dump_of, options_of
from kws_codegen.generator import ENGINES, generate

log = logging.getLogger(__name__)

LAST = "model_info.h"  # every part of the firmware includes it


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("generate", help="write the C++ files of a bundle")
    add_model_options(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the generated files, made when missing")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file in DIR differs")
    parser.add_argument("--list-outputs", action="store_true", help="print the file names and stop")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="all",
        help="all, or only the files that engine tflm needs, for models that engine aot refuses (default: all)",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    if not args.list_outputs and args.out is None:
        raise KwsError("generate needs --out DIR (or --list-outputs).")
    bundle = Bundle.load(args.bundle)
    files = generate(bundle, options_of(args), engine=args.engine, watch=dump_of(args))
    if args.list_outputs:
        print("\n".join(files))
        return OK
    if args.check:
        return _check(args.out, files, args.bundle)
    write_files(args.out, files)
    print(f"{len(files)} files of {bundle.name} ({bundle.model_sha256[:12]}) in {args.out}")
    return OK


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Writes text files; files that are equal already keep their time stamps.

    New files are written beside the old ones and renamed when all are there: a full disk changes nothing. Whoever stops
    the renaming leaves a folder without ``model_info.h``, which goes first and comes last: what is half of one model
    and half of another does not build.

    Raises:
      KwsError: the folder cannot be written.
    """
    staged: dict[Path, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key=lambda name: name == LAST):
            path, data = folder / name, files[name].encode()
            if path.is_file() and path.read_bytes() == data and not (name == LAST and staged):
                continue
            staged[path] = folder / f".{name}.{os.getpid()}{PARTIAL}"
            with staged[path].open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        if len(staged) > 1 and LAST in files:
            (folder / LAST).unlink(missing_ok=True)
        for path, partial in staged.items():
            os.replace(partial, path)
    except OSError as error:
        advice = remedy(error, "choose another --out")
        raise KwsError(f"cannot write to {folder}: {error.strerror}. {advice}") from None
    finally:
        for partial in staged.values():
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


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
        log.error(f"regenerate with: kws-codegen generate {bundle} --out {folder}")
        return CHECK_FAILED
    print(f"{len(files)} files in {folder} are up to date")
    return OK


def _first_difference(found: bytes, wanted: bytes) -> str:
    have, want = found.split(b"\n"), wanted.split(b"\n")
    pairs = zip(have, want, strict=False)
    line = next((number for number, (a, b) in enumerate(pairs, 1) if a != b), min(len(have), len(want)) + 1)
    return f"the first different line is {line}"
