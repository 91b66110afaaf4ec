"""Talks to keyword-spotting firmware: flash, monitor, check, bench, over a serial port or an emulator's socket."""
