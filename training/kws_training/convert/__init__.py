"""From weights to a streaming ``.tflite`` and its manifest.

`job` says what is asked for and `export` does it; `float` and `integer` convert, `staged` those that are too large for
one process, `runner` streams through what came out.
"""
