"""The committed records that tables are made of."""

import json
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

ZOO = Path(__file__).resolve().parents[2] / "zoo"
EXPERIMENTS = ZOO / "experiments"
RELEASED = ZOO / "matchbox"
INT4 = ZOO / "matchbox_int4"
KIT12 = EXPERIMENTS / "kit12_release"
"""The models released before, whose test was a split of the kit's own."""


def read_record(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
      KwsError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KwsError(f"cannot read {path}: {error}") from None
