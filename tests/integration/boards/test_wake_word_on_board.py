"""Somebody else's wake word on an emulated board: every integer from PCM to detection."""

import json

import pytest
from kws_codegen import cli as codegen
from kws_host import cli as host

from tests.support import boards, wake_words
from tests.support.clip_files import write_wav

pytestmark = pytest.mark.qemu


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547"])
def test_adopted_wake_word_is_heard_on_a_board(board, tmp_path, capsys):
    boards.require_tools()
    bundle = wake_words.adopt("hey_jarvis", tmp_path / "bundle")
    generated, clips = tmp_path / "generated", tmp_path / "clips"
    for text, label in {"hey jarvis": "hey jarvis", "good evening": "other"}.items():
        pcm = wake_words.say(text, tmp_path / "said.wav")
        (clips / label).mkdir(parents=True)
        write_wav(clips / label / "said.wav", pcm)
    assert codegen.main(["generate", str(bundle.path), "--out", str(generated)]) == 0
    folder = boards.ROOT / "build" / "wake_word"
    built = boards.pio("run", "-e", board, build_dir=folder, environment={"KWS_GENERATED": str(generated)})
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    capsys.readouterr()
    elf = folder / board / "firmware.elf"
    options = ["--bundle", str(bundle.path), "--emulate", board, "--elf", str(elf), "--json", "-"]
    assert host.main(["check", str(clips), *options]) == 0
    result = json.loads(capsys.readouterr().out)
    detected = {clip["clip"]: clip["detected"] for clip in result["clips"]}
    assert result["summary"]["mismatches"] == 0 and len(detected) == 2
    assert detected["hey jarvis/said.wav"] and not detected["other/said.wav"]
