"""PlatformIO test runner: runs a suite on the emulated board and reads what firmware/test/kws_test.h prints.

    PASS <name>          a test case passed
    FAIL <name>: <why>   a test case failed
    NOTE <name> <value>  a figure, no verdict
    DONE <failures>      the end of the suite

A suite that ends without DONE is an error. With `pio test --test-port PORT` (or option test_port) the lines are read
from a real board on that port instead of an emulated one.
"""

import subprocess
import sys
from pathlib import Path

import click
from platformio.test.result import TestCase, TestStatus
from platformio.test.runners.base import TestRunnerBase

# This checkout's package, also where PlatformIO runs under a Python of its own.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from kws_firmware.build.emulation import emulate_command  # noqa: E402

TIMEOUT_S = 300


class CustomTestRunner(TestRunnerBase):
    """Turns output lines into test cases."""

    _done = False

    def stage_testing(self) -> None:
        """See `TestRunnerBase`."""
        if self.options.without_testing:
            return
        if self.get_test_port():
            super().stage_testing()
        else:
            click.secho("Testing...", bold=True)
            self._run_emulator()
        if not self._done:
            raise RuntimeError("the firmware stopped before DONE")

    def _run_emulator(self) -> None:
        section = f"env:{self.test_suite.env_name}"
        elf = Path(self.project_config.get("platformio", "build_dir")) / self.test_suite.env_name / "test_firmware.elf"
        board = self.project_config.get(section, "board")
        command = emulate_command("--terminal", "--board", board, "--elf", elf, "--timeout", TIMEOUT_S)
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for line in process.stdout:
                self.on_testing_data_output(line)
        failed = any(case.status == TestStatus.FAILED for case in self.test_suite.cases)
        if process.returncode != (1 if failed else 0):
            raise RuntimeError(f"the emulator ended with status {process.returncode}")

    def on_testing_line_output(self, line: str) -> None:
        """See `TestRunnerBase`."""
        click.echo(line, nl=False)
        word, _, rest = line.strip().partition(" ")
        if word in ("PASS", "FAIL"):
            name, _, reason = rest.partition(": ")
            status = TestStatus.PASSED if word == "PASS" else TestStatus.FAILED
            self.test_suite.add_case(TestCase(name=name, status=status, message=reason or None, stdout=line))
        elif word == "DONE":
            self._done = True
            self.test_suite.on_finish()
