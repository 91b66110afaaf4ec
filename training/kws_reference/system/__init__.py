"""Files, names of files, processes and workers of this machine."""
