"""USB ids of boards and debug probes whose serial port may lead to a firmware of ours: the one table of them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kws_reference.system.file_names import printable


@dataclasses.dataclass(frozen=True)
class UsbBoard:
    """What is known of a USB device.

    Attributes:
      name: for people.
      vendor: its USB vendor id.
      products: its product ids; none: all of the vendor's.
      probe: what can flash through it, "" where nothing can.
    """

    name: str
    vendor: int
    products: tuple[int, ...]
    probe: str = ""


USB_BOARDS = (
    UsbBoard("ST-LINK/V2 (Discovery, Nucleo)", 0x0483, (0x3748, 0x374B, 0x3752), "stlink, pyocd"),
    UsbBoard("ST-LINK/V3 (Discovery, Nucleo)", 0x0483, (0x374E, 0x374F, 0x3753, 0x3754), "stlink, pyocd"),
    UsbBoard("STM32 with a USB serial port of its own", 0x0483, (0x5740,)),
    UsbBoard("SEGGER J-Link (nRF DKs have one)", 0x1366, (), "jlink, pyocd"),
    UsbBoard("DAPLink (micro:bit and others)", 0x0D28, (0x0204,), "pyocd"),
    UsbBoard("Arduino Nano 33 BLE", 0x2341, (0x805A,), "sam-ba"),
    UsbBoard("Arduino Nano 33 BLE, in its boot loader", 0x2341, (0x005A,), "sam-ba"),
    UsbBoard("Raspberry Pi Debug Probe (CMSIS-DAP)", 0x2E8A, (0x000C,), "pyocd"),
    UsbBoard("NXP LPC-Link2 (CMSIS-DAP)", 0x1FC9, (0x0090,), "pyocd"),
    UsbBoard("NXP MCU-Link (CMSIS-DAP)", 0x1FC9, (0x0143,), "pyocd"),
    UsbBoard("FTDI serial adapter", 0x0403, (0x6001, 0x6010, 0x6011, 0x6014, 0x6015)),
    UsbBoard("Silicon Labs CP210x serial adapter", 0x10C4, (0xEA60, 0xEA70)),
    UsbBoard("WCH CH340 serial adapter", 0x1A86, (0x7523, 0x5523, 0x55D4)),
)
ANY_CMSIS_DAP = "CMSIS-DAP probe"
"""Of whatever vendor: such probes must say so in their name."""


def board_of(vendor: int | None, product: int | None, description: str = "") -> UsbBoard | None:
    """What a USB device is; None: nobody knows, or it is no USB device."""
    if vendor is None or product is None:
        return None
    for board in USB_BOARDS:
        if board.vendor == vendor and (not board.products or product in board.products):
            return board
    if "CMSIS-DAP" in description.upper():
        return UsbBoard(ANY_CMSIS_DAP, vendor, (product,), "pyocd")
    return None


@dataclasses.dataclass(frozen=True)
class SerialPort:
    """A serial port of this machine.

    Attributes:
      device: its name.
      usb: vendor and product id, or None.
      serial_number, description: as the system has them, what is not printable as an escape; "" without.
      board: what it is, or None.
    """

    device: str
    usb: tuple[int, int] | None
    serial_number: str
    description: str
    board: UsbBoard | None

    @classmethod
    def of(cls, port: Any) -> "SerialPort":
        """Args: port: of pyserial's ``list_ports``."""
        names = ("description", "product", "manufacturer", "interface", "serial_number")
        texts = [printable(getattr(port, name, None) or "") for name in names]
        board = board_of(port.vid, port.pid, " ".join(texts[:-1]))
        usb = (port.vid, port.pid) if port.vid is not None and port.pid is not None else None
        description = "" if texts[0] == "n/a" else texts[0]
        return cls(port.device, usb, texts[-1], description, board)


def serial_ports(found: Sequence[Any] | None = None) -> list[SerialPort]:
    """Serial ports of this machine, sorted by name. Args: found: of pyserial; None: looks."""
    if found is None:
        from serial.tools import list_ports

        found = list_ports.comports()
    return sorted((SerialPort.of(port) for port in found), key=lambda port: port.device)
