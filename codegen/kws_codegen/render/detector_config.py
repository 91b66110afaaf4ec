"""Template context of detector_config.h and detector_config.cc."""

from typing import Any

from kws_reference.bundle import Bundle
from kws_reference.detector.integer import DetectorTables, detector_tables


def context(bundle: Bundle) -> dict[str, Any]:
    """Returns what the templates need to render a bundle's detector."""
    return config_context(detector_tables(bundle))


def config_context(t: DetectorTables) -> dict[str, Any]:
    """Returns the context for constants that belong to no bundle (tests)."""
    return {"t": t}
