"""Lets LiteRT's interpreter run a model that was just written, in a process of its own: it may die of it.

``python -m kws_training.convert.trial < MODEL`` is that process: the interpreter is C++, of which some files end it.
"""

import sys

from kws_reference.errors import KwsError
from kws_reference.system import processes

TRIAL_SECONDS = 600  # a step of a Conformer of 150 MB takes one


def check_runs(data: bytes) -> None:
    """Tries a model.

    Raises:
      KwsError: it cannot.
    """
    trial = processes.run([sys.executable, "-m", "kws_training.convert.trial"], data, TRIAL_SECONDS)
    if trial is not None:
        raise KwsError(
            f"the .tflite that was written does not run in LiteRT: {trial}. Change layers or sizes of the model, and "
            "report this one."
        )


def main(data: bytes) -> int:
    """Has an interpreter allocate a model, and compute it once; returns 0, or 1 after a line that says why not."""
    from kws_training.convert.interpreter import load

    try:
        load(data).invoke()
    except Exception as error:  # the process has no other purpose than to tell
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer.read()))
