"""The same checks on a real board (or any running one): ``pytest -m hardware --port /dev/ttyACM0``."""

import json

import pytest
from kws_host import cli

from tests.support.paths import ROOT

pytestmark = pytest.mark.hardware
WORDS = ("stop/awb.wav", "yes/rms.wav", "_silence_/hiss.wav")


def test_check_spoken_words_on_the_board_no_integer_differs(port):
    assert cli.main(["check", "--port", port, *(str(ROOT / "host/demo/words" / word) for word in WORDS)]) == 0


def test_bench_on_the_board_counts_cycles_or_instructions(port, capsys):
    assert cli.main(["bench", "--port", port, "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["unit"] in ("cycles", "instructions")
    assert result["stages"]["engine"]["mean"] > 10_000
    assert 0 < result["memory"]["stack_used_bytes"] < result["memory"]["stack_size_bytes"]
