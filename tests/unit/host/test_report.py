"""Results as files."""

import argparse
import json
import xml.etree.ElementTree as ElementTree

import pytest
from kws_host import html_report, measured_results, report
from kws_host.commands import report as report_command
from kws_host.project import RELEASED_BUNDLE
from kws_reference.bundle import Bundle
from kws_reference.detector.integer import ONE_Q15
from kws_reference.errors import KwsError

from tests.support import clip_files


def test_write_json_that_fails_leaves_the_earlier_report(tmp_path, monkeypatch):
    target = tmp_path / "report.json"
    report.write_json(str(target), {"run": 1})
    (tmp_path / "link.json").symlink_to(target)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(report.os, "replace", full)
        with pytest.raises(KwsError, match="No space left"):
            report.write_json(str(target), {"run": 2})
    assert json.loads(target.read_text()) == {"run": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "report.json"]
    report.write_json(str(tmp_path / "link.json"), {"run": 3})
    assert json.loads(target.read_text()) == {"run": 3} and (tmp_path / "link.json").is_symlink()


def test_write_junit_of_a_board_with_odd_characters_in_its_name_is_xml(tmp_path):
    report.write_junit(tmp_path / "r.xml", "kws-host check \x1b[2J", [("a\x00", "b\x07", "c\x1b")])
    root = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert root.get("failures") == "1" and root.get("name", "").startswith("kws-host check ")


def test_report_with_a_name_that_opens_comments_and_scripts_stays_one_element_and_is_read_back(tmp_path):
    name = "<!--<script></script>.wav"
    page = html_report.render("t", measured_results.of(result_of({"a": [clip_of(name)]})), [])
    embedded = page.partition('id="result">')[2]
    assert "<" not in embedded.partition("</script>")[0]
    (tmp_path / "r.html").write_text(page)
    assert measured_results.read(tmp_path / "r.html").rows[0].clip == name
    (tmp_path / "r.html").write_text(page.replace("\\u003c/", "<\\/"))  # as reports of before have it
    assert measured_results.read(tmp_path / "r.html").rows[0].clip == name


def test_report_draws_every_recording_of_rounds_and_boards_as_its_board_hears_it(tmp_path):
    """Of each recording one row: the first, but one that differs before all others, with that board's thresholds."""
    bundle = Bundle.load(RELEASED_BUNDLE)
    clip_files.write_wav(tmp_path / "audio/left/word.wav", clip_files.word())
    clip_files.write_wav(tmp_path / "audio/no/noise.wav", clip_files.noise(1))
    tuned = {**bundle.detector.to_dict(), "origin": "set"}
    tuned["threshold_q15"] = tuned["release_q15"] = [ONE_Q15 // 2] * len(bundle.labels)
    clips = [
        clip_of(f"{name} ({number})", recording=name, mismatches=mismatches if number == 2 else 0)
        for number in (1, 2)
        for name, mismatches in (("left/word.wav", 0), ("no/noise.wav", 7))
    ]
    raw = result_of({"one": clips[:3], "two": clips}, bundle, detectors={"two": tuned})
    (tmp_path / "r.json").write_text(json.dumps(raw))
    arguments = argparse.ArgumentParser()
    report_command.add_parser(arguments.add_subparsers())
    words = ["report", str(tmp_path / "r.json"), "--audio", str(tmp_path / "audio"), "--out", "r.html"]
    drawn, _ = report_command._draw(arguments.parse_args(words), measured_results.of(raw))
    assert [(one.row.board, one.row.clip) for one in drawn] == [
        ("two", "no/noise.wav (2)"),
        ("one", "left/word.wav (1)"),
    ]
    heights = [{line.threshold for line in one.timeline.lines} - {None} for one in drawn]
    assert heights[0] == {html_report.HEIGHT / 2} and not heights[0] & heights[1]


def clip_of(name, **changes):
    """A recording of a check's result."""
    clip = {"clip": name, "expected": "", "heard": "left", "detected": [], "steps": 49, "mismatches": 0}
    return {**clip, "integers": 1, "attempts": 1, "first_mismatch": None, **changes}


def result_of(boards, bundle=None, detectors=None):
    """A result of `check --json` with made-up recordings of each board."""
    known = {"name": bundle.name, "model_sha256": bundle.model_sha256} if bundle else {"name": "m", "model_sha256": ""}
    clips = [clip for own in boards.values() for clip in own]
    names = ("steps", "integers", "mismatches", "labelled", "heard_as_labelled", "streamed_again")
    summary = {"clips": len(clips), **dict.fromkeys(names, 0)}
    device = {
        "firmware_version": "1",
        "engine": "aot",
        "sample_rate_hz": 16000,
        "frames_per_step": 2,
        "hop_samples": 160,
    }
    stats = ("frames_ok", "serial_overruns", "stack_used_bytes", "state_bytes", "scratch_bytes", "weights_bytes")
    parts = [
        {
            "device": {"board": name, **device},
            "detector": (detectors or {}).get(name),
            "stats": dict.fromkeys(stats, 0),
            "clips": own,
        }
        for name, own in boards.items()
    ]
    return {"bundle": known, "summary": summary, "boards": parts}
