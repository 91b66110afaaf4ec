"""Template context of frontend_tables.h and frontend_tables.cc for the micro front end."""

from typing import Any

from kws_reference.frontend.micro_config import FFT_SIZE
from kws_reference.frontend.micro_tables import CORRECTION_BITS, MicroTables, ram_bytes


def arrays(t: MicroTables) -> list[tuple[str, str, str, Any, str | None]]:
    """Returns type, name, size, values and comment of each array."""
    return [
        ("int16_t", "kWindowQ12", "kPaddedSamples", t.window_q12, "Hann window between the samples, zeros behind it."),
        (
            "int16_t",
            "kTwiddleQ15",
            "2 * 3 * kFftPoints / 4",
            t.twiddle_q15,
            "(cos, -sin) of 2 pi k / kFftPoints, for each k.",
        ),
        (
            "int16_t",
            "kSplitQ15",
            "kFftPoints",
            t.split_q15,
            "(cos, -sin) of pi (k / kFftPoints + 1 / 2), for each k from 1 on.",
        ),
        (
            "uint8_t",
            "kSegmentBins",
            "kCoefficients + 1",
            t.segment_bins,
            "DFT bins from the lower edge of channel c to its centre; the last fall only.",
        ),
        (
            "int16_t",
            "kWeightQ12",
            "kBins",
            t.weight_q12,
            "Weight of each bin in the channel below its segment's; that of the segment takes the rest of 1.",
        ),
        (
            "int16_t",
            "kGain",
            "33 * 4",
            t.gain,
            "Gain at a noise estimate of so many bits: at the first, slope, curvature; the fourth is not used.",
        ),
        ("uint16_t", "kLog2Q16", "130", t.log2_q16, "log2(1 + i / 128) - i / 128, i = 0..128, and 0."),
    ]


def extra(t: MicroTables) -> dict[str, Any]:
    """Returns what the header needs beside tables and configuration."""
    return {"ram_bytes": ram_bytes(t.config), "fft_size": FFT_SIZE, "correction_bits": CORRECTION_BITS}
