"""Instructions, flash, RAM and stack of other people's models, adopted, on emulated boards.

    python -m tests.tools.measure_adopted          measures all and writes codegen/adopted.json

The models: microWakeWord's as its package brings them, and published networks with random weights, which say what a
shape costs and nothing about accuracy. Each is built as a whole firmware and measured as kws_firmware.measure does:
QEMU counts the instructions while noise is streamed over the serial port. `make figures` makes the table of it.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from kws_codegen.commands.generate import write_files
from kws_codegen.generator import build, generate
from kws_firmware.measure import measure_board
from kws_reference.bundle import Bundle

from tests.support import boards, wake_words
from tests.support.published import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "codegen" / "adopted.json"
BOARDS = ("mps2_an386", "mps3_an547")


def main(argv: list[str] | None = None) -> int:
    """Builds, runs, writes. Returns 0, or 1 when a build failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these models; the record keeps the others")
    names = parser.parse_args(argv).names or [*wake_words.MODELS, *PUBLISHED]
    record: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for name in names:
        measured = _measure(name)
        if measured is None:
            return 1
        record[name] = measured
        known = [other for other in (*wake_words.MODELS, *PUBLISHED) if other in record]
        RECORD.write_text(json.dumps({other: record[other] for other in known}, indent=1) + "\n")
        print(name, json.dumps(measured), flush=True)
    return 0


def _measure(name: str) -> dict[str, Any] | None:
    folder = ROOT / "build" / "adopted" / name
    bundle = _bundle(name, folder / "bundle" / name)
    _, program, plan = build(bundle)
    write_files(folder / "generated", generate(bundle))
    result: dict[str, Any] = {
        "frames_per_step": bundle.frames_per_step,
        "step_ms": bundle.clock.step_ms,
        "macs": program.macs,
        "state_bytes": sum(buffer.data_bytes for buffer in program.buffers),
        "scratch_bytes": plan.scratch_bytes,
        "boards": {},
    }
    for board in BOARDS:
        environment = {"KWS_GENERATED": str(folder / "generated")}
        built = boards.pio("run", "-e", board, build_dir=ROOT / "build" / "adopted" / "pio", environment=environment)
        if built.returncode:
            print(built.stdout + built.stderr, file=sys.stderr)
            return None
        row = measure_board(board, ROOT / "build" / "adopted" / "pio" / board / "firmware.elf")
        result["boards"][board] = {key: row[key] for key in ("engine", "step", "flash", "ram", "stack")}
    return result


def _bundle(name: str, folder: Path) -> Bundle:
    return PUBLISHED[name].bundle(folder) if name in PUBLISHED else wake_words.adopt(name, folder)


if __name__ == "__main__":
    sys.exit(main())
