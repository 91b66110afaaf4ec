"""Single keys of a terminal."""

import io
import os
import sys

import pytest
from kws_host.keys import keys

pytest.importorskip("termios", reason="this system has no termios")


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
