"""``make demo`` as a stranger runs it, on a part of its words."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

VENV = Path(sys.prefix)

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(
        not (VENV / ".demo").is_file() or shutil.which("make") is None,
        reason="make, or an environment that make made, is missing: run this through make test",
    ),
]


def make_demo(audio) -> subprocess.CompletedProcess:
    command = ["make", "--no-print-directory", "demo", f"VENV={VENV}", f"AUDIO={audio}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_demo_streams_words_and_prints_table_and_summary():
    result = make_demo("host/demo/words/yes")
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^(\S+\.wav) +yes +(\S+) .* (\d+) +0$", result.stdout, re.MULTILINE)
    assert {name for name, _, _ in rows} == {path.name for path in (ROOT / "host/demo/words/yes").glob("*.wav")}
    right = sum(heard == "yes" for _, heard, _ in rows)
    assert "0 mismatches" in result.stdout
    assert f"{right} of {len(rows)}" in result.stdout.splitlines()[-1]


def test_demo_folder_with_a_text_file_is_one_clear_line(tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "note.wav").write_text("hello")
    result = make_demo(tmp_path)
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "note.wav: not a WAV" in errors[0]
    assert "Traceback" not in result.stderr
