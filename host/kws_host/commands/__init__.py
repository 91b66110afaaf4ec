"""Subcommands of ``kws-host``, a module each: options, the work by other modules, and its result as text."""
