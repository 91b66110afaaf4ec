"""Boards by their USB ids, and completion."""

import re
import types

import pytest
from kws_host import asking, cli, usb_boards
from kws_host.usb_boards import USB_BOARDS, board_of, serial_ports
from serial.tools import list_ports


def _port(device: str, vid: int | None = None, pid: int | None = None, **texts: str) -> types.SimpleNamespace:
    names = ("description", "product", "manufacturer", "interface", "serial_number")
    return types.SimpleNamespace(device=device, vid=vid, pid=pid, **{**dict.fromkeys(names), **texts})


@pytest.mark.parametrize(
    ("vendor", "product", "name"),
    [
        (0x0483, 0x374B, "ST-LINK/V2"),
        (0x0483, 0x374E, "ST-LINK/V3"),
        (0x1366, 0x1051, "SEGGER J-Link"),
        (0x0D28, 0x0204, "DAPLink"),
        (0x2341, 0x805A, "Arduino Nano 33 BLE"),
    ],
)
def test_board_of_known_ids_is_named(vendor, product, name):
    assert board_of(vendor, product).name.startswith(name)


def test_board_of_unknown_ids_is_a_probe_only_if_it_says_so():
    assert board_of(0xDEAD, 1, "My CMSIS-DAP v2") == usb_boards.UsbBoard("CMSIS-DAP probe", 0xDEAD, (1,), "pyocd")
    assert board_of(0xDEAD, 1, "Printer") is None and board_of(None, None, "CMSIS-DAP") is None
    assert board_of(0x0483, 0x1234) is None


def test_usb_boards_name_no_product_twice():
    ids = [(board.vendor, product) for board in USB_BOARDS for product in board.products]
    assert len(set(ids)) == len(ids)
    everything = {board.vendor for board in USB_BOARDS if not board.products}
    assert not everything & {vendor for vendor, _ in ids}


def test_serial_ports_are_sorted_and_their_boards_known():
    found = serial_ports(
        [_port("/dev/ttyS0", description="n/a"), _port("/dev/ttyACM0", 0x1366, 0x1015, serial_number="7")]
    )
    assert [(port.device, port.usb, port.serial_number) for port in found] == [
        ("/dev/ttyACM0", (0x1366, 0x1015), "7"),
        ("/dev/ttyS0", None, ""),
    ]
    assert found[0].board.name.startswith("SEGGER") and found[1].board is None and found[1].description == ""


def test_serial_port_texts_that_a_terminal_would_obey_are_escapes():
    (port,) = serial_ports([_port("/dev/ttyACM0", 1, 2, description="a\x1b]52;c;Zm9v\x07", serial_number="1\n2")])
    assert (port.description, port.serial_number) == ("a\\u001b]52;c;Zm9v\\u0007", "1\\u000a2")


def test_list_opens_known_boards_and_named_ports_alone(capsys, monkeypatch):
    known, unknown, named = (_port("/dev/a", 0x1366, 0x1015), _port("/dev/b", 0xDEAD, 1), _port("/dev/c", 0xDEAD, 2))
    monkeypatch.setattr(list_ports, "comports", lambda: [known, unknown, named])
    opened = []
    monkeypatch.setattr(asking, "ask", lambda port, *_: opened.append(port) or asking.Answer(asking.SILENT, None, ""))
    assert cli.main(["list", "--port", "/dev/c", "--all"]) == 0
    assert opened == ["/dev/a", "/dev/c"]
    assert re.search(r"/dev/b +dead:0001 .*not asked \(--port asks\)", capsys.readouterr().out)
    assert cli.main(["list", "--no-ask", "--port", "/dev/c"]) == 0 and len(opened) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_commands_and_options(capsys, shell):
    assert cli.main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("capture", "--threshold", "--against"))
