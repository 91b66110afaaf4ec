"""``kws-train``: fetch data, train, export, evaluate."""

import sys

from kws_reference.cli import program

from kws_training.commands import (
    attention,
    benchmark,
    conformer,
    cut,
    describe,
    evaluate,
    evaluate_stream,
    export,
    fetch,
    fit,
    frontend_report,
    list_layers,
    splice,
    voices,
)


def main(argv: list[str] | None = None) -> int:
    """Runs one subcommand; returns the exit status (0 ok, 1 a check failed, 2 usage or environment)."""
    return program.run(
        "kws-train",
        __doc__,
        [
            fetch,
            cut,
            fit,
            export,
            evaluate,
            evaluate_stream,
            describe,
            benchmark,
            attention,
            conformer,
            frontend_report,
            list_layers,
            splice,
            voices,
        ],
        sys.argv[1:] if argv is None else argv,
    )


if __name__ == "__main__":
    sys.exit(main())
