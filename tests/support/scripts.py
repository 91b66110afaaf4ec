"""Scripts of ``tools`` folders as modules."""

import importlib.util
from types import ModuleType

from tests.support.paths import ROOT


def load(path: str) -> ModuleType:
    """Loads a script. Args: path: from the repository's root, for example ``training/tools/model_table.py``."""
    spec = importlib.util.spec_from_file_location((ROOT / path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
