"""Keeps off the screen what TensorFlow says about itself: CUDA, oneDNN, its logger's start, its converter.

`kws_training` sets this up before anything imports TensorFlow, so commands, worker processes and tools are alike.
Errors are not touched: what was held back is shown when the work ends with an exception, and a crash of native code
leaves a traceback. ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment (any value but 3) shows everything again.
"""

import contextlib
import faulthandler
import importlib.abc
import importlib.machinery
import importlib.util
import logging
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

LEVEL, QUIET = "TF_CPP_MIN_LOG_LEVEL", "3"

# Lines of TensorFlow's log, of its converter and of LiteRT; whatever else native code prints comes through.
_CHATTER = re.compile(
    r"[IWE]\d{4} \d|\d{4}-\d\d-\d\d [\d:.]+: [IWE] |WARNING: All log messages before absl|fully_quantize: "
    r"|INFO: Created TensorFlow Lite XNNPACK|INFO: Initialized TensorFlow Lite runtime|To enable the following instr"
)
_one_at_a_time = threading.RLock()


def set_up() -> None:
    """Asks TensorFlow for silence, now in its environment and later while it is imported."""
    os.environ.setdefault(LEVEL, QUIET)
    if os.environ[LEVEL] == QUIET:  # its converter runs its own interpreter, whoever asked for what
        warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated")
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


@contextlib.contextmanager
def native_stderr() -> Iterator[None]:
    """Holds back what is printed to file descriptor 2: native code knows no other way.

    In the end all of it is shown if the block raised, and else what is no chatter.
    """
    if os.environ.get(LEVEL) != QUIET:
        yield
        return
    with _one_at_a_time, tempfile.TemporaryFile() as held:
        _flush()
        screen, failed = os.dup(2), True
        traced = faulthandler.is_enabled()
        try:
            if not traced:
                faulthandler.enable(screen)
            os.dup2(held.fileno(), 2)
            yield
            failed = False
        finally:
            _flush()
            os.dup2(screen, 2)
            if not traced:
                faulthandler.disable()
            os.close(screen)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines(keepends=True)
            shown = "".join(line for line in lines if failed or not _CHATTER.match(line))
            if shown:
                os.write(2, shown.encode(errors="replace"))


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python would, and has it imported quietly."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: Any):
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = module.__spec__.loader = self._loader
        with native_stderr():
            self._loader.exec_module(module)
        if os.environ.get(LEVEL) == QUIET:
            for name in ("tensorflow", "absl"):
                logging.getLogger(name).setLevel(logging.ERROR)
