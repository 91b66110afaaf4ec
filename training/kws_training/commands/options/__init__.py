"""Options that several subcommands share, a subject a file."""
