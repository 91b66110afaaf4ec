"""Turns a model bundle into C++: weights, static state buffers, an exact memory plan and straight-line kernel calls."""
