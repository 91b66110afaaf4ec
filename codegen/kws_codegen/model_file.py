"""Files of models that the subcommands are given."""

from pathlib import Path

from kws_reference.errors import KwsError

MAX_MODEL_BYTES = 64 << 20
"""More than any microcontroller has flash for."""


def read_model(path: Path) -> bytes:
    """Bytes of a ``.tflite``.

    Raises:
      KwsError: the file cannot be read, or is far too large.
    """
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise KwsError(f"{path} has {path.stat().st_size} bytes: more than {MAX_MODEL_BYTES} fit no board.")
        return path.read_bytes()
    except OSError as error:
        raise KwsError(f"cannot read {path}: {error.strerror}.") from None
