"""Random configurations of the MFCC and log-mel front ends, any that the kit takes."""

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FFT_SIZES, FrontendConfig
from kws_reference.frontend.tables import tables_of

RATES_HZ = (8000, 11025, 16000, 22050, 48000)


def random_config(seed: int) -> FrontendConfig:
    """A configuration by its seed: kinds, transforms and preemphasis in turns, the other sizes drawn."""
    rng = np.random.default_rng([0x66656E64, seed])
    kind, fft_size = ("log_mel", "mfcc")[seed % 2], FFT_SIZES[seed % 3]
    while True:
        rate = int(rng.choice(RATES_HZ))
        window = int(rng.integers(fft_size // 4, fft_size + 1))
        low, high = sorted(rng.uniform(0, rate / 2, 2))
        bands = int(rng.integers(1, 65)) * (2 if kind == "mfcc" else 1)
        count = int(rng.integers(1, bands + 1)) if kind == "mfcc" else bands
        try:
            config = FrontendConfig(
                kind,
                sample_rate_hz=rate,
                window_samples=window,
                hop_samples=int(rng.integers(1, window + 1)),
                fft_size=fft_size,
                mel_bands=bands,
                mel_low_hz=float(low),
                mel_high_hz=float(high),
                coefficients=count,
                feature_mean=tuple(rng.uniform(-5, 15, count)),
                feature_std=tuple(10 ** rng.uniform(-1, 1.5, count)),
                preemphasis=float(rng.choice([0.5, 0.97, 32767 / 32768])) if seed % 4 < 2 else 0.0,
            )
            tables_of(config)
        except KwsError:  # no DFT bin in a band
            continue
        return config
