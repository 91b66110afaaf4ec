"""The figures that are kept are what this tree measures; a step stays inside its budget of instructions."""

import subprocess
import sys

import pytest

from tests.support import boards

pytestmark = pytest.mark.qemu
COMPILER = "12.2"  # of firmware/measured.json; another one gives other figures


def test_measure_equals_what_is_kept_and_stays_within_the_budgets():
    version = subprocess.run(["arm-none-eabi-gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    if not version.startswith(COMPILER):
        pytest.skip(f"the figures are of arm-none-eabi-gcc {COMPILER}; this machine has {version or 'none'}")
    for env in boards.EMULATED:
        boards.build(env)
    result = subprocess.run(
        [sys.executable, "-m", "kws_firmware.measure", "--check", "--built", boards.BUILD],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
