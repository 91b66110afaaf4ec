"""Worker processes that compute with NumPy, a thread each."""

import contextlib
import functools
import multiprocessing.context
import multiprocessing.spawn
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from kws_reference.errors import KwsError

_MAIN = ("init_main_from_name", "init_main_from_path")
_starting = threading.Lock()


class _Process(multiprocessing.context.SpawnProcess):
    """A process that does not run its parent's main module.

    Python's own imports that module in every worker, for functions that are defined there. Ours are not; and a script
    that calls the kit without ``if __name__ == "__main__"`` would call it again in each worker, which never ends.
    """

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        original = multiprocessing.spawn.get_preparation_data

        def without_main(name: str) -> dict[str, Any]:
            return {key: value for key, value in original(name).items() if key not in _MAIN}

        with _starting:
            multiprocessing.spawn.get_preparation_data = without_main
            try:
                return multiprocessing.context.SpawnProcess._Popen(process_obj)
            finally:
                multiprocessing.spawn.get_preparation_data = original


class WorkerContext(multiprocessing.context.SpawnContext):
    """How workers are started: anew, not by fork, which the threads of TensorFlow and of NumPy do not survive."""

    Process = _Process


@contextlib.contextmanager
def pool(workers: int, initializer: Callable[..., object], *arguments: object) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes begin with ``initializer(*arguments)``; all functions must be in modules, not in a script.

    Raises:
      KwsError: of an initializer, or a worker ended without a word.
    """
    context = WorkerContext()
    refusals = context.SimpleQueue()
    try:
        with (
            single_threaded_numpy(),
            ProcessPoolExecutor(
                workers, context, functools.partial(_begin, refusals, initializer, *arguments)
            ) as executor,
        ):
            yield executor
    except BrokenProcessPool:
        if not refusals.empty():
            raise KwsError(refusals.get()) from None
        raise KwsError(
            f"one of {workers} worker processes ended without a word, most often for lack of memory. Free some and run "
            "again."
        ) from None


def _begin(refusals: Any, initializer: Callable[..., object], *arguments: object) -> None:
    """Hands an initializer's refusal on: the executor would print its traceback and only tell that a worker ended."""
    try:
        initializer(*arguments)
    except KwsError as error:
        refusals.put(str(error))
        os._exit(1)


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
