"""Writes or checks the taps of the decimators of pulse density, firmware/boards/pdm/pdm_taps.h.

python -m kws_firmware.make_pdm_taps --overwrite     after the taps of kws_reference/audio/pdm.py changed
python -m kws_firmware.make_pdm_taps --check
"""

import argparse
import sys

from kws_reference.audio import pdm
from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE

HEADER = FIRMWARE / "boards" / "pdm" / "pdm_taps.h"


def header_text() -> str:
    """Contents of pdm_taps.h."""
    sums = pdm.sum_taps()
    taps = [f"  {', '.join(map(str, part))}," for part in _rows(pdm.TAPS_128K_Q15)]
    half = [f"  {', '.join(map(str, part))}," for part in _rows(pdm.HALF_BAND_Q15)]
    lines = [
        "// DO NOT EDIT. The decimators of pulse density as training/kws_reference/audio/pdm.py defines them.",
        "// Regenerate: python -m kws_firmware.make_pdm_taps --overwrite",
        "#pragma once",
        "",
        "#include <cstddef>",
        "#include <cstdint>",
        "",
        "namespace kws::pdm {",
        "",
        f"inline constexpr size_t kWordsPerSample = {pdm.WORDS_PER_SAMPLE};  // of 16 bits",
        f"inline constexpr size_t kSumsPerSample = {pdm.SUMS_PER_SAMPLE};",
        f"inline constexpr size_t kSumStep = {pdm.SUM_STEP};",
        f"inline constexpr size_t kHalfStep = {pdm.HALF_STEP};",
        f"inline constexpr int kFullSum = {pdm.FULL_SUM};",
        "",
        "// A bit's weight in the sums, by its age.",
        f"inline constexpr size_t kSumTapCount = {len(sums)};",
        "inline constexpr uint16_t kSumTaps[kSumTapCount] = {",
        *(f"  {', '.join(map(str, part))}," for part in _rows(sums)),
        "};",
        "",
        "// 128 kHz to 32 kHz, Q15: the first half of symmetric taps.",
        f"inline constexpr size_t kTapCount128k = {2 * len(pdm.TAPS_128K_Q15)};",
        "alignas(4) inline constexpr int16_t kTaps128k[kTapCount128k / 2] = {",
        *taps,
        "};",
        "",
        "// 32 kHz to 16 kHz, Q15: the first half of every second tap; the middle one is a half, the others are 0.",
        f"inline constexpr size_t kHalfBandCount = {2 * len(pdm.HALF_BAND_Q15)};",
        "alignas(4) inline constexpr int16_t kHalfBand[kHalfBandCount / 2] = {",
        *half,
        "};",
        "",
        "}  // namespace kws::pdm",
    ]
    return "\n".join(lines) + "\n"


def _rows(values: object, width: int = 12) -> list[list[int]]:
    numbers = [int(value) for value in values]  # type: ignore[attr-defined]
    return [numbers[at : at + width] for at in range(0, len(numbers), width)]


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0; 1 when the header is not of these taps; 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--overwrite", action="store_true", help="write the header")
    what.add_argument("--check", action="store_true", help="compare the header")
    options = parser.parse_args(argv)
    set_up(0, "kws_firmware")
    return status_of(lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Writes, or compares. Returns 0, or 1 when the header is another.

    Raises:
      KwsError: the header cannot be written.
    """
    text = header_text()
    if options.check:
        if HEADER.is_file() and HEADER.read_text(encoding="utf-8") == text:
            return 0
        print(f"{HEADER}: not of these taps. Run python -m kws_firmware.make_pdm_taps --overwrite", file=sys.stderr)
        return 1
    try:
        HEADER.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KwsError(f"cannot write {HEADER}: {error.strerror}") from error
    return 0


if __name__ == "__main__":
    sys.exit(main())
