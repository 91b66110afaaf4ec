"""Model files: what is in them, whether they can be run."""
