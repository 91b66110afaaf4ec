"""Cycles of a Cortex-M4 out of a log of QEMU, as far as it needs no emulator."""

import json
import re

import pytest
from kws_host.cycles import chips, cortex_m4, instruction, stages, trace
from kws_host.cycles.chips import Flash
from kws_host.cycles.cortex_m4 import Cycles
from kws_host.cycles.flash import CodeCache
from kws_host.cycles.trace import Block
from kws_reference.errors import KwsError

from tests.support.paths import ROOT

TICKS, ENGINE = stages._TICKS, stages._ENGINE_STEP


def block(*words: str, start: int = 0x1000, symbol: str = "f") -> Block:
    """Instructions of 2 bytes one after the other; of 4 where a mnemonic ends with ``.w``."""
    found, at = [], start
    for text in words:
        name, _, operands = text.partition(" ")
        size = 4 if name.endswith(".w") else 2
        found.append(instruction.Instruction(at, size, name.removesuffix(".w"), operands))
        at += size
    return Block(symbol, tuple(found))


def likely(*words: str, to: Block | None = None) -> int:
    """Likely cycles of a block that goes on at `to`, or straight on."""
    one = block(*words)
    return cortex_m4.cycles_of([one, to or block("nop", start=one.end)])[0].likely


# The log


LOG = """----------------
IN: f
0x00001000:  f8d1 2004  ldr.w    r2, [r1, #4]
0x00001004:  3b01       subs     r3, #1
0x00001006:  d1fb       bne      #0x1000

Trace 0: 0x7f8fc8000100 [00800408/00001000/00000110/ff000200] f
Trace 0: 0x7f8fc8000100 [00800408/00001000/00000110/ff000200] f
"""


def test_read_log_gives_the_blocks_in_the_order_of_their_execution():
    blocks = trace.read(LOG.splitlines(keepends=True))
    assert [(each.symbol, each.start, each.end) for each in blocks] == [("f", 0x1000, 0x1008)] * 2
    first = blocks[0].instructions[0]
    assert (first.size, first.mnemonic, first.operands) == (4, "ldr", "r2, [r1, #4]")


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("Trace 0: 0x7f [0/00002000/0/0] f\n", "executed 0x2000 without naming"),
        ("IN: f\n0x00001000:  ef02 0d40  \n", "does not know an instruction. Received: '0x00001000:"),
        ("Trace of another QEMU\n", "a line that nobody knows"),
    ],
)
def test_read_log_that_is_not_understood_is_refused(log, message):
    with pytest.raises(KwsError, match=message):
        trace.read(log.splitlines(keepends=True))


# Timings: those that the manual states, in its own examples where it has some


@pytest.mark.parametrize(
    ("words", "cycles"),
    [
        (["add r0, r1"], 1),
        (["smlad r0, r1, r2, r3"], 1),
        (["mla r0, r1, r2, r3"], 1),
        (["umull r0, r1, r2, r3"], 1),
        (["udiv r0, r1, r2"], 7),
        (["ldr r0, [r1]"], 2),
        (["ldr r0, [r1]", "ldr r1, [r2]"], 3),
        (["ldr r0, [r1, r5]", "ldr r1, [r2]", "ldr r2, [r3, #4]"], 4),
        (["ldr r0, [r1, r2]", "str r1, [r3, r2]"], 3),
        (["ldr r0, [r1]", "ldr r2, [r0]"], 4),  # the address is what the first loads
        (["ldr r0, [r1], #4", "ldr r2, [r3]"], 4),  # a base that is written back
        (["str r0, [r1, #4]"], 1),
        (["str r0, [r1, r2]"], 2),
        (["add r1, r2", "ldr r0, [r1]"], 4),  # the address waits for the sum
        (["ldrd r0, r1, [r2]"], 3),
        (["ldm r0!, {r1, r2, r3}"], 4),
        (["push {r4, r5, lr}"], 4),
        (["ittet eq", "moveq r0, #1"], 2),
        (["vmla.f32 s0, s1, s2"], 3),
        (["vdiv.f32 s0, s1, s2"], 14),
        (["vldr d0, [r1]"], 3),
        (["vpush {d8, d9}"], 5),
        (["beq #0x1000"], 1),  # not taken: the trace goes straight on
    ],
)
def test_cycles_of_straight_instructions_are_the_manual_s(words, cycles):
    assert likely(*words) == cycles


@pytest.mark.parametrize(
    ("words", "to", "cycles"),
    [
        (["subs r0, #1", "bne #0x2000"], block("nop", start=0x2000), 3),
        (["bls #0x2002"], block("add.w r0, r1", start=0x2002), 3),  # a wide instruction across two words
        (["bx lr"], block("nop", start=0x2000), 3),
        (["pop {r4, pc}"], block("nop", start=0x2000), 6),
        (["tbb [pc, r0]"], block("nop", start=0x2000), 6),
    ],
)
def test_cycles_of_a_branch_taken_add_the_pipeline_s_refill(words, to, cycles):
    assert likely(*words, to=to) == cycles


def test_cycles_of_ranges_keep_their_ends():
    found = cortex_m4.cycles_of([block("sdiv r0, r1, r2", "b #0x2000"), block("nop", start=0x2000)])
    assert found == [Cycles(2 + 2, 7 + 2, 12 + 4)]


@pytest.mark.parametrize("mnemonic", ["vmlaldav.s8", "svc", "wfi"])
def test_cycles_of_an_unknown_instruction_are_refused_by_name(mnemonic):
    with pytest.raises(KwsError, match=f"Received: '{mnemonic}'"):
        likely(f"{mnemonic} r0, r1")


# Stages


def reading(at: int) -> list[Block]:
    return [block("nop", start=at, symbol=TICKS), block("bx lr", start=at + 2, symbol=TICKS)]


def work(count: int, symbol: str = "work") -> list[Block]:
    return [block("nop", start=0x4000 + 2 * index, symbol=symbol) for index in range(count)]


def test_steps_of_a_trace_are_cut_at_the_counter_s_readings():
    one = [*reading(0), *work(5), *reading(0), *work(2), *reading(0), *work(6), *reading(0), *work(1)]
    step = [*reading(0), *work(1, ENGINE), *work(9), *reading(0), *work(3), *reading(0), *work(4)]
    found = stages.steps_of([*work(7), *one, *step, *one, *step])
    assert len(found) == 2
    for each in found:
        assert stages.instructions_of(each.frontend) == 5 + 6 + 2 * 2
        assert stages.instructions_of(each.engine) == 10 + 2
        assert stages.instructions_of(each.detector) == 3 + 2


def test_steps_of_a_trace_without_engine_or_with_other_readings_are_refused():
    with pytest.raises(KwsError, match="computed no step"):
        stages.steps_of([*reading(0), *work(3), *reading(0)])
    with pytest.raises(KwsError, match="in another order"):
        stages.steps_of([*reading(0), *work(3), *reading(0), *work(1, ENGINE), *reading(0), *reading(0)])


# Flash


def waits(flash: Flash, *blocks: Block) -> list[float]:
    cache = CodeCache(flash)
    return [cache.waits([one], [Cycles(8, 8, 8)]) for one in blocks]


def test_code_cache_loop_that_fits_waits_once():
    here, there = block("nop", start=0), block("nop", start=0x100)
    assert waits(Flash(5, 16, 2), here, there, here, there) == [5, 5, 0, 0]
    assert waits(Flash(5, 16, 1), here, there, here, there) == [5, 5, 5, 5]
    assert waits(Flash(0, 16, 1), here, there) == [0, 0]


def test_code_cache_reading_ahead_hides_what_the_core_executes_meanwhile():
    straight = [block(*["nop"] * 8, start=16 * index) for index in range(3)]
    assert waits(Flash(5, 16, 0, prefetch=True), *straight) == [5, 0, 0]
    assert waits(Flash(11, 16, 0, prefetch=True), *straight) == [11, 3, 3]
    assert waits(Flash(11, 16, 0), *straight) == [11, 11, 11]


@pytest.mark.parametrize(
    ("board", "folder"),
    [("netduinoplus2", "stm32f4"), ("stm32f4_discovery", "stm32f4"), ("disco_l475vg_iot01a", "stm32l4")],
)
def test_chips_flash_waits_as_long_as_the_firmware_programs(board, folder):
    source = (ROOT / "firmware" / "boards" / folder / "clocks.cc").read_text(encoding="utf-8")
    programmed = re.findall(r"constexpr uint32_t kWaitStates = (\d+);", source)
    described = {chip.board: chip.flash for chip in chips.chips()}[board]
    assert described is not None and [str(described.wait_states)] == programmed


def test_chips_with_flash_that_is_not_understood_are_refused(tmp_path):
    file = {"build": {"f_cpu": "1000L"}, "kws": {"flash": {"wait_states": 1, "lines": 3}}}
    (tmp_path / "odd.json").write_text(json.dumps(file))
    with pytest.raises(KwsError, match="odd.json: kws.flash is not understood: .*lines"):
        chips.chips(tmp_path)
    with pytest.raises(KwsError, match="wait_states and code_lines of at least 0, line"):
        Flash(-1)
