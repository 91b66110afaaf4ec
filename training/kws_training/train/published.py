"""The recipe of the published Matchbox figures (O. Rybakov et al., arXiv:2005.06720, and its code, kws_streaming)."""

from kws_training.data.augment_config import AugmentConfig
from kws_training.train.recipe import Recipe

MODELS = ("matchbox", "matchbox_noncausal")  # the published network, streaming and not


def recipe() -> Recipe:
    """Adam with four stages, batches of 100; nothing of what the kit's own recipe adds (decay, smoothing, gain)."""
    return Recipe(
        batch=100,
        stage_steps=(40_000, 40_000, 20_000, 20_000),
        stage_rates=(1e-3, 5e-4, 2e-4, 1e-4),
        weight_decay=0.0,  # of AdamW, which then is Adam
        label_smoothing=0.0,
        dropout=0.0,
        mixup=0.0,
        weight_averaging=0.0,
        augment=AugmentConfig(
            shift_samples=1600,  # 100 ms
            resample=0.15,
            gain_low_db=0.0,
            gain_high_db=0.0,
            noise_probability=0.8,
            noise_volume=0.1,
            time_masks=2,
            time_frames=25,
            feature_masks=2,
            feature_count=7,
            silence_percent=10.0,
            unknown_percent=10.0,
            unknown_balance=0.0,
            keyword_balance=0.0,
        ),
    )
