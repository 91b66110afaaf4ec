"""``kws-codegen``: turns a model bundle into C++."""

import sys
from collections.abc import Sequence

from kws_reference.cli import program

from kws_codegen.commands import adopt, generate, inspect, ops, stream, web


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point.

    Returns:
      The exit status: 0 ok, 1 ``--check`` found a difference or no bundle can hold what was inspected, 2 usage or a
      refusal.
    """
    arguments = sys.argv[1:] if argv is None else argv
    commands = [adopt, generate, inspect, ops, stream, web]
    return program.run("kws-codegen", "Generate C++ from a model bundle.", commands, arguments)


if __name__ == "__main__":
    sys.exit(main())
