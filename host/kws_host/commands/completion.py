"""``kws-host completion``: what a shell needs to complete commands and options, by ``shtab``."""

import argparse

from kws_reference.cli import program
from kws_reference.errors import KwsError

SHELLS = ("bash", "zsh")


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("completion", help="print a shell's completion", description=__doc__)
    parser.add_argument(
        "shell", choices=SHELLS, help='eval "$(kws-host completion bash)" in the shell\'s start-up file'
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints it."""
    try:
        import shtab
    except ImportError:
        raise KwsError("shtab is not installed: pip install 'kws-kit[host]'") from None
    from kws_host import cli  # here: it imports this

    print(shtab.complete(cli.parser(), shell=args.shell))
    return program.OK
