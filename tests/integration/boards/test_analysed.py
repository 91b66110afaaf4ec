"""What is computed from the images is what is kept; no stack was seen deeper than its bound."""

import subprocess
import sys

import pytest
from kws_firmware import analyse
from kws_firmware.analysed import load_analysed
from kws_firmware.measure import tool_versions
from kws_firmware.stack.image import StackBounds
from kws_firmware.tables import load_measured
from kws_host.cycles import cortex_m4, estimate
from kws_host.cycles.cortex_m4 import Cycles
from kws_host.target import Target, open_device
from kws_reference.errors import KwsError

from tests.support import boards

pytestmark = pytest.mark.qemu


def test_analyse_equals_what_is_kept_and_every_stack_fits():
    boards.require_tools()
    kept, here = load_analysed().tools, tool_versions()
    if kept != here:
        pytest.skip(f"the figures are of other tools: {kept}; this machine has {here}")
    for env in boards.COMPILED:
        boards.build(env)
    command = [sys.executable, "-m", "kws_firmware.analyse", "--check", "--built", boards.BUILD]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_stack_bound_of_every_measured_board_is_no_less_than_what_was_seen():
    bounds = load_analysed().stacks
    for name, row in load_measured().boards.items():
        assert bounds[name]["thread"] >= row["stack"], name


def test_analyse_stack_above_its_bound_or_its_section_is_a_failure():
    images = {"mps2_an386": boards.build("mps2_an386")}
    fits = {"mps2_an386": StackBounds(1000, 500, ())}
    assert analyse.too_small(fits, images, {"mps2_an386": 1000}) == []
    assert "above its bound" in analyse.too_small(fits, images, {"mps2_an386": 1001})[0]
    assert "may run over" in analyse.too_small({"mps2_an386": StackBounds(9000, 500, ())}, images, {})[0]
    assert "may run over" in analyse.too_small({"mps2_an386": StackBounds(1000, 2049, ())}, images, {})[0]


def test_bench_cycles_count_what_the_device_counts_and_refuse_another_trace(monkeypatch):
    """A trace that misses one instruction of the engine is found by comparing with the device's counter."""
    elf = boards.build("netduinoplus2")
    with open_device(Target(emulate="netduinoplus2", elf=elf)) as device:
        pcm = analyse.benchmark.noise(device.clock, 2)
        found = estimate.estimate(device, "netduinoplus2", elf, pcm)
        monkeypatch.setattr(cortex_m4, "cycles_of", lambda piece: [Cycles(2, 2, 2)] * (len(piece) - 1))
        assert estimate.estimate(device, "netduinoplus2", elf, pcm)["cycles"] != found["cycles"]
        counted = estimate.stages.instructions_of
        monkeypatch.setattr(estimate.stages, "instructions_of", lambda pieces: counted(pieces) - 1)
        with pytest.raises(KwsError, match="the trace of the engine is not what the device counts"):
            estimate.estimate(device, "netduinoplus2", elf, pcm)
    assert found["cycles"]["engine"]["least"] > found["instructions"]["engine"] > 150_000
    by_board = {row["board"]: row for row in found["boards"]}
    assert by_board["netduinoplus2"]["wait_states"] == 5 and by_board["netduinoplus2"]["code_waits"] > 0


@pytest.mark.parametrize(("board", "core"), [("mps2_an500", "cortex-m7"), ("mps3_an547", "cortex-m55")])
def test_cycles_of_a_core_without_documented_timings_are_refused_by_name(board, core):
    with pytest.raises(KwsError, match=f"Received: {board}, a {core}: "):
        estimate.require_documented(board)
