"""Files of bulk runs: what is damaged, cut off or of another model is refused."""

import struct

import numpy as np
import pytest
from kws_host import bulk, bulk_run, project
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError


@pytest.mark.parametrize("cut", [0, 10, 47, 60, -1, -9])
def test_bulk_output_cut_off_or_of_another_model_is_refused(cut):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    labels = len(bundle.labels)
    record = struct.pack("<I", 1) + bytes(4 + labels + 3)
    data = struct.pack("<4sIII", b"KWSR", 1, 2, labels) + bytes.fromhex(bundle.model_sha256)
    data += record * 2 + struct.pack("<4sI", b"KWSE", 2)
    assert len(bulk.decode_output(data, bundle, 2)) == 2
    with pytest.raises(KwsError):
        bulk.decode_output(data[:cut], bundle, 2)
    with pytest.raises(KwsError, match="not what this program reads"):
        bulk.decode_output(data, bundle, 3)
    with pytest.raises(KwsError, match="runs model 00000000"):
        bulk.decode_output(data[:16] + bytes(32) + data[48:], bundle, 2)


@pytest.mark.parametrize(
    ("seconds", "parts"),
    [
        ([1] * 121, [60, 60, 1]),
        ([20, 20, 20, 20], [3, 1]),
        ([3600, 1, 1, 90], [1, 2, 1]),
        ([0.01] * 70, [60, 10]),
    ],
)
def test_bulk_parts_hold_a_minute_or_one_longer_recording(seconds, parts):
    audio = [np.zeros(round(length * 100), np.int16) for length in seconds]
    found = bulk_run._parts(audio, 100)
    assert [len(part) for part in found] == parts
    assert [id(pcm) for part in found for pcm in part] == list(map(id, audio))
