"""Template context of frontend_tables.h and frontend_tables.cc."""

import math
from typing import Any

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.config import MFCC
from kws_reference.frontend.micro_config import MicroFrontendConfig
from kws_reference.frontend.micro_tables import MicroTables, micro_tables
from kws_reference.frontend.tables import LOG_MEL_BITS, LOG_OFFSET_Q10, FrontendTables, ram_bytes, tables_of

from kws_codegen.render import micro_tables as micro


def context(bundle: Bundle) -> dict[str, Any]:
    """Returns what the templates need to render a bundle's front end.

    Raises:
      KwsError: the quantization of the model's features contradicts ``frontend.feature_steps_per_std``.
    """
    if isinstance(bundle.frontend, MicroFrontendConfig):
        return tables_context(micro_tables(bundle.frontend))
    steps = bundle.frontend.feature_steps_per_std
    # The converter keeps the scale as float32 and may have computed it from a range of 255 steps: 1e-5 covers both.
    if not math.isclose(bundle.features.scale * steps, 1.0, rel_tol=1e-5):
        raise KwsError(
            f"frontend.feature_steps_per_std {steps} needs features.scale {1 / steps}. "
            f"Received: {bundle.features.scale}. Export the bundle again."
        )
    return tables_context(tables_of(bundle.frontend, bundle.features.zero_point))


def tables_context(t: FrontendTables | MicroTables) -> dict[str, Any]:
    """Returns the context for tables that belong to no bundle (tests)."""
    if isinstance(t, MicroTables):
        arrays, extra = micro.arrays(t), micro.extra(t)
    else:
        arrays = _mfcc_arrays(t)
        extra = {
            "ram_bytes": ram_bytes(t.config),
            "log_offset_q10": LOG_OFFSET_Q10,
            "log_mel_bits": LOG_MEL_BITS,
        }
    return {
        "t": t,
        "config": t.config,
        **extra,
        "arrays": [
            {"type": kind, "name": name, "size": size, "values": np.asarray(values).reshape(-1), "comment": text}
            for kind, name, size, values, text in arrays
        ],
    }


def _mfcc_arrays(t: FrontendTables) -> list[tuple[str, str, str, Any, str | None]]:
    return [
        ("uint16_t", "kHannQ16", "kFftSize", t.hann_q16, "Periodic Hann window, zeros behind it."),
        (
            "uint8_t",
            "kFirstIndex",
            "kFftPoints / kFirstRadix",
            t.first_index,
            "Input of each butterfly of the first stage.",
        ),
        (
            "int32_t",
            "kTwiddleQ31",
            "6 * kFftPoints / 4",
            t.twiddle_q31,
            "(cos, sin) of 2 pi q j / kFftPoints for q = 1, 2, 3, for each j.",
        ),
        ("int32_t", "kSplitQ31", "kFftPoints", t.split_q31, "(cos, sin) of 2 pi k / kFftSize, for each k."),
        ("uint32_t", "kSqrtQ31", "97", t.sqrt_q31, "sqrt(i / 128), i = 32..128."),
        ("uint16_t", "kLog2Q15", "65", t.log2_q15, "log2(1 + i / 64), i = 0..64."),
        (
            "uint16_t",
            "kMelSegmentBins",
            "kMelBands + 1",
            t.mel_segment_bins,
            "DFT bins from the lower edge of band b to that of band b + 1.",
        ),
        (
            "uint16_t",
            "kMelWeightQ16",
            "kMelBins",
            t.mel_weight_q16,
            "Weight of each bin in the band that begins at its segment; the band below takes the rest of 1.",
        ),
        *_dct_arrays(t),
        ("int32_t", "kMultiplier", "kCoefficients", t.multiplier, "Normalisation to int8: (multiplier * x + offset)"),
        ("int64_t", "kOffset", "kCoefficients", t.offset, None),
        ("uint8_t", "kShift", "kCoefficients", t.shift, ">> (32 + shift)."),
    ]


def _dct_arrays(t: FrontendTables) -> list[tuple[str, str, str, Any, str | None]]:
    if t.config.kind != MFCC:
        return []
    rows = "Fractional bits: kDctBits. Rows of half a DCT-II, zero padded."
    return [("int16_t", "kDct", "kCoefficients * kDctHalf", t.dct, rows)]
