"""The files of a bulk run: recordings for the firmware to read, results that it wrote (host/PROTOCOL.md)."""

import dataclasses
import struct
from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import BULK_VERSION

_INPUT_MAGIC, _OUTPUT_MAGIC, _END_MAGIC = b"KWSB", b"KWSR", b"KWSE"
_HEADER_BYTES = 48  # magic, version, recordings, labels, the model's SHA-256


@dataclasses.dataclass(frozen=True)
class BulkResults:
    """All results of one recording.

    Attributes:
      feature_crcs: uint32 ``[steps]``.
      scores: int8 ``[steps, labels]``.
      events: uint16 ``[steps, 2]``: detected label (`messages.NO_LABEL`: none) and its smoothed posterior in Q15.
    """

    feature_crcs: np.ndarray
    scores: np.ndarray
    events: np.ndarray


def encode_input(audio: Sequence[np.ndarray]) -> bytes:
    """The file that the firmware reads. Args: audio: int16 ``[samples]`` of each recording."""
    parts = [struct.pack("<4sII", _INPUT_MAGIC, BULK_VERSION, len(audio))]
    for pcm in audio:
        parts += [struct.pack("<I", len(pcm)), np.asarray(pcm, "<i2").tobytes()]
    return b"".join(parts)


def decode_output(data: bytes, bundle: Bundle, recordings: int) -> list[BulkResults]:
    """Reads the file that the firmware wrote.

    Args:
      data: the file.
      bundle: whose model the device must have run.
      recordings: how many it was given.

    Raises:
      KwsError: the file is cut off or damaged, or another model made it.
    """
    try:
        _check_header(data, bundle, recordings)
        labels = len(bundle.labels)
        record = np.dtype([("crc", "<u4"), ("scores", "i1", (labels,)), ("label", "u1"), ("smoothed", "<u2")])
        at, total, results = _HEADER_BYTES, 0, []
        for _ in range(recordings):
            (steps,) = struct.unpack_from("<I", data, at)
            rows = np.frombuffer(data, record, steps, at + 4)
            at += 4 + steps * record.itemsize
            total += steps
            events = np.stack([rows["label"].astype(np.uint16), rows["smoothed"]], axis=1)
            results.append(BulkResults(rows["crc"].copy(), rows["scores"].copy(), events))
        if struct.unpack_from("<4sI", data, at) != (_END_MAGIC, total) or len(data) != at + 8:
            raise KwsError("the device's results do not end where they should")
    except (struct.error, ValueError):
        raise KwsError(f"the device's results are cut off after {len(data)} bytes") from None
    return results


def _check_header(data: bytes, bundle: Bundle, recordings: int) -> None:
    """Raises KwsError unless a device with the bundle's model wrote results of so many recordings."""
    magic, version, count, labels = struct.unpack_from("<4sIII", data)
    if (magic, version, count) != (_OUTPUT_MAGIC, BULK_VERSION, recordings):
        raise KwsError(f"the device's results start with {data[:12].hex()}: not what this program reads")
    model_sha256 = data[16:_HEADER_BYTES].hex()
    if model_sha256 != bundle.model_sha256 or labels != len(bundle.labels):
        raise KwsError(
            f"the device runs model {model_sha256[:12]}..., the bundle {bundle.path} holds "
            f"{bundle.model_sha256[:12]}...: generate and build the firmware for this bundle"
        )
