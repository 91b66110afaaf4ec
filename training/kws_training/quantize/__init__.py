"""Quantization-aware training: layers that take a precision, from which the exported integers follow exactly."""
