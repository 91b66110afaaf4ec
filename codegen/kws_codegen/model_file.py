"""Files of models that the subcommands are given."""

from pathlib import Path

from kws_reference.bundle import is_bundle
from kws_reference.errors import KwsError

MAX_MODEL_BYTES = 64 << 20
"""More than any microcontroller has flash for."""


def read_model(path: Path) -> bytes:
    """Bytes of a ``.tflite``.

    Raises:
      KwsError: the file cannot be read, or is a folder, or far too large.
    """
    if path.is_dir():
        if is_bundle(path):
            raise KwsError(f"{path} is a bundle already: kws-codegen generate {path} --out DIR makes C++ of it.")
        raise KwsError(f"{path} is a folder. Give the .tflite in it.")
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise KwsError(f"{path} has {path.stat().st_size} bytes: more than {MAX_MODEL_BYTES} fit no board.")
        return path.read_bytes()
    except OSError as error:
        raise KwsError(f"cannot read {path}: {error.strerror}.") from None
