"""How long one call of a ``.tflite`` takes in LiteRT, on a machine that others may use too."""

import gc
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from kws_training.convert.runner import TfliteRunner

THREADS = 1
_WARM_UP_S = 0.2
_BLOCKS = 10
_FEWEST_RUNS = 5  # in a block


def timed(data: bytes, states: Iterable[str], shape: Sequence[int], seconds: float) -> dict[str, float]:
    """Times the invocation of a model whose inputs are set: random features of this shape, and the reset states.

    Other work on the machine comes in bursts: the time is cut into blocks, and the quietest one's median counts.

    Args:
      data: the ``.tflite``.
      states: names of its states, in the model's order.
      shape: of the features of a call.
      seconds: that it is measured for.

    Returns:
      ``median_ms`` of the quietest tenth of the time, ``fastest_ms``, ``runs``, ``model_bytes``.
    """
    runner = TfliteRunner(data, states, threads=THREADS)
    runner.step(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    interpreter = runner.interpreter
    for _ in _until(_WARM_UP_S):
        interpreter.invoke()
    blocks: list[list[float]] = [[] for _ in range(_BLOCKS)]
    gc.disable()
    try:
        for taken in blocks:
            for _ in _until(seconds / _BLOCKS):
                began = time.perf_counter()
                interpreter.invoke()
                taken.append(1000 * (time.perf_counter() - began))
    finally:
        gc.enable()
    return {
        "median_ms": round(min(map(statistics.median, blocks)), 5),
        "fastest_ms": round(min(map(min, blocks)), 5),
        "runs": sum(map(len, blocks)),
        "model_bytes": len(data),
    }


def _until(seconds: float) -> Iterator[None]:
    end, runs = time.perf_counter() + seconds, 0
    while runs < _FEWEST_RUNS or time.perf_counter() < end:
        yield
        runs += 1
