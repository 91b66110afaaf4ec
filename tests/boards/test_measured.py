"""The README's measured table is what this tree measures; a step stays inside its budget of instructions."""

import subprocess
import sys

import pytest

from tests.support import boards

pytestmark = pytest.mark.qemu
COMPILER = "12.2"  # of the README's table; another one gives other figures


def test_measure_equals_the_readme_and_keeps_the_budgets():
    version = subprocess.run(["arm-none-eabi-gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    if not version.startswith(COMPILER):
        pytest.skip(f"the README's figures are of arm-none-eabi-gcc {COMPILER}; this machine has {version or 'none'}")
    for env in boards.EMULATED:
        boards.build(env)
    script = boards.ROOT / "firmware" / "tools" / "measure.py"
    command = [sys.executable, str(script), "--check", "--built", str(boards.BUILD)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
