"""What every run of libFuzzer is told."""

MEMORY = ("-rss_limit_mb=0", "-malloc_limit_mb=256")
"""No limit of the whole: Linux counts to a program's peak what the process had that started it, and a worker of these
tests may hold 2 GB of TensorFlow."""
