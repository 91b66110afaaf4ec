"""Instructions per step and flash of the released Matchbox with 8-bit and with 4-bit weights, on emulated boards.

    python tests/tools/measure_int4.py          the table of codegen/README.md

The weights of the released model are rounded to 4 bits, which says nothing about accuracy and gives the sizes and the
code of a model that was trained so. Each variant is built as a whole firmware and measured as firmware/tools/measure.py
does: QEMU counts the instructions while noise is streamed over the serial port.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "firmware" / "tools")]

import measure  # noqa: E402
from kws_codegen import report  # noqa: E402
from kws_codegen.commands.generate import write_files  # noqa: E402
from kws_codegen.generator import build, generate  # noqa: E402
from kws_reference.bundle import Bundle  # noqa: E402

from tests.support import boards, models  # noqa: E402

VARIANTS = {
    "8 bits": (),
    "4 bits, depthwise 8": ("CONV_2D", "FULLY_CONNECTED"),
    "4 bits": ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D"),
}
BOARDS = ("mps2_an386", "mps3_an547")


def main() -> None:
    """Builds, runs, prints."""
    released = Bundle.load(ROOT / "training" / "zoo" / "matchbox_kit12")
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
                sys.exit(result.stdout + result.stderr)
            rows.append(measure.measure_board(board, folder / "pio" / board / "firmware.elf"))
        cells = [size, *(row["engine"] for row in rows), *(row["flash"] for row in rows)]
        print(f"| {name} | " + " | ".join(f"{cell:,}" for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
