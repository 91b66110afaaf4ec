"""The on-target golden integers belong to the released bundle."""

import subprocess
import sys

from tests.support import boards


def test_on_target_vectors_released_bundle_are_current():
    command = [sys.executable, "-m", "kws_firmware.make_test_vectors", "--check"]
    result = subprocess.run(command, cwd=boards.ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_on_target_vectors_no_bundle_one_line_and_exit_2(tmp_path):
    command = [sys.executable, "-m", "kws_firmware.make_test_vectors", str(tmp_path), "--check"]
    result = subprocess.run(command, cwd=boards.ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
