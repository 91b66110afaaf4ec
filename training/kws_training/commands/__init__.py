"""Subcommands of ``kws-train``, one a file: ``add_parser(subparsers)`` and ``run(args)``."""
