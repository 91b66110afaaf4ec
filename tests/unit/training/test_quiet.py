"""What the user sees of TensorFlow: nothing, unless something goes wrong."""

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training import quiet  # noqa: E402

from tests.support.tones import write_tones  # noqa: E402

CHATTER = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
    "I0000 00:00:1795729445.302164   14936 port.cc:153] oneDNN custom operations are on.\n",
    "E0000 00:00:1795729453.973735   14936 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n",
    "2026-11-26 21:00:00.123456: W tensorflow/core/util/port.cc:1] something\n",
    "fully_quantize: 0, inference_type: 6, input_inference_type: INT8\n",
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n",
]
OURS = re.compile(
    r"(reading |\d+ training clips|epoch |best epoch |quantizing with |.*: \d+ bytes|tones: |float |float_|int8"
    r"|the detector's threshold is |run: steps of |run: one second |  \S|   +training +validation"
    r"|no labels of the model|left out of |.*, split: )"
)
COMMANDS = """
import sys
from kws_training.cli import main

folder = sys.argv[1]
data, run, bundle = f"{folder}/data", f"{folder}/run", f"{folder}/bundle"
fit = ["fit", "--data", data, "--labels", "yes,no", "--out", run, "--epochs", "1", "--unknown-percent", "50"]
for command in (
    fit,
    ["export", "--run", run, "--data", data, "--out", bundle, "--calibration-clips", "2"],
    ["export", "--run", run, "--precision", "dynamic", "--out", f"{folder}/dynamic"],
    ["evaluate", bundle, "--run", run, "--test", data, "--set-name", "tones", "--limit", "4"],
    ["describe", run],
    ["benchmark", run, "--seconds", "0.02"],
):
    print(f"> {command[0]}", file=sys.stderr, flush=True)
    status = main(command)
    print(f"< {status}", file=sys.stderr, flush=True)
"""


@pytest.fixture
def environment():
    """Without what the test run itself may have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_commands_print_their_own_lines_only(tmp_path, environment):
    (tmp_path / "data").mkdir()
    write_tones(tmp_path / "data", speakers=16)
    program = [sys.executable, "-c", COMMANDS, str(tmp_path)]
    result = subprocess.run(program, capture_output=True, text=True, env=environment)
    lines = [line for line in re.split(r"[\r\n]+", result.stderr) if line]
    assert [line for line in lines if line.startswith("<")] == ["< 0"] * 6, result.stderr
    strange = [line for line in lines if line[0] not in "<>" and not OURS.match(line)]
    assert strange == [] and len(lines) > 20, result.stderr


def test_tensorflow_at_its_loudest_is_shown_when_asked_for(environment):
    program = [sys.executable, "-c", "import kws_training, tensorflow"]
    loud = subprocess.run(program, capture_output=True, text=True, env=environment | {quiet.LEVEL: "0"}, check=True)
    silent = subprocess.run(program, capture_output=True, text=True, env=environment, check=True)
    assert "All log messages before absl" in loud.stderr and silent.stderr == ""


def test_native_stderr_of_work_that_ends_well_holds_back_chatter_only(capfd, monkeypatch):
    monkeypatch.setenv(quiet.LEVEL, quiet.QUIET)
    with quiet.native_stderr():
        os.write(2, "".join([*CHATTER, "disk is full\n"]).encode())
    assert capfd.readouterr().err == "disk is full\n"


def test_native_stderr_of_work_that_fails_is_shown_whole(capfd, monkeypatch):
    monkeypatch.setenv(quiet.LEVEL, quiet.QUIET)
    with pytest.raises(ValueError, match="cause"), quiet.native_stderr():
        os.write(2, "".join(CHATTER).encode())
        raise ValueError("cause")
    assert capfd.readouterr().err == "".join(CHATTER)


def test_native_stderr_of_a_crash_leaves_a_traceback(environment):
    code = "import os; from kws_training import quiet\nwith quiet.native_stderr(): os.abort()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert result.returncode < 0 and "Fatal Python error: Aborted" in result.stderr
