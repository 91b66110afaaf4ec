"""Recordings that are on the disk as they come, what a device says it has heard, and takes beside one another."""

import os
import threading
import wave

import numpy as np
import pytest
from kws_host.heard_audio import LONGEST_GAP_SAMPLES, HeardAudio, write_wav
from kws_host.plain_recording import PlainRecording, piece_path
from kws_host.takes import TakeFolder
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import AudioHeard

RATE_HZ = 16000


def _heard(first: int, values: list[int]) -> AudioHeard:
    return AudioHeard(first % 2**32, np.array(values, "<i2").tobytes())


def test_plain_recording_is_the_file_when_it_is_closed(tmp_path):
    pcm = np.arange(-5000, 5000, dtype=np.int16)
    recording = PlainRecording(tmp_path / "a.wav", RATE_HZ)
    for start in range(0, len(pcm), 77):
        recording.write(pcm[start : start + 77])
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav.partial"]
    recording.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert np.array_equal(read_wav(tmp_path / "a.wav"), pcm) and recording.peak == 5000


def test_plain_recording_of_a_program_that_was_killed_can_be_played(tmp_path):
    recording = PlainRecording(tmp_path / "a.wav", RATE_HZ)
    recording.write(np.full(7 * RATE_HZ, 3, np.int16))
    with wave.open(str(tmp_path / "a.wav.partial")) as file:
        assert file.getnframes() == 7 * RATE_HZ
    with pytest.raises(KwsError, match="another program records it, or one was killed"):
        PlainRecording(tmp_path / "a.wav", RATE_HZ)
    recording.close()


def test_plain_recording_without_samples_is_no_file(tmp_path):
    PlainRecording(tmp_path / "a.wav", RATE_HZ).close()
    assert not list(tmp_path.iterdir())


def test_plain_recording_leaves_a_file_that_is_there_alone(tmp_path):
    (tmp_path / "a.wav").write_text("before")
    with pytest.raises(KwsError, match="is there already"):
        PlainRecording(tmp_path / "a.wav", RATE_HZ)
    recording = PlainRecording(tmp_path / "b.wav", RATE_HZ)
    recording.write(np.ones(9, np.int16))
    (tmp_path / "b.wav").write_text("by another program")
    with pytest.raises(KwsError, match="b.wav.partial is new"):
        recording.close()
    assert (tmp_path / "b.wav").read_text() == "by another program"
    assert len(read_wav(tmp_path / "b.wav.partial")) == 9


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_plain_recording_on_a_full_disk_names_what_is_kept(tmp_path):
    recording = PlainRecording(tmp_path / "a.wav", RATE_HZ)
    recording._file.flush()
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, recording._file.fileno())
    os.close(full)
    with pytest.raises(KwsError, match=r"No space left.*Free space.*a\.wav\.partial"):
        for _ in range(20):
            recording.write(np.ones(RATE_HZ, np.int16))
    with pytest.raises(KwsError, match="No space left"):
        recording.close()


def test_piece_path_keeps_the_ending(tmp_path):
    assert [piece_path(tmp_path / "a.b.wav", number).name for number in (1, 2, 3)] == [
        "a.b.wav",
        "a.b-2.wav",
        "a.b-3.wav",
    ]


def test_heard_audio_gap_is_zeros_and_counts_only_where_it_is():
    heard = HeardAudio()
    heard.add(_heard(0, [1, 2]))
    heard.add(_heard(5, [3]))
    assert heard.pcm().tolist() == [1, 2, 0, 0, 0, 3] and heard.lost_samples == 3
    assert [heard.lost_between(*span) for span in ((0, 2), (0, 3), (2, 6), (5, 6))] == [0, 1, 3, 0]


@pytest.mark.parametrize("first", [0, 1, 3 + LONGEST_GAP_SAMPLES + 1])
def test_heard_audio_stream_that_began_again_ends_it(first):
    heard = HeardAudio()
    heard.add(_heard(0, [1, 2, 3]))
    with pytest.raises(KwsError, match="began again at sample"):
        heard.add(_heard(first, [1, 2, 3]))
    assert heard.pcm().tolist() == [1, 2, 3]


def test_heard_audio_counts_on_where_32_bits_end():
    heard = HeardAudio(4)
    heard.samples = heard.first = 2**32 - 2
    heard.add(_heard(2**32 - 2, [1, 2]))
    heard.add(_heard(2**32 + 1, [3]))
    assert heard.pcm(2**32 - 2).tolist() == [1, 2, 0, 3]


def test_heard_audio_samples_that_are_no_longer_kept_are_zeros_and_told():
    heard = HeardAudio(3)
    for first in range(0, 20, 2):
        heard.add(_heard(first, [first + 1, first + 2]))
    assert heard.pcm(16, 20).tolist() == [17, 18, 19, 20] and heard.lost_between(16, 20) == 0
    old = heard.pcm(heard.first - 2, heard.first + 1)
    assert old.tolist() == [0, 0, heard.first + 1] and heard.lost_between(heard.first - 2, heard.first + 1) == 2


def test_write_wav_leaves_a_file_that_is_there_alone(tmp_path):
    write_wav(tmp_path / "b/a.wav", np.ones(3, np.int16), RATE_HZ)
    with pytest.raises(FileExistsError):
        write_wav(tmp_path / "b/a.wav", np.zeros(3, np.int16), RATE_HZ)
    assert read_wav(tmp_path / "b/a.wav").tolist() == [1, 1, 1]
    with pytest.raises(KwsError, match="cannot write"):
        write_wav(tmp_path / "b/a.wav/c.wav", np.zeros(3, np.int16), RATE_HZ)
    (tmp_path / "file").write_text("")
    with pytest.raises(KwsError, match="cannot write"):
        write_wav(tmp_path / "file/c.wav", np.zeros(3, np.int16), RATE_HZ)


def test_take_folder_two_programs_at_once_keep_all_takes(tmp_path):
    def write(value: int) -> None:
        for _ in range(10):
            TakeFolder(tmp_path, "anna").add("yes", np.full(4, value, np.int16), RATE_HZ)

    threads = [threading.Thread(target=write, args=(value,)) for value in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    takes = [read_wav(path)[0] for path in (tmp_path / "yes").iterdir()]
    assert sorted(takes) == [1] * 10 + [2] * 10
