"""What is computed from the images of the boards, in the place of measured: bounds of the stacks, estimated cycles.

    python -m kws_firmware.analyse            build, analyse, print
    python -m kws_firmware.analyse --path     also the calls to the deepest place of each stack
    python -m kws_firmware.analyse --write    keep the figures in firmware/analysed.json, of which tables are made
    python -m kws_firmware.analyse --check    exit 1 when that file says something else, or a stack is too small

A bound holds whatever is called; the measured stack (`kws_firmware.measure`) is what was seen. Cycles are those of
`kws-host bench --cycles`.
"""

import argparse
import dataclasses
import json
import logging
import sys
from pathlib import Path

from kws_host import benchmark
from kws_host.cycles import estimate
from kws_host.cycles.text import cycles_text
from kws_host.target import Target, open_device
from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of

from kws_firmware import analysed
from kws_firmware.boards import load_boards
from kws_firmware.measure import build, tool_versions
from kws_firmware.stack.image import StackBounds, stack_bounds, stack_sizes
from kws_firmware.tables import load_measured

CYCLES_BOARD = "mps2_an386"
"""Whose instructions are traced, for all boards with its core."""

log = logging.getLogger(__name__)


def analyse_stacks(images: dict[str, Path]) -> dict[str, StackBounds]:
    """Bounds of the stacks of some images, by board."""
    boards = load_boards()
    bounds = {}
    for name, elf in images.items():
        log.info(f"following the calls of {name}")
        bounds[name] = stack_bounds(elf, boards[name])
    return bounds


def analyse_cycles(elf: Path) -> dict:
    """Estimate of `CYCLES_BOARD`, see `kws_host.cycles.estimate`."""
    log.info(f"tracing {CYCLES_BOARD}")
    with open_device(Target(emulate=CYCLES_BOARD, elf=elf)) as device:
        pcm = benchmark.noise(device.clock, estimate.TRACED_STEPS)
        return estimate.estimate(device, CYCLES_BOARD, elf, pcm)


def too_small(bounds: dict[str, StackBounds], images: dict[str, Path], seen: dict[str, int]) -> list[str]:
    """One line for each stack that may run over, or that was seen to be deeper than its bound says.

    Args:
      bounds: of each board.
      images: of each board.
      seen: deepest stack that was measured, by board.
    """
    lines = []
    for name, bound in bounds.items():
        thread, handlers = stack_sizes(images[name])
        if bound.thread > thread or bound.handlers > handlers:
            sizes = f"{bound.thread:,} of {thread:,} bytes, in handlers {bound.handlers:,} of {handlers:,}"
            lines.append(f"{name}: a stack may run over: {sizes}")
        if seen.get(name, 0) > bound.thread:
            lines.append(f"{name}: a stack of {seen[name]:,} bytes was measured, above its bound of {bound.thread:,}")
    return lines


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when the kept figures differ or a stack is too small, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="keep the figures in firmware/analysed.json")
    mode.add_argument("--check", action="store_true", help="compare with firmware/analysed.json")
    parser.add_argument("--path", action="store_true", help="print the calls to the deepest place of each stack")
    parser.add_argument("--built", type=Path, help="folder of images built before, in the place of building them")
    options = parser.parse_args(argv)
    set_up(0, "kws_firmware")
    return status_of(lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Builds, analyses, prints, keeps or compares. Returns 0, or 1 when something differs or may run over.

    Raises:
      KwsError: a build failed, an image is missing, or its calls cannot be followed.
    """
    names = [name for name, board in load_boards().items() if board.toolchain == "arm"]
    images = {name: options.built / name / "firmware.elf" if options.built else build(name) for name in names}
    bounds = analyse_stacks(images)
    cycles = analyse_cycles(images[CYCLES_BOARD])
    now = analysed.Analysed(tool_versions(), analysed.stack_rows(bounds), analysed.cycle_rows(cycles))
    print(analysed.stacks(now), cycles_text(cycles), sep="\n\n")
    for name, bound in bounds.items() if options.path else ():
        print(f"\n{name}:", *(f"  {added:>6,}  {function}" for function, added in bound.path), sep="\n")
    failed = too_small(bounds, images, {name: row["stack"] for name, row in load_measured().boards.items()})
    if options.write:
        text = json.dumps(dataclasses.asdict(now), indent=1) + "\n"
        analysed.ANALYSED.write_text(text, encoding="utf-8")
    if options.check and now != analysed.load_analysed():
        failed.append(f"the images give other figures than {analysed.ANALYSED.name} has. Run make measure.")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
