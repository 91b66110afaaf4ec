"""Subcommands of ``kws-codegen``, one a file."""
