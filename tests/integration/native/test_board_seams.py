"""The application's side of what only some boards have: a light, a watchdog."""

import subprocess

from kws_firmware import sources

from tests.support import native


def test_board_light_and_watchdog_are_used_as_promised():
    files = [
        "tests/integration/native/board_seams_test.cc",
        "firmware/src/app/fault_log.cc",
        *sources.files("src/link"),
    ]
    program = native.build("board_seams_test", files, includes=["firmware/src", "firmware/generated"])
    result = subprocess.run([program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
