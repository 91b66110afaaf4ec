"""Wakes and near misses of a board that listens become files, and keys sort them."""

import io
import json
import sys

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import find_recordings

from tests.support import clip_files, firmware, host_cli


@pytest.fixture
def listening(program, tmp_path):
    """A board that hears "left", which it raises, and "yes", which it nearly does."""
    words = [np.pad(clip_files.spoken(name), (16000, 24000)) for name in ("left/rms.wav", "yes/slt.wav")]
    pcm = np.concatenate(words)
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board:
        yield board, pcm


def test_capture_then_sort_gives_folders_for_training(capsys, listening, tmp_path, monkeypatch):
    board, pcm = listening
    out = tmp_path / "captures"
    words = ("capture", "--port", board.url, "--out", out, "--near", "0.5", "--keep-dc", "--json", "-")
    status, text, err = host_cli.run(capsys, *words, "--sort", "later")
    told = json.loads(text)
    assert status == 0 and "has brought nothing" in err
    assert [(item["kind"], item["label"]) for item in told["captures"]] == [("wake", "left"), ("near miss", "yes")]
    for item in told["captures"]:
        heard = read_wav(out / item["file"])
        assert len(heard) == 32000 and heard.tobytes() in pcm.astype("<i2").tobytes()
    monkeypatch.setattr(sys, "stdin", io.StringIO("xm"))  # x says nothing; m: missed is no verdict of a wake
    assert json.loads(host_cli.run(capsys, "capture", "--sort", out, "--json", "-")[1]) == {"sorted": {}, "unsorted": 2}
    monkeypatch.setattr(sys, "stdin", io.StringIO("rm"))
    status, text, _ = host_cli.run(capsys, "capture", "--sort", out)
    assert status == 0 and "2 sorted, 0 left" in text
    assert [name.split("/")[0] for name in sorted(item.name for item in find_recordings(out).clips)] == ["left", "yes"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "--out FOLDER is missing"),
        (("--out", "a", "--near", "0"), "--near must be above 0"),
        (("--out", "a", "--before", "31"), "--before and --after must be up to 30"),
        (("--out", "a", "--sort", "now"), "--sort now needs a terminal"),
        (("--out", "a", "--duration", "0"), "--duration must be above 0"),
        (("--sort", "/no/such"), "cannot read /no/such/captures.jsonl"),
        (("--out", "a"), "native has no microphone"),
    ],
)
def test_capture_what_cannot_be_ends_in_one_line(capsys, board, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    status, _, err = host_cli.run(capsys, "capture", "--port", board.url, *words)
    assert status == 2 and err.splitlines()[-1].startswith("error: ") and text in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())
