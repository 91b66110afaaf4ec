"""A front end as somebody asks for it: the name of a kind, or a JSON file whose gaps are filled."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.frontend.config import FFT_SIZES, LOG_MEL, MAX_MEL_BANDS, MFCC, FrontendConfig
from kws_reference.frontend.kinds import AnyFrontendConfig, config_from_dict
from kws_reference.frontend.micro_config import KIND as MICRO
from kws_reference.frontend.micro_config import MICRO_SPEECH, MicroFrontendConfig

LOG_MEL_BANDS = 40
WINDOW_MS, HOP_MS = 30, 10
HIGHEST_HZ, HIGHEST_SHARE = 7600.0, 0.475  # of the sample rate: below the edge of a converter's filter


@dataclass(frozen=True)
class WantedFrontend:
    """A front end that can be computed.

    Attributes:
      config: its parameters.
      quantized: the integers that make int8 of its features were given.
    """

    config: AnyFrontendConfig
    quantized: bool


def wanted_frontend(text: str) -> WantedFrontend:
    """Reads what ``--frontend`` says.

    What a file lacks has the kind's defaults. Those of MFCC and log-mel follow the sample rate: a window of 30 ms every
    10 ms, the smallest transform that holds it, bands up to 7,600 Hz or 0.475 of the rate.

    Args:
      text: ``mfcc``, ``log_mel``, ``micro``, ``micro_speech``, or the path of a JSON file.

    Raises:
      KwsError: there is neither, or the front end cannot be computed.
    """
    if text == "micro_speech":
        return WantedFrontend(config_from_dict({**MicroFrontendConfig().to_dict(), **MICRO_SPEECH}), quantized=True)
    found = {"kind": text} if text in _KINDS else _read(text)
    quantized = bool(found.keys() & {*MICRO_SPEECH, "feature_steps_per_std"})
    defaults = MicroFrontendConfig().to_dict() if found["kind"] == MICRO else _mel_defaults(found)
    known = {*defaults, "preemphasis"} if found["kind"] != MICRO else defaults.keys()
    if unknown := sorted(found.keys() - known):
        raise KwsError(
            f"--frontend {text}: it holds {', '.join(unknown)}, which {found['kind']} does not have. Use some of "
            f"{', '.join(sorted(known))}. Correct the file."
        )
    try:
        config = config_from_dict({**defaults, **found})
        if isinstance(config, FrontendConfig):
            from kws_reference.frontend.tables import tables_of  # as `kinds` does: SciPy only where it is needed

            tables_of(config)
    except KwsError as error:
        reason = str(error).partition(" Export the bundle again")[0]
        raise KwsError(f"--frontend {text}: {reason.rstrip('.')}. Correct the file.") from None
    return WantedFrontend(config, quantized)


def _read(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_bytes())
    except OSError as error:
        kinds = ", ".join((*_KINDS, "micro_speech"))
        raise KwsError(f"--frontend: cannot read {path}: {error.strerror}. Give a file, or one of {kinds}.") from None
    except (ValueError, RecursionError) as error:
        raise KwsError(f"--frontend: {path} is not JSON ({error}).") from None
    if not isinstance(found, dict) or found.get("kind") not in _KINDS:
        raise KwsError(f"--frontend: {path} must hold a JSON object whose kind is one of {', '.join(_KINDS)}.")
    return found


def _mel_defaults(found: dict[str, Any]) -> dict[str, Any]:
    """The dictionary of an MFCC or log-mel front end for the sample rate and sizes that are given."""
    values = FrontendConfig().to_dict()
    rate = found.get("sample_rate_hz", values["sample_rate_hz"])
    if _is_size(rate):
        window = found.get("window_samples", rate * WINDOW_MS // 1000)
        values |= {
            "window_samples": window,
            "hop_samples": rate * HOP_MS // 1000,
            "fft_size": next((size for size in FFT_SIZES if _is_size(window) and window <= size), FFT_SIZES[-1]),
            "mel_high_hz": min(HIGHEST_HZ, HIGHEST_SHARE * rate),
        }
    if found["kind"] == LOG_MEL:
        values["mel_bands"] = values["coefficients"] = found.get("mel_bands", LOG_MEL_BANDS)
    count = found.get("coefficients", values["coefficients"])
    if _is_size(count) and count <= MAX_MEL_BANDS:
        values |= {"feature_mean": [0.0] * count, "feature_std": [1.0] * count}
    return values


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_KINDS = (MFCC, LOG_MEL, MICRO)
