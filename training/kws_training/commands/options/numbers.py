"""Numbers that a person gives: seeds and counts."""

from kws_reference.errors import KwsError

LARGEST_SEED = 2**32 - 1  # of numpy's older generators, which Keras seeds too


def check_seed(seed: int, option: str = "--seed", least: int = 0) -> None:
    """Refuses a seed that no generator takes.

    Raises:
      KwsError: it is below `least` or above `LARGEST_SEED`.
    """
    if not least <= seed <= LARGEST_SEED:
        raise KwsError(f"{option} must be {least} to {LARGEST_SEED}. Received: {seed}.")


def check_count(count: int, option: str, least: int = 1) -> None:
    """Refuses a number of clips, steps, layers, ... that leaves nothing to work on.

    Raises:
      KwsError: it is below `least`.
    """
    if count < least:
        raise KwsError(f"{option} must be at least {least}. Received: {count}.")
