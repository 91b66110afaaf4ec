"""The kit's front ends by the ``kind`` of a bundle's ``"frontend"`` dictionary: everybody gets the right one here."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.frontend import micro_config
from kws_reference.frontend.config import LOG_MEL, MFCC, FrontendConfig
from kws_reference.frontend.micro_config import MicroFrontendConfig

AnyFrontendConfig = FrontendConfig | MicroFrontendConfig
_CONFIGS: dict[str, type[AnyFrontendConfig]] = {
    MFCC: FrontendConfig,
    LOG_MEL: FrontendConfig,
    micro_config.KIND: MicroFrontendConfig,
}


class Whole(Protocol):
    """A front end over whole recordings."""

    def frames(self, pcm: np.ndarray) -> np.ndarray:
        """Returns the features of every whole frame, int8 [..., frames, coefficients], of PCM, int16 [..., n]."""


class Stream(Protocol):
    """A front end over a stream that arrives in pieces of any size."""

    def reset(self) -> None:
        """Forgets everything."""

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """Takes samples, int16 [n], and returns the frames that they complete, int8 [frames, coefficients]."""


def config_from_dict(values: Mapping[str, Any]) -> AnyFrontendConfig:
    """Reads the ``"frontend"`` dictionary of a bundle.

    Raises:
      KwsError: its kind is not known, or a key is missing, unknown or holds a value out of range.
    """
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _CONFIGS:
        raise KwsError(f"frontend kind: use one of {', '.join(_CONFIGS)}. Received: {str(kind)[:80]}")
    return _CONFIGS[kind].from_dict(values)


def whole(config: AnyFrontendConfig, zero_point: int = 0) -> Whole:
    """Returns the front end over whole recordings.

    Args:
      config: front end parameters.
      zero_point: the bundle's ``features.zero_point``; the micro front end's own integers hold it already.
    """
    # SciPy takes a fifth of a second, which programs that only read bundles can do without.
    from kws_reference.frontend.integer import Mfcc
    from kws_reference.frontend.micro import Micro

    return Micro(config) if isinstance(config, MicroFrontendConfig) else Mfcc(config, zero_point)


def stream(config: AnyFrontendConfig, zero_point: int = 0) -> Stream:
    """Returns the front end over a stream; arguments as those of `whole`."""
    from kws_reference.frontend.integer import MfccStream
    from kws_reference.frontend.micro import MicroStream

    return MicroStream(config) if isinstance(config, MicroFrontendConfig) else MfccStream(config, zero_point)


def stages(config: AnyFrontendConfig) -> tuple[str, ...]:
    """Returns the names of the stages whose results a device can digest, in the order of computation; may be none."""
    return micro_config.STAGES if isinstance(config, MicroFrontendConfig) else ()


def stage_values(config: AnyFrontendConfig, pcm: np.ndarray) -> tuple[np.ndarray, ...]:
    """Returns what each of `stages` computes of a recording, int64 [frames, values], each below 2^32.

    Args:
      config: front end parameters.
      pcm: int16 [n], from a reset on.
    """
    from kws_reference.frontend.micro import Micro

    return Micro(config).stages(pcm) if isinstance(config, MicroFrontendConfig) else ()


def require_mel_bands(config: AnyFrontendConfig, what: str) -> FrontendConfig:
    """Returns the configuration of an MFCC or log-mel front end.

    Args:
      config: front end parameters.
      what: who asks, for the message.

    Raises:
      KwsError: it is of another kind.
    """
    if not isinstance(config, FrontendConfig):
        raise KwsError(f'{what} knows the front ends "{MFCC}" and "{LOG_MEL}". Received: "{config.kind}".')
    return config
