"""Versions that generated files carry."""

import importlib.metadata

RELEASE = importlib.metadata.version("kws-kit")
"""Release of the kit, named in the banner of every generated file."""

CONTRACT_VERSION = 8
"""The contract between generated code and the firmware's sources: which constants, tables, kernels and buffers
generated files define and use, and what they mean. ``KWS_CONTRACT_VERSION`` in firmware/include/kws/version.h is the
same number (a test holds this); generated files refuse to be compiled with any other."""
