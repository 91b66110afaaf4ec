"""Writes what follows from the protocol's table: C++ of the firmware and the tables of ``host/PROTOCOL.md``."""
