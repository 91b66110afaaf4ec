"""The pseudo-terminal in front of a board's TCP port."""

import os
import socket
import time

import pytest
import serial
from kws_host.emulator.pseudo_terminal import PseudoTerminal
from kws_reference.errors import KwsError


class Board:
    """The other end of the TCP port."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.wire = None

    def accept(self):
        self.wire, _ = self._listener.accept()
        self.wire.settimeout(30)
        return self.wire

    def close(self):
        self._listener.close()
        if self.wire:
            self.wire.close()


@pytest.fixture
def board():
    made = Board()
    yield made
    made.close()


@pytest.fixture
def terminal(board):
    with PseudoTerminal("127.0.0.1", board.port) as made:
        board.accept()
        yield made


def opened(terminal):
    return serial.Serial(terminal.device, 115200, timeout=30)


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def received(wire, count):
    data = b""
    while len(data) < count:
        data += wire.recv(count - len(data))
    return data


def test_terminal_passes_every_byte_both_ways(board, terminal):
    data = bytes(range(256)) * 64  # more than either end holds, and every sign that a terminal might take for itself
    with opened(terminal) as port:
        port.write(data[:1000])
        assert received(board.wire, 1000) == data[:1000]
        board.wire.sendall(data)
        assert port.read(len(data)) == data


def test_terminal_that_nobody_has_open_loses_what_the_board_says(board, terminal):
    board.wire.sendall(b"greeting")
    wait_for(lambda: terminal.lost == b"greeting")
    for lost in (b"greeting late", b"greeting late late"):
        with opened(terminal) as port:
            port.write(b"?")
            assert received(board.wire, 1) == b"?"
            board.wire.sendall(b"answer")
            assert port.read(6) == b"answer"
        wait_for(lambda: not terminal._is_open())
        board.wire.sendall(b" late")
        wait_for(lambda lost=lost: len(terminal.lost) >= len(lost))
        assert terminal.lost == lost


def test_skip_greeting_returns_when_the_board_has_gone_silent(board, terminal):
    board.wire.sendall(b"boot\r\n")
    terminal.skip_greeting(silence_s=0.05, timeout_s=30)
    assert terminal.lost == b"boot\r\n"


def test_skip_greeting_of_a_silent_board_returns_too(terminal):
    terminal.skip_greeting(silence_s=30, timeout_s=0.05)
    assert terminal.lost == b""


def test_terminal_of_a_board_that_ends_can_be_closed(board, terminal):
    board.wire.close()
    terminal.close()
    assert not os.path.exists(terminal.device)


def test_terminal_without_a_board_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(KwsError, match=f"cannot connect to 127.0.0.1:{port}: "):
        PseudoTerminal("127.0.0.1", port)
