"""Where words are heard: rooms, microphones, noise, other people, near-silence; for what share of the clips."""

import dataclasses

from kws_reference.errors import KwsError

from kws_training.hyperparameters import hyperparameter

_RANGES = {
    "room_share": (0, 1),
    "microphone_share": (0, 1),
    "noise_share": (0, 1),
    "noise_low_db": (-40, 100),
    "noise_high_db": (-40, 100),
    "talker_share": (0, 1),
    "talker_low_db": (-40, 100),
    "talker_high_db": (-40, 100),
    "overdrive_share": (0, 1),
    "gate_share": (0, 1),
    "floor_share": (0, 1),
    "texture_share": (0, 1),
    "texture_lsb": (1, 300),
}


@dataclasses.dataclass(frozen=True)
class SurroundingsConfig:
    """Shares and ranges; each field says what it is. With the defaults every share is 0: nothing is added.

    A share of 0 draws nothing, and whatever is drawn comes from a generator of its own: runs of before, whose records
    have none of these fields, are what they were.
    """

    room_share: float = hyperparameter(
        0.0, "share of the clips that are heard in a room (RT60 0.1 to 0.8 s, from 0.15 to 5 m)"
    )
    microphone_share: float = hyperparameter(0.0, "share of the clips that a coloured microphone records")
    noise_share: float = hyperparameter(
        0.0,
        "share of the clips with a piece of --noise (without: of the background recordings) at a level below theirs",
    )
    noise_low_db: float = hyperparameter(0.0, "loudest such noise: the word is so much above it", "DB")
    noise_high_db: float = hyperparameter(30.0, "faintest such noise: the word is so much above it", "DB")
    talker_share: float = hyperparameter(
        0.0, "share of the clips in which one to four other people say unknown words at the same time"
    )
    talker_low_db: float = hyperparameter(3.0, "loudest other people: the word is so much above them", "DB")
    talker_high_db: float = hyperparameter(25.0, "faintest other people: the word is so much above them", "DB")
    overdrive_share: float = hyperparameter(0.0, "share of the clips that are up to 20 dB too loud and clipped")
    gate_share: float = hyperparameter(
        0.0, "share of the clips whose pauses a gate makes near-silence; silent ones are switched off and on"
    )
    floor_share: float = hyperparameter(0.0, "share of the clips that have a texture of near-silence under them")
    texture_share: float = hyperparameter(0.0, "share of the drawn silent clips that are a texture of near-silence")
    texture_lsb: float = hyperparameter(30.0, "loudest texture, rms in least significant bits", "LSB")

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
          KwsError: a value is out of range; the message names it.
        """
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise KwsError(f"augmentation {name}: use {low} to {high}. Received: {getattr(self, name)}")
        for name in ("noise", "talker"):
            low_db, high_db = getattr(self, f"{name}_low_db"), getattr(self, f"{name}_high_db")
            if low_db > high_db:
                raise KwsError(f"augmentation {name}: {low_db} dB is above {high_db} dB.")

    @property
    def off(self) -> bool:
        """Whether nothing is added: every share is 0."""
        return not any(value for name, value in vars(self).items() if name.endswith("_share"))
