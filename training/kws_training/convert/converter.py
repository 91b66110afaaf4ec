"""Runs TensorFlow's converter: quietly, with its failures as one line, and not without a trial of what it wrote."""

import logging
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from kws_reference.errors import KwsError

from kws_training import quiet
from kws_training.convert.trial import check_runs

log = logging.getLogger(__name__)


def converted(converter: tf.lite.TFLiteConverter) -> bytes:
    """Runs a converter; an interpreter has to take what comes out.

    Raises:
      KwsError: the converter fails, or no interpreter takes its file.
    """
    data = run_quietly(converter.convert)
    check_runs(data)
    return data


def run_quietly(work: Callable[..., Any], *args: Any, **options: Any) -> bytes:
    """Calls a converter, or a part of one, without its chatter.

    Raises:
      KwsError: it fails.
    """
    began = time.monotonic()
    try:
        with quiet.native_stderr():
            data = bytes(work(*args, **options))
    except KwsError:
        raise
    except Exception as error:  # of TensorFlow's many kinds
        raise KwsError(
            f"TensorFlow's converter fails: {' '.join(str(error).split())[:400]}. Change the layer that it names."
        ) from error
    log.debug(f"a .tflite of {len(data):,} bytes, converted in {time.monotonic() - began:.1f} s")
    return data
