"""How many random stacks of layers a test draws, and how."""

import os

from hypothesis import HealthCheck, settings


def random_stacks(examples: int) -> settings:
    """Always the same stacks, ``examples`` of them; with ``KWS_STACKS=N`` in the environment N others."""
    wanted = int(os.environ.get("KWS_STACKS", "0"))
    return settings(
        max_examples=wanted or examples,
        derandomize=not wanted,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
