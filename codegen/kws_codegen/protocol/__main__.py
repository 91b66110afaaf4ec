"""``python -m kws_codegen.protocol --check | --overwrite``, in the kit's folder."""

import argparse
import sys
from pathlib import Path

from kws_reference.errors import KwsError

from kws_codegen.protocol import cpp, javascript, page


def files(root: Path) -> dict[Path, str]:
    """Every generated file of the kit in ``root`` and the text that it must have.

    Raises:
      KwsError: ``root`` is no kit, or clang-format is missing.
    """
    document = root / "host/PROTOCOL.md"
    if not document.is_file():
        raise KwsError(f"{document} is missing. Run this in the kit's folder.")
    wanted = {root / name: text for name, text in cpp.files(root / ".clang-format").items()}
    wanted[root / javascript.OUTPUT] = javascript.text()
    wanted[document] = page.update(document.read_text(encoding="utf-8"))
    return wanted


def main(arguments: list[str] | None = None) -> int:
    """Returns 0; 1 when --check finds a difference; 2 after an error."""
    parser = argparse.ArgumentParser(prog="python -m kws_codegen.protocol", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    action.add_argument("--overwrite", action="store_true", help="write the files")
    options = parser.parse_args(arguments)
    try:
        wanted = files(Path.cwd())
    except KwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if options.overwrite:
        for path in stale:
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
        return 0
    for path in stale:
        print(
            f"{path.relative_to(Path.cwd())} is not what kws_reference/protocol/messages.py says. "
            "Run: python -m kws_codegen.protocol --overwrite",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
