"""What an emulated board executed: blocks of instructions, in order, out of QEMU's log."""

import dataclasses
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError

from kws_host import bulk, emulator
from kws_host.bulk_run import EmulatedBoard
from kws_host.cycles import instruction
from kws_host.cycles.instruction import Instruction
from kws_host.emulator.qemu import reason_in

_EXECUTED = re.compile(r"Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/[^\]]*\] (.*)")
_TRANSLATED = "IN: "
_TIMEOUT_S = 120.0


@dataclasses.dataclass(frozen=True)
class Block:
    """Instructions that are executed one after the other, without an interruption.

    Attributes:
      symbol: the function that they are of, "" where nobody says.
      instructions: at least one.
    """

    symbol: str
    instructions: tuple[Instruction, ...]

    @property
    def start(self) -> int:
        """Address of the first."""
        return self.instructions[0].address

    @property
    def end(self) -> int:
        """Address behind the last."""
        return self.instructions[-1].address + self.instructions[-1].size


def record(board: EmulatedBoard, pcm: np.ndarray) -> list[Block]:
    """Runs a recording through a firmware and returns all that it executed, from reset to end.

    Instructions are not counted meanwhile (no ``-icount``): nothing interrupts a bulk run, so that every block that the
    log names was executed to its end.

    Args:
      board: what to run.
      pcm: int16 ``[samples]``.

    Raises:
      KwsError: it cannot be started, fails, or this QEMU does not say what it executed.
    """
    with tempfile.TemporaryDirectory(prefix="kws-cycles-") as name:
        folder = Path(name)
        (folder / "in.bin").write_bytes(bulk.encode_input([pcm]))
        logged = ("-d", "exec,in_asm,nochain", "-D", "log.txt")
        config = dataclasses.replace(board.config(), extra=logged)
        result = emulator.run(config, _TIMEOUT_S, cwd=folder, capture_output=True)
        if result.returncode:
            said = reason_in((result.stdout + b"\n" + result.stderr).decode("utf-8", "replace"))
            raise KwsError(f"the firmware ended with status {result.returncode}: {said or 'no reason given'}")
        with (folder / "log.txt").open(encoding="utf-8", errors="replace") as log:
            return read(log)


def read(log: Iterable[str]) -> list[Block]:
    """Blocks that a log says were executed, in order.

    Args:
      log: lines of text, of ``-d exec,in_asm,nochain``.

    Raises:
      KwsError: a block was executed that the log does not list, or lists without its instructions' names.
    """
    blocks: dict[int, Block] = {}
    executed: list[Block] = []
    symbol, listed = "", list[Instruction]()
    for line in log:
        if line.startswith("Trace "):
            found = _EXECUTED.match(line)
            if found is None:
                raise KwsError(f"QEMU's log has a line that nobody knows. Received: {line.strip()!r}.")
            start = int(found[1], 16)
            if listed and listed[0].address == start:
                blocks[start] = Block(symbol, tuple(listed))
            listed = []
            if start not in blocks:
                raise KwsError(
                    f"QEMU executed {start:#x} without naming its instructions: use a QEMU that is built with capstone"
                )
            executed.append(blocks[start])
        elif line.startswith(_TRANSLATED):
            symbol, listed = line.removeprefix(_TRANSLATED).strip(), []
        elif line.startswith("0x"):
            one = instruction.parse(line)
            if one is None:
                raise KwsError(f"QEMU's disassembler does not know an instruction. Received: {line.strip()!r}.")
            listed.append(one)
    return executed
