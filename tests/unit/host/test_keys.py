"""Single keys of a terminal."""

import io
import os
import sys

import pytest
from kws_host.keys import keys

pytest.importorskip("termios", reason="this system has no termios")


@pytest.fixture
def terminal(monkeypatch):
    """The end of a terminal that a user types into; its other end is stdin."""
    control, end = os.openpty()
    with open(end, "rb", buffering=0, closefd=False) as raw:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
        yield control
        monkeypatch.undo()
    os.close(end)
    os.close(control)


@pytest.mark.parametrize("key", [b"\x1b[D", b"\x1bOR", b"\x1b[15;2~", b"\x1b"], ids=["left", "F3", "shift F5", "Esc"])
def test_keys_of_more_than_a_character_are_none(terminal, key):
    with keys() as keyboard:
        os.write(terminal, key)
        assert keyboard.pressed(5.0) == "" and keyboard.pressed() == ""
        os.write(terminal, b"d")
        assert keyboard.pressed(5.0) == "d"


def test_keys_that_were_pressed_before_are_forgotten(terminal):
    with keys() as keyboard:
        os.write(terminal, b"dd")
        keyboard.forget()
        assert keyboard.pressed() == ""


def test_keys_of_a_terminal_that_was_closed_end():
    control, end = os.openpty()
    with open(end, "rb", buffering=0) as raw, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(raw))
        with keys() as keyboard:
            os.close(control)
            assert keyboard.pressed(5.0) == "q"


def test_keys_of_a_terminal_come_at_once_and_the_terminal_is_as_before(monkeypatch):
    import termios

    control, end = os.openpty()
    try:
        with open(end, "rb", buffering=0, closefd=False) as raw:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
            before = termios.tcgetattr(end)
            with keys() as keyboard:
                assert keyboard.is_there and keyboard.pressed() == ""
                os.write(control, b"Rq")
                assert [keyboard.pressed(5.0), keyboard.pressed(5.0), keyboard.pressed()] == ["r", "q", ""]
            assert termios.tcgetattr(end) == before
            monkeypatch.undo()
    finally:
        os.close(control)
        os.close(end)


def test_keys_without_a_terminal_are_none(monkeypatch, tmp_path):
    (tmp_path / "in").write_text("q")
    with (tmp_path / "in").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with keys() as keyboard:
            assert not keyboard.is_there and keyboard.pressed(1.0) == ""
