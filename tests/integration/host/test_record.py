"""What a board's microphone hears comes back bit for bit, and becomes takes of words."""

import contextlib
import json
import re

import numpy as np
import pytest
from kws_host.commands import record
from kws_host.device import Device
from kws_host.frame import Frame, FrameDecoder
from kws_host.heard_audio import HeardAudio
from kws_host.link import Link
from kws_reference.audio.conditioning import Conditioner
from kws_reference.audio.pcm import read_wav
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config
from kws_reference.protocol.wire import Message

from tests.support import clip_files, firmware, host_cli


def _words(*names: str, seconds: float = 2.5) -> np.ndarray:
    """Spoken words, each in its own stretch of time."""
    found = []
    for name in names:
        word = clip_files.spoken(name) if name else np.zeros(16000, np.int16)
        found.append(np.pad(word, (8000, round(16000 * seconds) - 8000 - len(word))))
    return np.concatenate(found)


@pytest.fixture
def hears(program, tmp_path):
    """Starts a board whose microphone hears PCM once."""

    def start(pcm: np.ndarray):
        pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
        return firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path)

    return start


@pytest.mark.parametrize(
    ("words", "conditioner"),
    [((), Conditioner()), (("--keep-dc",), None), (("--gain", "6", "--keep-dc"), Conditioner(511, False))],
    ids=["as by default", "bit for bit", "louder"],
)
def test_record_plain_equals_what_the_pipeline_heard(capsys, hears, tmp_path, words, conditioner):
    pcm = np.concatenate([clip_files.noise(3) + 300, clip_files.word(), clip_files.noise(4)[:4321]]).astype(np.int16)
    out = tmp_path / "heard.wav"
    with hears(pcm) as board:
        status, text, err = host_cli.run(
            capsys, "record", "--port", board.url, "--duration", "2.25", "--out", out, *words
        )
    assert (status, err) == (0, "") and "2.25 s" in text
    expected = (conditioner.push(pcm) if conditioner else pcm)[:36000]
    assert np.array_equal(read_wav(out), expected)


def test_audio_heard_of_streamed_recordings_is_what_was_streamed_before_the_steps(program):
    pcm = clip_files.word()
    seen: list[Message] = []
    with firmware.running(program) as board, Link(board.url, timeout_s=5.0) as link:
        device = Device(link, seen.append)
        device.configure(Config.AUDIO)
        for _ in range(2):  # counted anew after a reset
            seen.clear()
            run, heard = device.run(pcm), HeardAudio()
            for event in seen:
                if isinstance(event, messages.AudioHeard):
                    heard.add(event)
                if isinstance(event, messages.StepRecord):
                    assert heard.samples >= device.clock.end_samples(event.step)
            assert np.array_equal(heard.pcm(), pcm) and not heard.lost_samples
            assert len(run.steps) == 49
        device.configure(Config.NONE)
        seen.clear()
        device.run(pcm)
        assert not any(isinstance(event, messages.AudioHeard) for event in seen)


def test_record_words_are_files_of_a_second_around_the_word_that_go_on_where_they_were(capsys, hears, tmp_path):
    pcm = _words("yes/slt.wav", "no/rms.wav", "yes/rms.wav", "no/slt.wav")
    words = ("--words", "yes,no", "--speaker", "anna", "--out", tmp_path / "takes", "--json", "-", "--keep-dc")
    with hears(pcm) as board:
        status, out, err = host_cli.run(capsys, "record", "--port", board.url, "--count", "1", *words)
    assert status == 0 and "say it now" in err
    with hears(pcm[80000:]) as board:
        assert host_cli.run(capsys, "record", "--port", board.url, "--count", "2", *words)[0] == 0
    names = [f"{word}/anna_nohash_{number}.wav" for word in ("no", "yes") for number in (0, 1)]
    assert sorted(path.relative_to(tmp_path / "takes").as_posix() for path in (tmp_path / "takes").rglob("*")) == [
        "no",
        *names[:2],
        "yes",
        *names[2:],
    ]
    assert [path.endswith("_0.wav") for path in json.loads(out)["files"]] == [True, True]
    for name, spoken in zip(names, ["no/rms.wav", "no/slt.wav", "yes/slt.wav", "yes/rms.wav"], strict=True):
        take, word = read_wav(tmp_path / "takes" / name), clip_files.spoken(spoken)
        assert len(take) == 16000
        assert word.tobytes() in pcm.tobytes() and take.tobytes() in pcm.tobytes()
        loud = np.flatnonzero(np.abs(word.astype(int)) > 2000)  # all of the word's loud part is there
        assert word[loud[0] : loud[-1]].tobytes() in take.tobytes()


def test_record_words_clipped_or_quiet_takes_are_refused_and_repeated(capsys, hears, tmp_path):
    quiet, loud = _words("yes/slt.wav") // 64, np.clip(_words("yes/rms.wav").astype(int) * 12, -32768, 32767)
    pcm = np.concatenate([quiet, loud, _words("yes/awb.wav")])
    with hears(pcm) as board:
        status, out, err = host_cli.run(
            capsys, "record", "--port", board.url, "--words", "yes", "--count", "1", "--speaker", "b-1",
            "--out", tmp_path / "takes", "--keep-dc",
        )  # fmt: skip
    assert status == 0
    assert '"yes" was too quiet: -' in err and '"yes" was clipped: ' in err
    assert out.startswith(str(tmp_path / "takes/yes/b-1_nohash_0.wav"))
    assert read_wav(tmp_path / "takes/yes/b-1_nohash_0.wav").tobytes() in pcm[80000:].astype("<i2").tobytes()


def test_record_words_nobody_speaks_ends_after_five_takes(capsys, hears, tmp_path):
    with hears(np.zeros(16000 * 8, np.int16)) as board:
        status, _, err = host_cli.run(
            capsys, "record", "--port", board.url, "--words", "yes", "--speaker", "a", "--take", "1",
            "--out", tmp_path / "takes",
        )  # fmt: skip
    assert status == 2 and re.search(
        r'error: "yes" could not be recorded: the last of 5 takes was too quiet: -inf', err
    )
    assert not (tmp_path / "takes").exists()


def test_record_with_a_keyboard_starts_takes_by_keys_and_says_the_last_one_again(capsys, hears, tmp_path, monkeypatch):
    pressed = iter(["", " ", "", "", "r", " ", "q"])

    class Keyboard:
        is_there = True

        def pressed(self, wait_s: float = 0.0) -> str:
            return next(pressed)

        def forget(self) -> None:
            pass

    monkeypatch.setattr(record, "keys", lambda: contextlib.nullcontext(Keyboard()))
    pcm = np.concatenate([_words("yes/slt.wav"), _words("yes/rms.wav"), np.zeros(8000, np.int16)])
    with hears(pcm) as board:
        words = ("record", "--port", board.url, "--words", "yes", "--count", "2", "--speaker", "a", "--keep-dc")
        status, out, err = host_cli.run(capsys, *words, "--out", tmp_path / "t")
    assert status == 1  # q: one of two is missing
    assert out.count("a_nohash_0.wav") == 2 and [path.name for path in (tmp_path / "t/yes").iterdir()] == [
        "a_nohash_0.wav"
    ]
    assert read_wav(tmp_path / "t/yes/a_nohash_0.wav").tobytes() in pcm[40000:].astype("<i2").tobytes()
    assert '"yes", 1 of 2: press a key' in err and '"yes", 2 of 2: press a key' in err


def test_record_lost_pieces_are_noticed_and_fail_a_plain_recording(capsys, hears, tmp_path):
    decoder, count = FrameDecoder(), [0]

    def lossy(data: bytes) -> bytes:
        out = b""
        for item in decoder.feed(data):
            if isinstance(item, Frame):
                count[0] += item.type == messages.MessageType.AUDIO_HEARD
                out += item.encode() if count[0] != 20 or item.type != messages.MessageType.AUDIO_HEARD else b""
        return out

    pcm = clip_files.noise(1)
    with hears(pcm) as board, firmware.proxy(board.port, to_host=lossy) as wire:
        out = tmp_path / "a.wav"
        words = ("record", "--port", wire.url, "--duration", "0.9", "--out", out, "--keep-dc")
        status, text, _ = host_cli.run(capsys, *words)
    assert status == 1 and "LOST 160 samples" in text
    recorded = read_wav(out)
    assert not recorded[19 * 160 : 20 * 160].any()
    recorded[19 * 160 : 20 * 160] = pcm[19 * 160 : 20 * 160]
    assert np.array_equal(recorded, pcm[:14400])


def test_record_plain_that_ends_early_fails_and_leaves_what_was_heard(capsys, hears, tmp_path):
    with hears(clip_files.noise(1)[:8000]) as board:
        words = ("record", "--port", board.url, "--duration", "2", "--out", tmp_path / "a.wav", "--json", "-")
        status, out, err = host_cli.run(capsys, *words)
        assert status == 1 and json.loads(out)["seconds"] == 0.5 and "stopped early" in err
        assert "a.wav is there already" in host_cli.fails_with_one_line(capsys, *words)
    assert len(read_wav(tmp_path / "a.wav")) == 8000


def test_record_words_that_end_early_fail_and_are_reported(capsys, hears, tmp_path):
    with hears(_words("yes/slt.wav")) as board:
        words = ("record", "--port", board.url, "--words", "yes", "--count", "2", "--speaker", "a", "--json", "-")
        status, out, err = host_cli.run(capsys, *words, "--out", tmp_path / "t")
    assert status == 1 and len(json.loads(out)["files"]) == 1 and "stopped early" in err


def test_record_plain_longer_than_a_wav_file_can_be_is_refused(capsys, hears, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "LONGEST_WAV_SAMPLES", 16000)
    with hears(np.zeros(1600, np.int16)) as board:
        words = ("record", "--port", board.url, "--duration", "1.5", "--out", tmp_path / "a.wav")
        assert "--duration must be at most 1 for a WAV file" in host_cli.fails_with_one_line(capsys, *words)
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--words", "yes", "--speaker", "x", "--quietest", "nan", "--out", "a"), "--quietest must be dB"),
        (("--out", "a"), "give --words and --speaker, or --duration"),
        (("--words", "yes", "--duration", "1", "--out", "a"), "give --words and --speaker, or --duration"),
        (("--words", "yes", "--out", "a"), "--speaker is missing"),
        (("--words", "a/b", "--speaker", "x", "--out", "a"), "a/b"),
        (("--words", "yes", "--speaker", "../x", "--out", "a"), "--speaker must be letters"),
        (("--words", "yes", "--speaker", "x", "--count", "0", "--out", "a"), "--count must be 1 to"),
        (("--words", "yes", "--speaker", "x", "--take", "0.5", "--out", "a"), "--take must be 1 to 60"),
        (("--duration", "nan", "--out", "a"), "--duration must be above 0"),
        (("--duration", "1", "--out", "/no/such/folder/a.wav"), "there is no folder /no/such/folder"),
        (("--duration", "1", "--out", "a", "--gain", "99"), "--gain must be"),
        (("--duration", "1", "--out", "a", "--heard", "x.wav"), "--heard is for emulated boards"),
        (("--duration", "1", "--out", "a"), "native has no microphone"),
    ],
)
def test_record_what_cannot_be_ends_in_one_line(capsys, board, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    assert text in host_cli.fails_with_one_line(capsys, "record", "--port", board.url, *words)
    assert not list(tmp_path.iterdir())
