"""Fixtures that several test folders share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def bundle_path() -> Path:
    """Folder of the released bundle, the one that the committed firmware is generated from."""
    return ROOT / "training" / "zoo" / "matchbox_kit12"
