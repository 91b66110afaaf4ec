"""`kws-host check`: names of files, readers that go away, full disks."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from kws_reference.system.file_names import original

from tests.support import odd_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    odd_names.write_clips(folder)
    return folder


def _kws_host(*words: object, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "kws_host.cli", *(os.fsencode(str(word)) for word in words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_check_of_any_file_names_ends_with_whole_reports(board, folder, tmp_path, encoding):
    result, junit = tmp_path / "report.json", tmp_path / "junit.xml"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    words = ["check", folder, "--port", board.url]
    process = _kws_host(*words, "--json", result, "--junit", junit, env=environment)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, b"")
    rows = out.decode(encoding).splitlines()
    assert len(rows) == 2 + len(odd_names.NAMES) + 1 and not any("\x1b" in row or "\u202e" in row for row in rows)
    clips_of = lambda text: [os.fsencode(original(clip["clip"])) for clip in json.loads(text)["clips"]]  # noqa: E731
    assert sorted(clips_of(result.read_bytes().decode("utf-8"))) == sorted(odd_names.NAMES)
    cases = ElementTree.parse(junit).getroot().findall("testcase")
    assert len({case.get("name") for case in cases}) == len(odd_names.NAMES)
    process = _kws_host(*words, "--limit", "2", "--json", "-", env=environment)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and b"rror" not in err  # on a slow machine: progress
    assert set(clips_of(out.decode(encoding))) < set(odd_names.NAMES)


def test_check_reader_that_goes_away_costs_no_report(board, folder, tmp_path):
    result = tmp_path / "report.json"
    process = _kws_host("check", folder, "--port", board.url, "--json", result)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=120) == 0 and b"rror" not in process.stderr.read()  # on a slow machine: progress
    assert len(json.loads(result.read_text())["clips"]) == len(odd_names.NAMES)
    process = _kws_host("check", folder, "--port", board.url)  # no report: nobody wants the rest
    process.stdout.close()
    assert process.wait(timeout=120) == 2 and process.stderr.read() == b""


def test_check_output_onto_a_full_disk_is_one_line(board, folder):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = [sys.executable, "-m", "kws_host.cli", "check", str(folder), "--port", board.url, "--json"]
    with open("/dev/full", "wb") as full:
        result = subprocess.run([*command, "-"], stdout=full, stderr=subprocess.PIPE, timeout=120)
    said = [line for line in result.stderr.splitlines() if not line.startswith(b"checking [")]  # on a busy machine
    assert result.returncode == 2 and len(said) == 1 and b"No space left on device" in said[0]
    result = subprocess.run([*command, "/dev/full"], capture_output=True, timeout=120)
    assert result.returncode == 2 and b"cannot write /dev/full: No space left on device" in result.stderr
