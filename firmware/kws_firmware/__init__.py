"""The firmware's own tools: boards and sources stated once, what PlatformIO's build adds, measurements, golden vectors.

`build`, `boards` and `sources` need the standard library alone, since PlatformIO may run under a Python of its own.
"""
