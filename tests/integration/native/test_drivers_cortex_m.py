"""What every Cortex-M board does at its start, on a model of the core's registers."""

import subprocess

from tests.support import drivers


def test_start_up_leaves_no_interrupt_of_a_boot_loader():
    program = drivers.build("cortex_m_test", [drivers.CASES / "cortex_m_test.cc"], includes=[drivers.CASES])
    result = subprocess.run([program, "nothing_of_a_boot_loader_interrupts"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
