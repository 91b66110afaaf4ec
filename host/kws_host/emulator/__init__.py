"""Firmware in QEMU: boards, command line, processes of ours, and emulators that stay in the background."""

from kws_host.emulator.process import Emulator, run
from kws_host.emulator.qemu import EmulatorConfig

__all__ = ["Emulator", "EmulatorConfig", "run"]
