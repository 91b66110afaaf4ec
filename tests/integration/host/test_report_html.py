"""One HTML file of what was measured: whole in itself, safe of any name, and what has changed since an earlier one."""

import html.parser
import json
import re

import pytest
from kws_host import measured_results

from tests.support import clip_files, firmware, host_cli

EVALUATED = {
    "board": "mps2_an386", "model": "m", "model_sha256": "ab" * 32, "clips": 3, "labelled": 3, "steps": 147,
    "right_on_device": 2, "right_in_python": 3, "accuracy_on_device": 2 / 3, "accuracy_in_python": 1.0,
    "agreeing_clips": 2, "differing_clips": 1, "differences": [{"clip": "a.wav", "first": "step 3, stage scores"}],
    "confusion": {"yes": {"yes": 2, "no": 1}, "no": {"yes": 0, "no": 0}}, "device_seconds": 1.0,
    "reference_seconds": 2.0, "jobs": 2,
}  # fmt: skip


class _Page(html.parser.HTMLParser):
    """Tags, what they load, and their text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.loads, self.text, self._open = [], [], "", []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spoken")
    clip_files.write_wav(folder / "left/word.wav", clip_files.word())
    clip_files.write_wav(folder / "no/<em>&'.wav", clip_files.noise(1))
    return folder


def test_report_of_a_check_has_everything_in_it_and_tells_what_changed(capsys, program, spoken, tmp_path):
    before, after, page = tmp_path / "before.json", tmp_path / "after.json", tmp_path / "report.html"
    with firmware.running(program) as board:
        for path, settings in ((before, ("--run", "15")), (after, ("--threshold", "never"))):
            assert host_cli.run(capsys, "tune", "--port", board.url, *settings)[0] == 0
            assert host_cli.run(capsys, "check", spoken, "--port", board.url, "--json", path)[0] == 0
    words = ("report", after, "--against", before, "--audio", spoken, "--clips", "--out", page)
    status, out, _ = host_cli.run(capsys, *words)
    assert status == 0 and re.search(r"report.html: 0\.\d MB, 2 timelines", out)
    found = _Page(page.read_text())
    assert found.tags.count("audio") == found.tags.count("svg") == found.tags.count("img") == 2
    assert all(url.startswith("data:") for url in found.loads) and "em" not in found.tags
    assert "no/<em>&'.wav" in found.text and "Every one of 9,506 integers" in found.text
    assert re.search(r"detections\s*1\s*0", found.text) and re.search(
        r"left; left@[\d.]+s\s*left; nothing det", found.text
    )
    assert measured_results.read(page).raw == json.loads(after.read_text())  # a report is a result, too
    words = ("report", after, "--against", before, "--out", tmp_path / "a.html", "--json", "-")
    told = json.loads(host_cli.run(capsys, *words)[1])
    assert [change["name"] for change in told["changed"]["figures"]] == ["detections"] and told["mismatches"] == 0
    status, _, _ = host_cli.run(capsys, "report", page, "--against", after, "--out", tmp_path / "again.html")
    assert status == 0 and "Nothing differs" in (tmp_path / "again.html").read_text()


def test_report_that_checks_by_itself_with_little_room_for_audio_says_what_is_left_out(capsys, board, spoken, tmp_path):
    page = tmp_path / "r.html"
    words = ("report", "--audio", spoken, "--port", board.url, "--clips", "--most-audio", "0.05", "--out", page)
    status, _, err = host_cli.run(capsys, *words)
    assert status == 0 and "1 recordings are not in the file: --most-audio 0.05 MB is full" in err
    assert _Page(page.read_text()).tags.count("audio") == 1


def test_report_of_an_evaluation_with_differences_fails_and_lists_them(capsys, tmp_path):
    (tmp_path / "e.json").write_text(json.dumps(EVALUATED))
    assert host_cli.run(capsys, "report", tmp_path / "e.json", "--out", tmp_path / "e.html")[0] == 1
    text = _Page((tmp_path / "e.html").read_text()).text
    assert "1 recordings differ from the reference" in text and "step 3, stage scores" in text and "66.7" in text


@pytest.mark.parametrize(
    ("content", "words", "text"),
    [
        (None, (), "cannot read"),
        ("[]", (), "is no result of check --json or evaluate --json"),
        ("{}", (), "is no result of check --json or evaluate --json"),
        ("<html>", (), "is no result of check --json or evaluate --json"),
        (json.dumps(EVALUATED), ("--timelines", "-1"), "--timelines must be 0 to 200"),
        (json.dumps(EVALUATED), ("--clips",), "give them by --audio too"),
        (json.dumps(EVALUATED), ("--audio", "."), "the result is of model m"),
    ],
)
def test_report_of_what_is_none_ends_in_one_line(capsys, tmp_path, content, words, text):
    path = tmp_path / "result.json"
    if content is not None:
        path.write_text(content)
    assert text in host_cli.fails_with_one_line(capsys, "report", path, "--out", tmp_path / "r.html", *words)
    assert not (tmp_path / "r.html").exists()
