"""Worker processes that compute with NumPy, a thread each."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor


@contextlib.contextmanager
def pool(workers: int, initializer: Callable[..., None], *arguments: object) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes begin with ``initializer(*arguments)``."""
    # Not fork: the threads of TensorFlow and of NumPy do not survive it.
    context = multiprocessing.get_context("spawn")
    with (
        single_threaded_numpy(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=initializer, initargs=arguments) as executor,
    ):
        yield executor


@contextlib.contextmanager
def single_threaded_numpy() -> Iterator[None]:
    """Keeps the matrix products of several workers from fighting for the same cores."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
