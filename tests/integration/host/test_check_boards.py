"""Several boards, rounds and orders in one check."""

import dataclasses
import json

import pytest
from kws_host.frame import Frame, FrameDecoder
from kws_reference.protocol.messages import MessageType, StepRecord

from tests.support import firmware, host_cli


def test_check_two_boards_gives_one_table_and_both_results(capsys, board, program, audio, tmp_path):
    with firmware.running(program) as other:
        words = ("check", audio, "--port", board.url, "--port", other.url, "--json", tmp_path / "r.json")
        status, out, _ = host_cli.run(capsys, *words, "--junit", tmp_path / "r.xml")
    assert status == 0 and out.splitlines()[-1].startswith("2 boards, ")
    for url in (board.url, other.url):
        assert sum(line.startswith(f"native {url}  ") for line in out.splitlines()) == 4
    result = json.loads((tmp_path / "r.json").read_text())
    one, two = result["boards"]
    assert one["clips"] == two["clips"] and result["summary"]["integers"] == 2 * one["summary"]["integers"]
    assert (tmp_path / "r.xml").read_text().count("<testcase") == 8


def test_check_repeated_and_shuffled_gives_every_recording_as_often(capsys, board, audio):
    words = ("check", audio, "--port", board.url, "--repeat", "2", "--json", "-")
    plain, one, again, other = (
        json.loads(host_cli.run(capsys, *words, *more)[1])["clips"]
        for more in ((), ("--shuffle", "1"), ("--shuffle", "1"), ("--shuffle", "2"))
    )
    names = [clip["clip"] for clip in plain]
    assert names[0].endswith(" (1)") and names[4] == names[0].replace("(1)", "(2)") and len(set(names)) == 8
    assert all(
        f"{clip['recording']} ({number})" == clip["clip"] for clip, number in zip(plain, [1] * 4 + [2] * 4, strict=True)
    )
    assert one == again != other and one != plain
    assert all(sorted(clip["clip"] for clip in clips) == sorted(names) for clips in (one, other))


@pytest.mark.parametrize(
    ("more", "repeat", "spoiled_ends", "other_ends"),
    [
        ((), 4, True, False),
        (("--fail-fast",), 400, True, True),  # more than the other can do until the slow wire brings the mismatch
        (("--keep-going",), 4, False, False),
    ],
)
def test_check_board_that_differs_stops_the_others_only_if_wanted(
    capsys, board, program, audio, more, repeat, spoiled_ends, other_ends
):
    with firmware.proxy(board.port, to_host=_spoiler()) as wire, firmware.running(program) as other:
        words = ("check", audio, "--port", wire.url, "--port", other.url, "--repeat", repeat, "--json", "-", *more)
        status, out, _ = host_cli.run(capsys, *words)
    spoiled, right = (one["summary"] for one in json.loads(out)["boards"])
    assert status == 1 and spoiled["mismatches"] >= 1 and right["mismatches"] == 0
    assert (bool(spoiled["clips_not_run"]), bool(right["clips_not_run"])) == (spoiled_ends, other_ends)


def _spoiler():
    """Changes a score of step 3 of every recording on its way."""
    decoder = FrameDecoder()

    def spoil(data: bytes) -> bytes:
        out = b""
        for item in decoder.feed(data):
            if isinstance(item, Frame) and item.type == MessageType.STEP:
                step = StepRecord.decode(item.payload)
                if step.step == 3:
                    scores = bytes([step.scores[0] ^ 1]) + step.scores[1:]
                    item = Frame(item.type, item.seq, dataclasses.replace(step, scores=scores).encode())
            out += item.encode() if isinstance(item, Frame) else b""
        return out

    return spoil


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--repeat", "0"), "--repeat must be at least 1"),
        (("--port", "x", "--port", "x"), "x is named twice"),
        (("--emulate", "a,b", "--elf", "c"), "--elf c is the firmware of one board"),
    ],
)
def test_check_of_boards_that_cannot_be_ends_in_one_line(capsys, audio, words, text):
    assert text in host_cli.fails_with_one_line(capsys, "check", audio, *words)
