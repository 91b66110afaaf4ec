"""Writes or checks the golden integers of the on-target test, firmware/test/test_pipeline/vectors.h.

    python -m kws_firmware.make_test_vectors --overwrite     after the bundle changed
    python -m kws_firmware.make_test_vectors --check

The audio is computed, by the same integer recipe here and on the board. Features, scores, states and detections come
from kws_reference and the bundle that firmware/generated was made from.
"""

import argparse
import sys
import zlib
from pathlib import Path

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.pipeline import Pipeline

from kws_firmware.boards import FIRMWARE

ROOT = FIRMWARE.parent
BUNDLE = ROOT / "training" / "zoo" / "matchbox"
HEADER = FIRMWARE / "test" / "test_pipeline" / "vectors.h"
SAMPLES = 16000
SEED = 20240607


def make_pcm(samples: int, seed: int) -> np.ndarray:
    """Audio of the test, int16 [samples]: noise through a resonance, loud and quiet by turns, clipped now and then.

    Twin of MakePcm() in test_pipeline.cc: 32-bit integers that wrap.
    """
    state, last, before, out = seed, 0, 0, []
    for n in range(samples):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        noise = (state >> 16) - 32768
        level = (n >> 9) & 7
        value = ((29000 * last - 15500 * before) >> 14) + (noise >> (10 - level))
        value = max(-32768, min(32767, value))
        last, before = value, last
        out.append(value)
    return np.array(out, np.int16)


def header_text(folder: Path) -> str:
    """Contents of vectors.h for the bundle in `folder`."""
    bundle = Bundle.load(folder)
    steps = Pipeline(bundle).run(make_pcm(SAMPLES, SEED), state_crcs=True)
    lines = [
        "// DO NOT EDIT. Golden integers of the on-target test.",
        "// Regenerate: python -m kws_firmware.make_test_vectors --overwrite",
        "#pragma once",
        "",
        "#include <cstddef>",
        "#include <cstdint>",
        "",
        "namespace kws::vectors {",
        "",
        f'constexpr char kModelSha256Hex[] = "{bundle.model_sha256}";',
        f"constexpr size_t kSamples = {SAMPLES};",
        f"constexpr uint32_t kSeed = {SEED};",
        f"constexpr size_t kLabelCount = {len(bundle.labels)};",
        f"constexpr size_t kStateCount = {len(bundle.states)};",
        f"constexpr size_t kStepCount = {len(steps)};",
        "",
        "struct Step {",
        "  uint32_t features_crc;",
        "  int8_t scores[kLabelCount];",
        "  int8_t detected_label;  // -1: none",
        "};",
        "constexpr Step kSteps[kStepCount] = {",
    ]
    for step in steps:
        scores = ", ".join(str(score) for score in step.scores.tolist())
        label = -1 if step.detection is None else step.detection.label
        lines.append(f"    {{0x{zlib.crc32(step.features.tobytes()):08X}, {{{scores}}}, {label}}},")
    lines += ["};", "", "// CRC-32 of each state after the last step, in tensor order."]
    crcs = ", ".join(f"0x{crc:08X}" for crc in steps[-1].state_crcs)
    lines += [
        f"constexpr uint32_t kStateCrcs[kStateCount + 1] = {{{crcs}, 0}};",
        "",
        "}  // namespace kws::vectors",
        "",
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when the check failed, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "bundle", nargs="?", type=Path, default=BUNDLE, help="bundle folder (default: the released one)"
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="exit 1 when the file is not what would be written")
    action.add_argument("--overwrite", action="store_true", help="write the file")
    options = parser.parse_args(argv)
    set_up(0, "kws_firmware")
    return status_of(lambda: run(options.bundle, options.overwrite))


def run(folder: Path, overwrite: bool) -> int:
    """Writes the file of the bundle in `folder`, or compares. Returns 0, or 1 when the file is another.

    Raises:
      KwsError: there is no bundle, or it is damaged.
    """
    text = header_text(folder)
    if overwrite:
        HEADER.write_text(text)
        print(f"wrote {HEADER.relative_to(ROOT)}")
        return 0
    if not HEADER.is_file() or HEADER.read_text() != text:
        print(f"{HEADER.relative_to(ROOT)} is stale: python -m kws_firmware.make_test_vectors --overwrite")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
