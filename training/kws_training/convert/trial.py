"""``python -m kws_training.convert.trial < MODEL``: has LiteRT's interpreter allocate a model, and compute it once.

`kws_training.convert.tflite_file.check_runs` starts it: the interpreter is C++, of which some files end the process.
"""

import sys


def main(data: bytes) -> int:
    """Returns 0, or 1 after a line that says why not."""
    from kws_training.convert.runner import load

    try:
        load(data).invoke()
    except Exception as error:  # the process has no other purpose than to tell
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer.read()))
