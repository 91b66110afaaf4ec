"""Instructions per step and flash of the released Matchbox with 8-bit and with 4-bit weights, on emulated boards.

    python -m tests.tools.measure_int4          the table of codegen/README.md

The weights of the released model are rounded to 4 bits, which says nothing about accuracy and gives the sizes and the
code of a model that was trained so. Each variant is built as a whole firmware and measured as kws_firmware.measure
does: QEMU counts the instructions while noise is streamed over the serial port.
"""

import argparse
import sys
from pathlib import Path

from kws_codegen import report
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import build, generate
from kws_firmware.measure import measure_board
from kws_reference.bundle import Bundle

from tests.support import boards, models

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = {
    "8 bits": (),
    "4 bits, depthwise 8": ("CONV_2D", "FULLY_CONNECTED"),
    "4 bits": ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D"),
}
BOARDS = ("mps2_an386", "mps3_an547")


def main(argv: list[str] | None = None) -> int:
    """Builds, runs, prints. Returns 0, or 1 when a build failed."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(argv)
    released = Bundle.load(ROOT / "training" / "zoo" / "matchbox")
    print("| Weights | Bytes of weights | Engine M4 | Engine M55 | Flash M4 | Flash M55 |\n|---|---|---|---|---|---|")
    for number, (name, kinds) in enumerate(VARIANTS.items()):
        folder = ROOT / "build" / "int4" / str(number)
        bundle = models.int4_bundle(released, folder / "bundle", kinds)
        facts = report.facts(bundle, *build(bundle))
        size = sum(layer["weights_bytes"] for layer in facts["layers"])
        write_files(folder / "generated", generate(bundle))
        rows = []
        for board in BOARDS:
            environment = {"KWS_GENERATED": str(folder / "generated")}
            result = boards.pio("run", "-e", board, build_dir=folder / "pio", environment=environment)
            if result.returncode:
                print(result.stdout + result.stderr, file=sys.stderr)
                return 1
            rows.append(measure_board(board, folder / "pio" / board / "firmware.elf"))
        cells = [size, *(row["engine"] for row in rows), *(row["flash"] for row in rows)]
        print(f"| {name} | " + " | ".join(f"{cell:,}" for cell in cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
