"""The figures that are kept are what this tree measures; a step stays inside its budget of instructions."""

import subprocess
import sys

import pytest
from kws_firmware.measure import tool_versions
from kws_firmware.tables import load_measured

from tests.support import boards

pytestmark = pytest.mark.qemu


def test_measure_equals_what_is_kept_and_stays_within_the_budgets():
    boards.require_tools()
    kept, here = load_measured().tools, tool_versions()
    if kept["compiler"] != here["compiler"]:
        pytest.skip(f"the figures are of arm-none-eabi-gcc {kept['compiler']}; this machine has {here['compiler']}")
    for env in boards.EMULATED:
        boards.build(env)
    result = subprocess.run(
        [sys.executable, "-m", "kws_firmware.measure", "--check", "--built", boards.BUILD],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
