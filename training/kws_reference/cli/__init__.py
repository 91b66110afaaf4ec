"""What the kit's command line tools share: subcommands, log, progress, output."""
