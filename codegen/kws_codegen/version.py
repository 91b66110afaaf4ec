"""Versions that generated files carry."""

GENERATOR_VERSION = "0.1.0"
"""Release of the generator, named in the banner of every generated file."""

GENERATOR_ABI = 1
"""Contract between generated code and the firmware's sources: ``kws::kEngineAbi`` in firmware/include/kws/engine.h."""
