"""How scenes are drawn and what they count in training."""

import dataclasses

from kws_reference.errors import KwsError

from kws_training.hyperparameters import hyperparameter

_RANGES = {
    "batch": (1, 10_000),
    "passes": (1, 100),
    "frames": (98, 2000),
    "moment_step": (1, 200),
    "weight": (0, 100),
    "hardest": (0, 1),
    "speech": (0, 1),
    "words": (0, 1),
    "keywords": (0, 1),
    "pauses": (0, 1),
    "competing": (0, 1),
    "competing_snr_low_db": (-20, 60),
    "competing_snr_high_db": (-20, 60),
    "heard_s": (0.02, 2),
    "passed_s": (0.02, 5),
    "resample": (0, 0.5),
    "gain_low_db": (-80, 20),
    "gain_high_db": (-80, 20),
    "noise": (0, 1),
    "snr_low_db": (-20, 60),
    "floor": (0, 1),
    "rooms": (0, 1),
    "microphones": (0, 1),
    "overdriven": (0, 1),
    "begun": (0, 1),
    "time_masks": (0, 100),
    "time_frames": (0, 1000),
    "feature_masks": (0, 100),
    "feature_count": (0, 1000),
    "hard_rounds": (0, 10),
    "hard_share": (0, 1),
    "hard_level": (0, 1),
    "believed": (0, 1),
}


@dataclasses.dataclass(frozen=True)
class SceneConfig:
    """Numbers of the scenes; each field says what it is."""

    batch: int = hyperparameter(48, "scenes beside the clips of each step")
    passes: int = hyperparameter(
        2, "times that an epoch takes each of its scenes, in another order: so much rendering is spared"
    )
    frames: int = hyperparameter(198, "frames of a scene (198 = 2 s)", "FRAMES")
    moment_step: int = hyperparameter(
        10, "frames from one moment with a target to the next; the first is after the frames of a clip", "FRAMES"
    )
    weight: float = hyperparameter(1.0, "weight of the scenes' loss beside the clips'")
    hardest: float = hyperparameter(0.5, "share of that loss which is each scene's hardest moment, not all of them")
    speech: float = hyperparameter(0.45, "share of the scenes that are running speech alone")
    words: float = hyperparameter(0.47, "share of the scenes with the word of a clip; the others are noise or silence")
    keywords: float = hyperparameter(0.6, "share of those words that are keywords")
    pauses: float = hyperparameter(0.35, "share of those words that stand in a pause of running speech")
    competing: float = hyperparameter(0.15, "share of those words that stand above quieter speech")
    competing_snr_low_db: float = hyperparameter(8.0, "least level of a word above that speech", "DB")
    competing_snr_high_db: float = hyperparameter(25.0, "greatest level of a word above that speech", "DB")
    heard_s: float = hyperparameter(0.45, "seconds behind a keyword's end in which it is the target", "SECONDS")
    passed_s: float = hyperparameter(0.9, "seconds behind a keyword's end after which it no longer is one", "SECONDS")
    resample: float = hyperparameter(0.15, "change of speed, +-")
    gain_low_db: float = hyperparameter(-34.0, "least gain of half of the scenes; -12 dB of the others", "DB")
    gain_high_db: float = hyperparameter(3.0, "greatest gain", "DB")
    noise: float = hyperparameter(0.7, "share of the scenes with noise")
    snr_low_db: float = hyperparameter(0.0, "least level of a word above the noise", "DB")
    floor: float = hyperparameter(0.6, "share of the scenes with near-silence of some texture under them")
    rooms: float = hyperparameter(0.4, "share of the scenes whose speech is in a room")
    microphones: float = hyperparameter(0.4, "share of the scenes whose speech a microphone colours")
    overdriven: float = hyperparameter(0.05, "share of the scenes that are clipped")
    begun: float = hyperparameter(0.25, "share of the scenes before whose beginning a device has heard nothing")
    time_masks: int = hyperparameter(2, "SpecAugment's stretches of frames for each scene")
    time_frames: int = hyperparameter(15, "longest of these stretches", "FRAMES")
    feature_masks: int = hyperparameter(2, "SpecAugment's bands of coefficients for each scene")
    feature_count: int = hyperparameter(5, "widest of these bands")
    hard_rounds: int = hyperparameter(
        2, "times that the model listens to the training speech: after 1/2, 3/4, 7/8 ... of the epochs"
    )
    hard_share: float = hyperparameter(0.4, "share of the scenes of speech alone around what then raised a keyword")
    hard_level: float = hyperparameter(0.2, "probability of a keyword that counts as raised")

    believed: float = hyperparameter(
        0.95, "probability above which a keyword in speech without transcript may have been said, and is not untaught"
    )

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
          KwsError: a value is out of range; the message names it.
        """
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise KwsError(f"scene {name}: use {low} to {high}. Received: {getattr(self, name)}")
        for lower, upper in (
            ("gain_low_db", "gain_high_db"),
            ("competing_snr_low_db", "competing_snr_high_db"),
            ("heard_s", "passed_s"),
        ):
            if getattr(self, lower) > getattr(self, upper):
                raise KwsError(
                    f"scene {lower} is above {upper}. Received: {getattr(self, lower):g} and {getattr(self, upper):g}."
                )
        for first, second in (("speech", "words"), ("pauses", "competing")):
            if getattr(self, first) + getattr(self, second) > 1:
                raise KwsError(
                    f"scene {first} and {second} are shares of the same scenes: at most 1 together. "
                    f"Received: {getattr(self, first):g} and {getattr(self, second):g}."
                )
