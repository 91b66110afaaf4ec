"""``python -m kws_reference.network.trial INPUTS``: one step of a model in TFLite Micro's interpreter.

`kws_reference.network.oracle` runs it before it takes a model into its own process: the interpreter is C++ that trusts
the file, and what it does not expect ends the process that it lives in.
"""

import sys

import numpy as np
from tflite_micro import runtime

from kws_reference.network.interpreter import arena_bytes


def main(model: bytes, inputs: int) -> int:
    """Gives all inputs zeros and computes one step; returns 0, or 1 after a line that says why not."""
    try:
        interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes(model))
        for index in range(inputs):
            details = interpreter.get_input_details(index)
            interpreter.set_input(np.zeros(details["shape"], details["dtype"]), index)
            interpreter.get_output_details(index)  # a bundle has as many: scores and states
        interpreter.invoke()
    except Exception as error:  # the process has no other purpose than to tell
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer.read(), int(sys.argv[1])))
