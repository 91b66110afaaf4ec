"""``kws-codegen``: turns a model bundle into C++."""

import sys
from collections.abc import Sequence

from kws_reference.cli import program

from kws_codegen.commands import adopt, generate, inspect, ops, stream


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point.

    Returns:
      The exit status: 0 ok, 1 ``--check`` found a difference or no bundle can hold what was inspected, 2 usage or a
      refusal.
    """
    arguments = sys.argv[1:] if argv is None else argv
    return program.run(
        "kws-codegen", "Generate C++ from a model bundle.", [adopt, generate, inspect, ops, stream], arguments
    )


if __name__ == "__main__":
    sys.exit(main())
